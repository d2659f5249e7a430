"""What a person decides on proposed Actions, as it comes in, and the subtask that takes it to the executor. Pure.

The wire is the body of `POST /v1/requests/{id}/approvals` and the data part of an A2A reply: strict, so that a typo
decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from agents.runtime.approvals import Decision, Verdict
from agents.runtime.findings import Finding, Language
from planner.plan import Plan, Subtask, numbered
from planner.proposals import (
    APPROVALS,
    EXECUTOR,
    DecidedAction,
    ProposedAction,
    applying,
    decided_in,
    offered,
    undecided,
)
from planner.wording import action_phrase

MAX_DECISIONS = 100
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ProposalDecision(BaseModel):
    """A decision on one Action, named by its proposal's id, its digest, or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proposal: Name | None = None
    digest: Name | None = None
    decision: Verdict
    reason: Reason = ""

    @model_validator(mode="after")
    def _names_one(self) -> ProposalDecision:
        if self.proposal is None and self.digest is None:
            raise ValueError("a decision names its proposal or its digest")
        return self


class Decisions(BaseModel):
    """Decisions on some Actions, or one on all that are put before the person (`{"all": "approve"}`)."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"decisions": [{"digest": "3f1c…", "decision": "approve", "reason": "ok"}]}]},
    )

    decisions: tuple[ProposalDecision, ...] = Field((), max_length=MAX_DECISIONS)
    all: Verdict | None = None
    reason: Reason = ""
    """For `all`, and for decisions without their own."""

    @model_validator(mode="after")
    def _one_form(self) -> Decisions:
        if bool(self.decisions) == (self.all is not None):
            raise ValueError('give either "decisions" or "all": "approve" or "reject"')
        return self


class WrongDecision(ValueError):
    """A decision that fits nothing; nothing was executed. `code` is the HTTP status that says it."""

    def __init__(self, message: str, code: Literal[403, 404, 409, 422] = 422) -> None:
        super().__init__(message)
        self.code: Literal[403, 404, 409, 422] = code


def decisions_among(data: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The data part that holds decisions, if one does; other user interfaces mark theirs with a `decision_type`."""
    found = [dict(item) for item in data if ("decisions" in item or "all" in item) and "decision_type" not in item]
    return found[0] if found else None


def parsed_decisions(data: Mapping[str, Any]) -> Decisions:
    """Raises WrongDecision."""
    try:
        return Decisions.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WrongDecision(f"the decision is not understood: {where}: {first['msg']}") from error


Decided = list[tuple[ProposedAction, Decision]]
"""Each Action with what was decided on it, in the order of application."""


def read_decisions(wanted: Decisions, plan: Plan, findings: Mapping[str, Finding]) -> Decided:
    """What is decided on what. Empty when the same was decided before. Raises WrongDecision."""
    if wanted.all is not None:
        pairs = [(action, ProposalDecision(digest="-", decision=wanted.all)) for action in offered(plan, findings)]
        if not pairs and not applying(plan):
            raise WrongDecision("there is no prepared Action to decide on", 409)
        return [(action, _decision(action, given, wanted.reason)) for action, given in pairs]
    open_ones = undecided(plan, findings)
    before = _decided_before(plan, open_ones)
    found: dict[str, tuple[ProposedAction, Decision]] = {}
    for given in wanted.decisions:
        if _is_repeated(given, before):
            continue
        action = _named(given, open_ones)
        assert action.proposal is not None
        if action.proposal.proposal in found:
            raise WrongDecision(f"proposal {action.proposal.proposal} is decided twice in one call")
        found[action.proposal.proposal] = (action, _decision(action, given, wanted.reason))
    ranked = {a.proposal.proposal: n for n, a in enumerate(open_ones) if a.proposal}
    first = {a.proposal.proposal: n for n, a in enumerate(offered(plan, findings)) if a.proposal}
    order = sorted(found, key=lambda id: (first.get(id, len(first)), ranked[id]))
    return [found[id] for id in order]


def _named(given: ProposalDecision, open_ones: Sequence[ProposedAction]) -> ProposedAction:
    for action in open_ones:
        known = action.proposal
        if known is None or (given.proposal or known.proposal) != known.proposal:
            continue
        if given.proposal is None and given.digest != known.digest:
            continue
        if given.digest not in (None, known.digest):
            raise WrongDecision(f"digest {given.digest} is not the one of proposal {known.proposal}", 409)
        return action
    waiting = ", ".join(a.proposal.proposal for a in open_ones if a.proposal) or "none"
    raise WrongDecision(
        f"no Action with {_name_of(given)} waits for a decision in this request (waiting: {waiting})", 404
    )


def _is_repeated(given: ProposalDecision, before: Iterable[DecidedAction]) -> bool:
    for earlier in before:
        same = (given.proposal or earlier.proposal) == earlier.proposal
        if not same or (given.digest or earlier.digest) != earlier.digest:
            continue
        if earlier.decision == given.decision:
            return True
        raise WrongDecision(f"proposal {earlier.proposal} was decided before: {earlier.decision} by {earlier.by}", 409)
    return False


def _decided_before(plan: Plan, open_ones: Iterable[ProposedAction]) -> list[DecidedAction]:
    """Decisions that are under way or were used up; one that the executor refused can be made anew."""
    waiting = {action.proposal.proposal for action in open_ones if action.proposal}
    return [item for s in applying(plan) for item in decided_in(s) if item.proposal not in waiting]


def _name_of(given: ProposalDecision) -> str:
    return f"proposal {given.proposal}" if given.proposal else f"digest {given.digest}"


def _decision(action: ProposedAction, given: ProposalDecision, reason: str) -> Decision:
    assert action.proposal is not None
    return Decision(
        proposal=action.proposal.proposal,
        digest=action.proposal.digest,
        decision=given.decision,
        reason=given.reason or reason,
    )


_TITLES: dict[Language, dict[Verdict, str]] = {
    "en": {"approve": "apply what was approved", "reject": "note what was rejected"},
    "zh": {"approve": "执行已批准的变更", "reject": "记录被拒绝的变更"},
}
_INSTRUCTIONS: dict[Language, str] = {
    "en": "Carry out these decisions, in this order, and stop at the first failure:\n{lines}",
    "zh": "按顺序执行以下决定，遇到第一个失败即停止：\n{lines}",
}


def apply_subtask(plan: Plan, decided: Sequence[DecidedAction], language: Language, seconds_each: float) -> Subtask:
    """The subtask that takes signed decisions to the executor."""
    lines = "\n".join(f"- {item.decision}: {action_phrase(item.action, language)}" for item in decided)
    approvals = [item for item in decided if item.decision == "approve"]
    prepared = [s.id for s in plan.subtasks if s.specialist == EXECUTOR and s.status == "done"]
    inputs: dict[str, Any] = {APPROVALS: [item.model_dump(mode="json") for item in decided]}
    return Subtask(
        id=numbered("apply", plan),
        specialist=EXECUTOR,
        title=_TITLES[language]["approve" if approvals else "reject"],
        instruction=_INSTRUCTIONS[language].format(lines=lines),
        inputs=inputs,
        depends_on=tuple(prepared[-1:]),
        depth=1,
        deadline_seconds=seconds_each * max(1, len(approvals)),
    )
