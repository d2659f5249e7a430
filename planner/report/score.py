"""The score: 100 minus deductions, each with its sum. Pure, so that the same findings always score the same.

| what | points | at most |
|---|---|---|
| a root cause | 20 x its confidence | 60 |
| a risk | 8 (high), 4 (medium), 2 (low) x (0.5 + 0.5 x share of the objects that have it) | 30 |
| sizing | 5 x share of the measured containers whose requests do not fit | 5 |
| what could not be seen | 1 each | 5 |

Each category stops at its bound, so the whole stays within 0 and 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.runtime.findings import Language, RootCause
from agents.runtime.report_facts import CapacityFacts, HealthFacts, Severity
from planner.report.report import Category, Deduction, Grade
from planner.report.wording import say

CAUSE_POINTS = 20.0
RISK_POINTS: dict[Severity, float] = {"high": 8.0, "medium": 4.0, "low": 2.0}
SIZING_POINTS = 5.0
UNSEEN_POINTS = 1.0
BOUNDS: dict[Category, float] = {"cause": 60.0, "risk": 30.0, "sizing": 5.0, "unseen": 5.0}
GOOD, ATTENTION = 90.0, 60.0
"""Scores from which a cluster is good, and from which it only needs attention."""


def deductions(
    causes: Sequence[RootCause],
    health: HealthFacts | None,
    capacity: CapacityFacts | None,
    missing: Sequence[str],
    language: Language = "en",
) -> list[Deduction]:
    """Every deduction, the heaviest category first, none above its category's bound."""
    groups: tuple[Iterable[Deduction], ...] = (
        (_cause(cause) for cause in causes),
        _risks(health),
        _sizing(capacity, language),
        (_unseen(line, language) for line in missing),
    )
    return [kept for group in groups for kept in _bounded(group, language)]


def score_of(found: Sequence[Deduction]) -> float:
    """0 to 100, with one decimal."""
    return round(max(0.0, 100.0 - sum(one.points for one in found)), 1)


def grade_of(score: float | None, causes: Sequence[RootCause]) -> Grade:
    """In a word. Whatever the score, a cluster with a root cause is not good."""
    if score is None:
        return "unknown"
    if score < ATTENTION:
        return "critical"
    return "attention" if causes or score < GOOD else "good"


def _cause(cause: RootCause) -> Deduction:
    points = round(CAUSE_POINTS * cause.confidence, 1)
    return Deduction(
        category="cause",
        subject=cause.resource,
        title=f"{cause.resource}: {cause.fault}",
        points=points,
        formula=f"{CAUSE_POINTS:g} × {cause.confidence:.2f} = {points:g}",
    )


def _risks(health: HealthFacts | None) -> Iterable[Deduction]:
    for risk in health.risks if health else ():
        share = min(1.0, risk.total / risk.examined) if risk.examined > 0 else 1.0
        base = RISK_POINTS[risk.severity]
        points = round(base * (0.5 + 0.5 * share), 1)
        formula = f"{base:g} × (0.5 + 0.5 × {risk.total}/{max(risk.examined, risk.total)}) = {points:g}"
        yield Deduction(category="risk", subject=risk.check, title=risk.title, points=points, formula=formula)


def _sizing(capacity: CapacityFacts | None, language: Language) -> Iterable[Deduction]:
    if capacity is None or not capacity.sizing:
        return
    # Rows that were cut are those that fit best, so they count as fitting.
    total = max(capacity.sizing_total, len(capacity.sizing))
    wrong = sum(row.verdict != "fits" for row in capacity.sizing)
    points = round(SIZING_POINTS * wrong / total, 1)
    if points:
        formula = f"{SIZING_POINTS:g} × {wrong}/{total} = {points:g}"
        title = say(language, "deduct_sizing", wrong=wrong, total=total)
        yield Deduction(category="sizing", subject="sizing", title=title, points=points, formula=formula)


def _unseen(line: str, language: Language) -> Deduction:
    title = say(language, "deduct_unseen", what=line)
    return Deduction(category="unseen", subject=line, title=title, points=UNSEEN_POINTS, formula=f"{UNSEEN_POINTS:g}")


def _bounded(found: Iterable[Deduction], language: Language) -> Iterable[Deduction]:
    left: dict[Category, float] = dict(BOUNDS)
    for one in found:
        room = round(left[one.category], 1)
        if one.points > room:
            note = say(language, "bound", room=f"{room:g}", bound=f"{BOUNDS[one.category]:g}")
            one = one.model_copy(update={"points": room, "formula": f"{one.formula}; {note}"})
        left[one.category] -= one.points
        yield one
