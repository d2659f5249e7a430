"""How the executor works without a model: which tools a turn asks for, in order where it matters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from agents.executor.action import ActionError, Target
from agents.executor.requests import Question, Wanted, read_request
from agents.runtime.approvals import ApprovedAction
from agents.runtime.definition import ToolCall, ToolResult, Turn
from agents.runtime.findings import Action

ACTIONS = "actions"
"""Key of `SubtaskInput.inputs`: Actions (JSON) to prepare."""
APPROVALS = "approvals"
"""Key of `SubtaskInput.inputs`: `ApprovedAction`s (JSON), in the order in which they are to be applied."""
ASKED_BY = "asked_by"
"""Key of `SubtaskInput.inputs`: who asked, for the journal."""


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """Applies what was approved, one at a time until one fails; else prepares what is asked for, all at once."""
    approved = read_approvals(turn)
    if approved:
        done = len(turn.results)
        if done >= len(approved) or any(not succeeded(result) for result in turn.results):
            return ()
        entry = approved[done]
        return [call_of(entry.action, entry.cluster_id or turn.subtask.cluster_id, approval=entry.approval)]
    return () if turn.results else proposals_wanted(turn)


def succeeded(result: ToolResult) -> bool:
    """Whether the next Action in order may follow: this one was applied and made nothing worse, or was rejected."""
    content: dict[str, Any] = result.content if isinstance(result.content, dict) else {}
    return content.get("status") == "rejected" or (
        content.get("status") == "applied" and content.get("verdict") != "worse"
    )


def proposals_wanted(turn: Turn) -> Sequence[ToolCall]:
    """From the planner's Actions, else from what the person wrote, else from the remedies that were found."""
    who = turn.subtask.inputs.get(ASKED_BY)
    more = {"asked_by": str(who)} if who else {}
    given = turn.subtask.inputs.get(ACTIONS)
    if given:
        return [call_of(action, turn.subtask.cluster_id, **more) for action in read_actions(given)]
    asked = asked_for(turn)
    if not isinstance(asked, Question):
        return [_call_of_wanted(wanted, turn.subtask.cluster_id, more) for wanted in asked]
    return [call_of(action, turn.subtask.cluster_id, **more) for action in remedies(turn)]


def read_actions(given: Any) -> list[Action]:
    """Actions from a planner's JSON. Raises ActionError."""
    try:
        return [Action.model_validate(item) for item in given]
    except (ValidationError, TypeError) as error:
        raise ActionError(f"inputs.{ACTIONS} must be a list of Actions: {error}") from error


def read_approvals(turn: Turn) -> list[ApprovedAction]:
    """The approved Actions of a turn, in order. Raises ActionError."""
    given = turn.subtask.inputs.get(APPROVALS) or []
    try:
        return [ApprovedAction.model_validate(item) for item in given]
    except (ValidationError, TypeError) as error:
        raise ActionError(f"inputs.{APPROVALS} must be a list of approved Actions: {error}") from error


def asked_for(turn: Turn) -> list[Wanted] | Question:
    """What the instruction asks for, or the person's own words when the instruction says nothing that is understood."""
    read = read_request(turn.instruction, turn.subtask.language)
    return read_request(turn.subtask.question, turn.subtask.language) if isinstance(read, Question) else read


def remedies(turn: Turn) -> list[Action]:
    """The first short-term remedy of every root cause that earlier subtasks found."""
    found: list[Action] = []
    for finding in turn.subtask.findings:
        for cause in finding.root_causes:
            first = next((action for action in cause.remedies if action.term == "short"), None)
            if first is not None and first not in found:
                found.append(first)
    return found


def call_of(action: Action, cluster_id: str | None, **more: Any) -> ToolCall:
    """The tool call for an Action."""
    if action.kind == "call_tool":
        return ToolCall(action.kind, {**action.arguments, **_cluster(cluster_id), **more})
    target = Target.parse(action.resource)
    place: dict[str, Any] = {"name": target.name}
    if action.kind not in ("cordon_node", "uncordon_node", "drain_node"):
        place |= {"kind": target.kind} | ({"namespace": target.namespace} if target.namespace else {})
    return ToolCall(action.kind, {**place, **action.arguments, **_cluster(cluster_id), **more})


def _call_of_wanted(wanted: Wanted, cluster_id: str | None, more: dict[str, str]) -> ToolCall:
    place: dict[str, Any] = {"name": wanted.name}
    if not wanted.kind.endswith("_node"):
        place |= {key: value for key, value in (("kind", wanted.object_kind), ("namespace", wanted.namespace)) if value}
    return ToolCall(wanted.kind, {**place, **wanted.arguments, **_cluster(cluster_id), **more})


def _cluster(cluster_id: str | None) -> dict[str, str]:
    return {"cluster_id": cluster_id} if cluster_id else {}
