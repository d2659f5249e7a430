"""How the executor works without a model: which Actions a turn asks for, and what the proposals add up to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from agents.executor.action import ActionError, PreparedAction, Target
from agents.executor.rendering import effect_lines, proposal_text, title, way_back
from agents.executor.requests import Question, Wanted, read_request
from agents.executor.wording import label, say
from agents.runtime.definition import ToolCall, ToolResult, Turn
from agents.runtime.findings import Action, Finding, Language

ACTIONS = "actions"
"""Key of `SubtaskInput.inputs`: Actions (JSON) to prepare."""
PROPOSALS = "proposals"
"""Key of `Finding.facts`: what was prepared."""
QUESTION = "question"
"""Key of `Finding.facts`: what has to be answered before anything can be proposed."""


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """Prepares every Action that the turn asks for, at once."""
    if turn.results:
        return ()
    return proposals_wanted(turn)


def proposals_wanted(turn: Turn) -> Sequence[ToolCall]:
    """From the planner's Actions, else from what the person wrote, else from the remedies that were found."""
    given = turn.subtask.inputs.get(ACTIONS)
    if given:
        return [call_of(action, turn.subtask.cluster_id) for action in read_actions(given)]
    asked = asked_for(turn)
    if not isinstance(asked, Question):
        return [_call_of_wanted(wanted, turn.subtask.cluster_id) for wanted in asked]
    return [call_of(action, turn.subtask.cluster_id) for action in remedies(turn)]


def read_actions(given: Any) -> list[Action]:
    """Actions from a planner's JSON. Raises ActionError."""
    try:
        return [Action.model_validate(item) for item in given]
    except (ValidationError, TypeError) as error:
        raise ActionError(f"inputs.{ACTIONS} must be a list of Actions: {error}") from error


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
    target = Target.parse(action.resource)
    place: dict[str, Any] = {"name": target.name}
    if target.kind != "Node" or action.kind not in ("cordon_node", "uncordon_node", "drain_node"):
        place |= {"kind": target.kind} | ({"namespace": target.namespace} if target.namespace else {})
    return ToolCall(action.kind, {**place, **action.arguments, **_cluster(cluster_id), **more})


def _call_of_wanted(wanted: Wanted, cluster_id: str | None) -> ToolCall:
    place: dict[str, Any] = {"name": wanted.name}
    if not wanted.kind.endswith("_node"):
        place |= {key: value for key, value in (("kind", wanted.object_kind), ("namespace", wanted.namespace)) if value}
    return ToolCall(wanted.kind, {**place, **wanted.arguments, **_cluster(cluster_id)})


def _cluster(cluster_id: str | None) -> dict[str, str]:
    return {"cluster_id": cluster_id} if cluster_id else {}


def compose(turn: Turn) -> Finding:
    """The proposals as text with their diffs, as Actions, and as facts for the planner."""
    language = turn.subtask.language
    proposals = [result.content for result in turn.results if _is_proposal(result)]
    failures = [_failure(result, language) for result in turn.results if result.error]
    texts = [proposal_text(PreparedAction.model_validate(item["action"]), language) for item in proposals]
    facts: dict[str, Any] = {PROPOSALS: [proposal_facts(item, language) for item in proposals]} if proposals else {}
    if not turn.results:
        question = asked_for(turn)
        text = question.text if isinstance(question, Question) else ""
        return Finding(specialist="executor", language=language, text=text, facts={QUESTION: text})
    summary = [label("summary", language, count=len(proposals))] if proposals else []
    return Finding(
        specialist="executor",
        language=language,
        text="\n\n".join([*summary, *texts, *failures]),
        actions=[Action.model_validate(item["wanted"]) for item in proposals],
        missing=failures,
        facts=facts,
    )


def proposal_facts(item: dict[str, Any], language: Language) -> dict[str, Any]:
    """A proposal for the planner and other programs: its values, and the same in words."""
    action = PreparedAction.model_validate(item["action"])
    return {
        **{key: value for key, value in item.items() if key not in ("action", "status", "wanted")},
        "cluster_id": action.cluster,
        "action": item["wanted"],
        "title": title(action),
        "diff": action.diff,
        "dry_run": action.dry_run,
        "risk": {"level": action.risk.level, "reasons": [say(note, language) for note in action.risk.reasons]},
        "effects": effect_lines(action.effects, language),
        "lacking": action.lacking,
        "warnings": action.warnings,
        "way_back": way_back(action, language),
        "inverse": action.inverse.model_dump() if action.inverse else None,
    }


def _is_proposal(result: ToolResult) -> bool:
    return result.error is None and isinstance(result.content, dict) and "action" in result.content


def _failure(result: ToolResult, language: Language) -> str:
    return label("not_prepared", language, what=f"`{result.name}` {result.arguments.get('name', '')}", why=result.error)
