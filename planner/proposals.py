"""Proposed Actions with what the executor prepared of each, and which of them wait for a decision. Pure.

The executor hands proposals over in `Finding.facts["proposals"]`, and in `facts["outcomes"]` what became of Actions: of
decided ones, and of those that the policy did not even let it propose. `facts["question"]` is what it must know first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from agents.runtime.approvals import Verdict
from agents.runtime.findings import Action, Finding, RootCause, Wire
from planner.merge import action_key, merged_actions, merged_causes
from planner.plan import Plan, Subtask

EXECUTOR = "executor"
PROPOSALS = "proposals"
OUTCOMES = "outcomes"
QUESTION = "question"
APPROVALS = "approvals"
"""Key of an apply subtask's inputs: `DecidedAction`s in the order of application."""

Key = tuple[str, str, str]
_Item = TypeVar("_Item", bound=Wire)


class Risk(Wire):
    """How much can go wrong, and why, in the asker's language."""

    level: str = ""
    reasons: tuple[str, ...] = ()


class Proposal(Wire):
    """An Action's dry run: what a person sees before deciding, and what the decision is bound to."""

    proposal: str = Field(min_length=1)
    """Its id; the journal's entries are about it."""
    digest: str = Field(min_length=1)
    expires_at: datetime | None = None
    cluster_id: str | None = None
    title: str = ""
    diff: str = ""
    dry_run: str = "server"
    risk: Risk = Field(default_factory=Risk)
    effects: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    way_back: str = ""
    inverse: dict[str, Any] | None = None


class Outcome(Wire):
    """What became of an Action, as the executor says it."""

    status: str
    """`applied`, `rejected`, `stopped`, `failed`, `unclear`, `refused` or `not_applied`."""
    verdict: str = ""
    """Of an applied one: `fixed`, `unchanged` or `worse`."""
    undo: str = ""
    """`undone` or `undo_failed`, when it was taken back."""
    text: str = ""
    """The same in words, in the asker's language."""
    diff: str = ""

    @property
    def succeeded(self) -> bool:
        """Applied and nothing got worse, or rejected: what comes after it may follow."""
        return self.status == "rejected" or (self.status == "applied" and self.verdict != "worse")

    @property
    def final(self) -> bool:
        """The proposal is used up. One that was refused can still be approved by somebody else, or later."""
        return self.status not in ("refused", "not_applied")


class ProposedAction(Action):
    """A proposed Action: with its dry run where the executor has prepared one, and its outcome when there is one."""

    proposal: Proposal | None = None
    outcome: Outcome | None = None

    @property
    def approvable(self) -> bool:
        """A person can decide on it."""
        return self.proposal is not None and (self.outcome is None or not self.outcome.final)

    def as_json(self) -> dict[str, Any]:
        """As answers and events have it: without `proposal` or `outcome` where there is none."""
        data = self.model_dump(mode="json")
        return {key: value for key, value in data.items() if value is not None or key not in ("proposal", "outcome")}


class DecidedAction(Wire):
    """A decision on its way to the executor, which reads `action`, `approval` and `cluster_id`."""

    action: Action
    approval: str
    """The signed token."""
    cluster_id: str | None = None
    proposal: str
    digest: str
    decision: Verdict
    by: str
    reason: str = ""


def proposals(findings: Iterable[Finding], causes: Iterable[RootCause]) -> list[ProposedAction]:
    """Every proposed Action once; remedies first, then what was proposed beyond them.

    The findings come in the order of the plan: of several dry runs of an Action the last one counts, and an earlier
    outcome is not its outcome.
    """
    all_findings = list(findings)
    prepared, outcomes = dict[Key, Proposal](), dict[Key, Outcome]()
    for finding in all_findings:
        for action, proposal in _items(finding, PROPOSALS, Proposal):
            prepared[action_key(action)] = proposal
            outcomes.pop(action_key(action), None)
        outcomes.update(outcomes_in(finding))
    return [
        ProposedAction(
            **action.model_dump(), proposal=prepared.get(action_key(action)), outcome=outcomes.get(action_key(action))
        )
        for action in merged_actions(all_findings, causes)
    ]


def outcomes_in(finding: Finding) -> dict[Key, Outcome]:
    """What a Finding of the executor says became of Actions."""
    return {action_key(action): outcome for action, outcome in _items(finding, OUTCOMES, Outcome)}


def applying(plan: Plan) -> list[Subtask]:
    """The subtasks that carry decisions, in order."""
    return [subtask for subtask in plan.subtasks if subtask.inputs.get(APPROVALS)]


def decided_in(subtask: Subtask) -> list[DecidedAction]:
    """The decisions that a subtask carries."""
    return [DecidedAction.model_validate(item) for item in subtask.inputs.get(APPROVALS, ())]


def all_proposed(plan: Plan, findings: Mapping[str, Finding]) -> list[ProposedAction]:
    """Every proposed Action of a request as it stands now, its outcome included."""
    parts = before_changes(plan, findings)
    return proposals(parts, merged_causes(parts))


def before_changes(plan: Plan, findings: Mapping[str, Finding]) -> list[Finding]:
    """What was found about the question, in the order of the plan; looks at what changes brought are left out."""
    return [findings[s.id] for s in plan.subtasks if s.id in findings and not s.after_change]


def undecided(plan: Plan, findings: Mapping[str, Finding]) -> list[ProposedAction]:
    """What a person can decide on now, alternatives included; what is being applied is left out."""
    busy = {item.proposal for s in applying(plan) if not s.over for item in decided_in(s)}
    return [a for a in all_proposed(plan, findings) if a.approvable and a.proposal and a.proposal.proposal not in busy]


def offered(plan: Plan, findings: Mapping[str, Finding]) -> list[ProposedAction]:
    """What is put before a person as a whole, in the order of application: of each root cause one way out.

    The short-term remedy that could be prepared first is the one; what else was proposed can be approved by its digest.
    """
    open_ones = {action_key(action): action for action in undecided(plan, findings)}
    done = {action_key(a) for a in all_proposed(plan, findings) if a.outcome is not None and a.outcome.final}
    done |= {action_key(item.action) for s in applying(plan) if not s.over for item in decided_in(s)}
    chosen, remedies = list[ProposedAction](), set[Key]()
    for cause in merged_causes(before_changes(plan, findings)):
        keys = [action_key(action) for action in cause.remedies]
        remedies.update(keys)
        if any(key in done for key in keys):
            continue
        ways = [open_ones[key] for key in keys if key in open_ones and open_ones[key].term == "short"]
        chosen += [way for way in ways if not (way.proposal and way.proposal.lacking)][:1] or ways[:1]
    ordered = in_order({action_key(action): action for action in chosen}.values())
    return [*ordered, *(action for key, action in open_ones.items() if key not in remedies)]


_GROUND = ("Node", "Namespace", "ResourceQuota", "LimitRange", "StorageClass", "PersistentVolume")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


def in_order(actions: Iterable[ProposedAction]) -> list[ProposedAction]:
    """What others stand on comes first: nodes and quotas, then configuration, then workloads."""

    def rank(action: ProposedAction) -> int:
        kind = action.resource.split("/")[-2] if "/" in action.resource else ""
        if kind in _GROUND or action.resource.count("/") == 1:
            return 0
        return 2 if kind in _WORKLOADS else 1

    return sorted(actions, key=rank)


def expired(actions: Sequence[ProposedAction], now: datetime) -> list[ProposedAction]:
    """Those whose proposal is too old to be approved."""
    return [a for a in actions if a.proposal and a.proposal.expires_at and a.proposal.expires_at <= now]


def _items(finding: Finding, key: str, kind: type[_Item]) -> Iterator[tuple[Action, _Item]]:
    """What is none of its kind is left out: the answer then shows the Action without it."""
    items = finding.facts.get(key)
    for item in items if isinstance(items, list) else []:
        with suppress(ValidationError, TypeError, KeyError):
            yield Action.model_validate(item["action"]), kind.model_validate(item)
