"""Findings -> Report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from agents.runtime.findings import Finding
from agents.runtime.report_facts import CAPACITY, HEALTH, CapacityFacts, HealthFacts, facts_of
from planner.merge import merged_causes, unique_text
from planner.plan import Plan
from planner.report.compare import compare
from planner.report.report import Report, ScorePoint
from planner.report.score import deductions, grade_of, score_of
from planner.request import Request
from planner.synthesis import missing_parts


def assemble(
    id: str,
    request: Request,
    plan: Plan | None,
    findings: Mapping[str, Finding],
    *,
    created_at: datetime,
    schedule: str | None = None,
    before: Report | None = None,
    history: Sequence[ScorePoint] = (),
) -> Report:
    """The Report of a request that has ended. Without a diagnosis there is no score: silence is not health."""
    found = list(findings.values())
    health = next((h for f in found if (h := facts_of(f.facts, HEALTH, HealthFacts)) is not None), None)
    capacity = next((c for f in found if (c := facts_of(f.facts, CAPACITY, CapacityFacts)) is not None), None)
    causes = merged_causes(found)
    missing = missing_parts(request, plan, found) if plan else unique_text(request.notes)
    missing = unique_text([*missing, *(health.unchecked if health else ())])
    taken = deductions(causes, health, capacity, missing, request.language)
    looked = health is not None or bool(causes)
    score = score_of(taken) if looked else None
    report = Report(
        id=id,
        request_id=request.id,
        cluster=request.cluster_id or "",
        language=request.language,
        created_at=created_at,
        user=request.user,
        schedule=schedule,
        score=score,
        grade=grade_of(score, causes),
        deductions=taken,
        causes=causes,
        elsewhere=unique_text(line for f in found for line in f.elsewhere),
        health=health,
        capacity=capacity,
        missing=missing,
        history=list(history),
    )
    return report if before is None else report.model_copy(update={"comparison": compare(report, before)})
