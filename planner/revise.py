"""Follow-ups: what findings make worth asking next, within the plan's bounds. Pure.

A function of the whole plan and all findings, so that going on after a crash leads to the same subtasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.runtime.findings import Action, Finding, Language, RootCause
from agents.runtime.settings import LimitSettings
from planner.merge import action_key, changes_in, merged_causes
from planner.plan import Plan, Subtask
from planner.request import Request
from planner.team import Team
from planner.wording import action_phrase

MAX_ACTIONS = 10
"""Remedies prepared for one request: more than anybody reads."""
MAX_TRACED = 5
"""Root causes whose author is looked for."""

_PREPARE: dict[Language, tuple[str, str]] = {
    "en": (
        "dry-run the remedies",
        "Prepare these changes as dry runs with diff and way back, apply nothing:\n{lines}",
    ),
    "zh": ("试运行修复方案", "以试运行方式准备以下变更，给出差异和回退方法，不要实际执行：\n{lines}"),
}
_TRACE: dict[Language, tuple[str, str]] = {
    "en": ("who changed it", "Who changed these objects, what and when:\n{lines}"),
    "zh": ("谁改动了它", "谁在什么时候改动了以下对象、改了什么：\n{lines}"),
}


def follow_ups(
    request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team, limits: LimitSettings
) -> list[Subtask]:
    """The subtasks to add now; none when nothing is worth asking or a bound is reached."""
    if plan.intent != "diagnose":
        return []
    added = [*_prepare(request, plan, findings, team), *_trace(request, plan, findings, team)]
    room = max(0, limits.max_subtasks - len(plan.subtasks))
    return [subtask for subtask in added if subtask.depth <= limits.max_depth][:room]


def _prepare(request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team) -> list[Subtask]:
    """Short-term remedies that no executor subtask has prepared yet."""
    if "executor" not in team:
        return []
    before = [s for s in plan.subtasks if s.specialist == "executor"]
    known = {action_key(Action.model_validate(item)) for s in before for item in s.inputs.get("actions", ())}
    source = _sources(plan, findings)
    proposed = [a for c in merged_causes(findings[s.id] for s in source) for a in c.remedies if a.term == "short"]
    fresh = list({action_key(action): action for action in proposed if action_key(action) not in known}.values())
    if not fresh:
        return []
    fresh = fresh[:MAX_ACTIONS]
    title, instruction = _PREPARE[request.language]
    lines = "\n".join(f"- {action_phrase(action, request.language)}" for action in fresh)
    return [
        Subtask(
            id=_numbered("prepare", plan),
            specialist="executor",
            title=title,
            instruction=instruction.format(lines=lines),
            inputs={"actions": [action.model_dump(mode="json") for action in fresh]},
            depends_on=tuple(s.id for s in source),
            depth=max(s.depth for s in source) + 1,
        )
    ]


def _trace(request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team) -> list[Subtask]:
    """Root causes whose author nobody has told, once the auditor has had its first look and answered at all."""
    audits = [s for s in plan.subtasks if s.specialist == "auditor"]
    if "auditor" not in team or any(not s.over or s.status == "failed" for s in audits):
        return []
    if any(s.id.startswith("trace") for s in audits):
        return []
    source = _sources(plan, findings)
    seen = [findings[s.id] for s in audits if s.id in findings]
    causes = [c for c in merged_causes(findings[s.id] for s in source) if not _author_known(c, seen)][:MAX_TRACED]
    if not causes:
        return []
    title, instruction = _TRACE[request.language]
    since = min((cause.since for cause in causes if cause.since is not None), default=None)
    inputs: dict[str, Any] = {"names": [cause.resource.rsplit("/", 1)[-1] for cause in causes]}
    if len(causes) == 1:
        inputs["resource"] = causes[0].resource
    return [
        Subtask(
            id="trace",
            specialist="auditor",
            title=title,
            instruction=instruction.format(lines="\n".join(f"- {cause.resource}" for cause in causes)),
            inputs=inputs | ({"since": since.isoformat()} if since else {}),
            depends_on=tuple(s.id for s in source),
            depth=max(s.depth for s in source) + 1,
        )
    ]


def _sources(plan: Plan, findings: Mapping[str, Finding]) -> list[Subtask]:
    """The subtasks that found root causes."""
    return [s for s in plan.subtasks if s.id in findings and findings[s.id].root_causes and s.specialist != "executor"]


def _author_known(cause: RootCause, audits: list[Finding]) -> bool:
    if any(change.by for change in cause.changes):
        return True
    name = cause.resource.rsplit("/", 1)[-1]
    told = (change for finding in audits for change in changes_in(finding))
    seen = (f"{item.query} {item.excerpt}" for finding in audits for item in finding.evidence if "audit" in item.source)
    return any(change.resource == cause.resource for change in told) or any(name in text for text in seen)


def _numbered(stem: str, plan: Plan) -> str:
    taken = {subtask.id for subtask in plan.subtasks}
    numbers = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(id for id in numbers if id not in taken)
