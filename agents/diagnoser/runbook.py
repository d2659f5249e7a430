"""How the diagnoser works without a model: one look at everything, seen from the question. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.runtime.definition import ToolCall, Turn
from agents.runtime.report_facts import REPORT


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """Asks the engine once; its answer separates causes from symptoms and needs no second look."""
    if turn.results:
        return ()
    wish = turn.subtask.inputs.get("wish")
    asked: dict[str, Any] = {
        # A report is about everything, whatever words it was ordered with.
        "question": "" if wish == REPORT else _question(turn),
        "language": turn.subtask.language,
    }
    if wish in (REPORT, "health"):
        asked["include_risks"] = True
    if turn.subtask.cluster_id:
        asked["cluster_id"] = turn.subtask.cluster_id
    namespace = turn.subtask.inputs.get("namespace")
    if isinstance(namespace, str) and namespace:
        asked["namespace"] = namespace
    return (ToolCall("find_root_causes", asked),)


def _question(turn: Turn) -> str:
    """The person's words; the resource that the planner names beside them belongs to the question."""
    words = turn.subtask.question or turn.instruction
    resource = turn.subtask.inputs.get("resource")
    return f"{words} ({resource.split('/')[-1]})" if isinstance(resource, str) and resource else words
