"""A Report as data: what `GET /v1/reports/{id}.json` returns, and what every rendering is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from agents.runtime.findings import Language, RootCause, Wire
from agents.runtime.report_facts import CapacityFacts, HealthFacts

Grade = Literal["good", "attention", "critical", "unknown"]
Category = Literal["cause", "risk", "sizing", "unseen"]


class Deduction(Wire):
    """Why the score is not 100, with the sum that anybody can do again."""

    category: Category
    subject: str
    """The root cause's resource, the risk's check, …"""
    title: str
    points: float
    formula: str
    """`20 x 0.98 = 19.6`."""


class ScorePoint(Wire):
    """The score of an earlier report."""

    at: datetime
    score: float


class Moved(Wire):
    """A risk that concerns more or fewer objects than before."""

    title: str
    before: int
    after: int


class Comparison(Wire):
    """What got better or worse since the last report of the same cluster."""

    previous_id: str
    previous_at: datetime
    previous_score: float | None = None
    delta: float | None = None
    causes_new: list[str] = Field(default_factory=list[str])
    causes_gone: list[str] = Field(default_factory=list[str])
    risks_new: list[str] = Field(default_factory=list[str])
    risks_gone: list[str] = Field(default_factory=list[str])
    risks_worse: list[Moved] = Field(default_factory=list[Moved])
    risks_better: list[Moved] = Field(default_factory=list[Moved])

    @property
    def nothing(self) -> bool:
        """All is as it was."""
        causes, risks = (self.causes_new, self.causes_gone), (self.risks_new, self.risks_gone)
        return not any((*causes, *risks, self.risks_worse, self.risks_better, self.delta))


class Report(Wire):
    """One look at one cluster."""

    id: str
    request_id: str
    cluster: str
    language: Language
    created_at: datetime
    user: str = ""
    schedule: str | None = None
    """The cron expression that started it."""
    score: float | None
    """0 to 100; None when nobody could look."""
    grade: Grade
    deductions: list[Deduction] = Field(default_factory=list[Deduction])
    causes: list[RootCause] = Field(default_factory=list[RootCause])
    elsewhere: list[str] = Field(default_factory=list[str])
    health: HealthFacts | None = None
    capacity: CapacityFacts | None = None
    missing: list[str] = Field(default_factory=list[str])
    comparison: Comparison | None = None
    history: list[ScorePoint] = Field(default_factory=list[ScorePoint])
    """Scores of earlier reports of the cluster, oldest first; this one's own comes after them."""

    def risk_titles(self) -> dict[str, str]:
        """Titles of the risks by check."""
        return {risk.check: risk.title for risk in self.health.risks} if self.health else {}
