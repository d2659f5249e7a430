"""Planning and synthesis by the configured strategy; the runbook's word stands whenever a model fails."""

from __future__ import annotations

from collections.abc import Mapping

from agents.runtime.findings import Finding, Usage
from agents.runtime.settings import LimitSettings, Settings
from planner.answer import Answer
from planner.engine import Strategy
from planner.plan import Plan, check
from planner.request import Request, now
from planner.strategy.runbook import plan_by_runbook
from planner.synthesis import synthesise
from planner.team import Team

RUNBOOK = "runbook"


def strategy_of(settings: Settings) -> Strategy:
    """The planner's strategy: its own model's, the team's model's, or the runbook."""
    model = settings.model_of("planner")
    if model.name == RUNBOOK:
        return RunbookStrategy(settings.limits)
    from planner.strategy.model import ModelStrategy

    return ModelStrategy(model, settings.limits)


class RunbookStrategy:
    """No model: words decide who is asked, and the answer is put together from the findings."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits

    async def plan(self, request: Request, team: Team) -> tuple[Plan, Usage, list[str]]:
        """Raises PlanError when nobody is on the team."""
        plan = plan_by_runbook(request, team)
        check(plan, team, max_subtasks=self._limits.max_subtasks, max_depth=self._limits.max_depth)
        return plan, Usage(), []

    async def answer(
        self, request: Request, plan: Plan, findings: Mapping[str, Finding]
    ) -> tuple[Answer, Usage, list[str]]:
        """Pure work; never fails."""
        return synthesise(request, plan, findings, now()), Usage(), []
