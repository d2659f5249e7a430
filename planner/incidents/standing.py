"""Where an incident stands, by the plan that looks at it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from agents.runtime.findings import Finding, RootCause
from agents.runtime.settings import IncidentEvent
from planner.aftermath import Done, done
from planner.incidents.incident import IncidentStatus
from planner.incidents.wording import say
from planner.merge import merged_causes
from planner.plan import Plan
from planner.proposals import ProposedAction, applying, before_changes
from planner.request import Request


class Standing(NamedTuple):
    """What a plan makes of its incidents."""

    status: IncidentStatus
    events: tuple[IncidentEvent, ...] = ()
    """What people are told, once per `occasion`."""
    occasion: int = 0
    """How many decisions there have been."""
    causes: tuple[RootCause, ...] = ()
    actions: tuple[ProposedAction, ...] = ()
    """Those that wait for a decision."""
    note: str = ""

    @property
    def cause_lines(self) -> tuple[str, ...]:
        """As incidents keep them."""
        return tuple(f"{cause.resource} ({cause.fault})" for cause in self.causes)


def standing_of(request: Request, plan: Plan | None, findings: Mapping[str, Finding]) -> Standing:
    """The status that the request's state means."""
    occasion = len(applying(plan)) if plan else 0
    if request.status in ("queued", "running"):
        return Standing("repairing" if occasion else "diagnosing")
    causes = tuple(merged_causes(before_changes(plan, findings))) if plan else ()
    known: tuple[IncidentEvent, ...] = ("understood",) if causes else ()
    if request.pause is not None:
        events = (*known, "approval_needed") if request.pause.actions else known
        after = _after(plan, findings, request)
        return Standing("waiting", (*after, *events), occasion, causes, request.pause.actions, request.pause.question)
    after = _after(plan, findings, request)
    if request.status != "answered":
        note = "; ".join(request.notes) or say(request.language, "failed")
        return Standing("failed", (*known, *after), occasion, causes, note=note)
    if "repaired" in after:
        return Standing("repaired", (*known, *after), occasion, causes)
    if "undone" in after:
        return Standing("failed", (*known, *after), occasion, causes)
    return Standing("waiting", known, occasion, causes, note=say(request.language, "nothing"))


def _after(plan: Plan | None, findings: Mapping[str, Finding], request: Request) -> tuple[IncidentEvent, ...]:
    """What the last decisions led to."""
    last = next(reversed(applying(plan)), None) if plan else None
    if plan is None or last is None:
        return ()
    results: list[Done] = done(plan.model_copy(update={"subtasks": (last,)}), findings, request.language)
    outcomes = [outcome for _, outcome, _ in results if outcome is not None]
    if any(outcome.undo == "undone" for outcome in outcomes):
        return ("undone",)
    applied = [outcome for outcome in outcomes if outcome.status == "applied"]
    return ("repaired",) if applied and all(outcome.succeeded for outcome in outcomes) else ()
