"""A person's decisions become the next step of a request: signed and handed to the executor, or prepared anew. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.runtime.approvals import ApprovalRefused, Decision, approve, load_key
from agents.runtime.context import ANONYMOUS
from agents.runtime.findings import Action, Finding
from agents.runtime.settings import Settings
from planner.answer import subtask_views
from planner.decisions import Decided, Decisions, WrongDecision, apply_subtask, read_decisions
from planner.plan import Plan, Subtask
from planner.proposals import DecidedAction, expired
from planner.request import Request
from planner.revise import prepare_subtask
from planner.store import Step
from planner.wording import say

SECONDS_AROUND = 60.0
"""Dry run, diagnoses before and after, and an undo beside the rollout of one change."""

Sign = Callable[[Decision, str], str]
"""Makes the token of a decision by a person of that name. Raises ApprovalRefused."""


def unsigned(decision: Decision, by: str) -> str:
    """For planners without a key."""
    raise ApprovalRefused("this planner has no key to sign approvals with")


@dataclass(frozen=True)
class Signing:
    """Who signs, and how long one change may take."""

    sign: Sign
    seconds_per_change: float = 120.0


def signing_of(settings: Settings) -> Signing:
    """Signs with the team's key. Raises SettingsError for a key that cannot be used."""
    key, lifetime = load_key(settings), timedelta(minutes=settings.approvals.lifetime_minutes)

    def sign(decision: Decision, by: str) -> str:
        return approve(decision, approver=by, key=key, now=datetime.now(UTC), lifetime=lifetime)

    return Signing(sign, settings.approvals.rollout_seconds + SECONDS_AROUND)


def step_of(
    request: Request,
    plan: Plan | None,
    findings: Mapping[str, Finding],
    wanted: Decisions,
    by: str,
    signing: Signing,
    now: datetime,
) -> Step | None:
    """What the decisions lead to; None when the same was decided before. Raises WrongDecision."""
    if not by.strip() or by == ANONYMOUS:
        raise WrongDecision(
            "a decision needs the name of the person who decides (X-User-Id, or `kubeteam --user`)", 403
        )
    if plan is None:
        raise WrongDecision(f"request {request.id} has nothing to decide on", 409)
    decided = read_decisions(wanted, plan, findings)
    if not decided:
        return None
    waiting = request.status == "input_required" and request.pause is not None and request.pause.kind == "approval"
    if not waiting and request.status != "answered":
        raise WrongDecision(f"request {request.id} is {request.status}; decide when it has come to rest", 409)
    old = expired([action for action, decision in decided if decision.decision == "approve"], now)
    if old:
        subtask = prepare_subtask(request, plan, old)
        notes = (*request.notes, say(request.language, "anew"))
        return _step(request, plan, subtask, [], {"notes": notes, "offers": True})
    signed = _signed(decided, by, signing)
    subtask = apply_subtask(plan, signed, request.language, signing.seconds_per_change)
    return _step(request, plan, subtask, signed, {})


def _signed(decided: Decided, by: str, signing: Signing) -> list[DecidedAction]:
    try:
        return [
            DecidedAction(
                action=Action.model_validate(action.model_dump()),
                approval=signing.sign(decision, by),
                cluster_id=action.proposal.cluster_id if action.proposal else None,
                proposal=decision.proposal,
                digest=decision.digest,
                decision=decision.decision,
                by=by,
                reason=decision.reason,
            )
            for action, decision in decided
        ]
    except ApprovalRefused as error:
        raise WrongDecision(str(error), 403) from error


def _step(request: Request, plan: Plan, subtask: Subtask, signed: list[DecidedAction], changed: dict[str, Any]) -> Step:
    going_on = {"status": "queued", "pause": None, "ended_at": None, **changed}
    request, plan = request.model_copy(update=going_on), plan.extended([subtask])
    shown = [view.model_dump(mode="json") for view in subtask_views(plan)]
    told = [
        ("decision", item.model_dump(mode="json", include={"proposal", "digest", "decision", "by", "reason"}))
        for item in signed
    ]
    revised = {"goal": plan.goal, "strategy": plan.strategy, "revision": plan.revision, "subtasks": shown}
    events = [*told, ("plan", revised), ("request", {"id": request.id, "status": request.status})]
    return Step(request=request, plan=plan, events=events, reopens=True)
