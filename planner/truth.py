"""What became of decisions whose answer was lost: the executor's ledger knows, whatever happened on the way.

An executor that was killed, a dropped connection or a turn that ran out of time leave a subtask without its outcomes.
The ledger is asked until nothing is under way any more; only what no decision has used up may be sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol

from pydantic import ValidationError

from agents.runtime.findings import Action, Finding, Language
from agents.runtime.updates import Completed, Failed, InputRequired, Outcome
from planner.merge import action_key
from planner.plan import Subtask
from planner.proposals import EXECUTOR, OUTCOMES, DecidedAction, Key, decided_in, outcomes_in
from planner.proposals import Outcome as Became
from planner.team import ToolUnavailable

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
AFTERWARDS_SECONDS = 60.0
"""How much longer than the subtask the executor may take to find out what an earlier life of it did."""
RESENDS = 2

_LOST: dict[Language, str] = {
    "en": "the executor cannot be reached, so it is not known what took effect; `kubeteam journal` tells it later",
    "zh": "无法连接执行者，因此不知道哪些变更已生效；待其恢复后可用 `kubeteam journal` 查看",
}


class Tools(Protocol):
    """Calls read-only tools of members."""

    async def call_tool(self, member: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises ToolUnavailable."""
        ...


async def truth(tools: Tools, subtask: Subtask, outcome: Outcome, language: Language) -> Outcome | None:
    """The outcome of a subtask with decisions, completed by the ledger. None: nothing was used up, send it again."""
    finding = outcome.finding if isinstance(outcome, Completed) else None
    open_ones = _open(subtask, outcomes_in(finding) if finding else {})
    if isinstance(outcome, InputRequired) or not open_ones:
        return outcome
    changes = await _settled(tools, subtask, [item.proposal for item in open_ones], language)
    if changes is None:
        return outcome if finding else Failed(_LOST[language], "unreachable")
    over = [change for change in changes if change.get("state") == "over"]
    if not over:
        return outcome if finding and finding.facts.get(OUTCOMES) else None
    return Completed(_with(finding, over, language))


def _open(subtask: Subtask, known: dict[Key, Became]) -> list[DecidedAction]:
    """Decisions that only the ledger can tell the outcome of.

    Those without one, up to a failure that stopped the rest; and those whose Approval was refused, which may be because
    an earlier attempt, whose answer was lost, had used it.
    """
    found: list[DecidedAction] = []
    for item in decided_in(subtask):
        outcome = known.get(action_key(item.action))
        if outcome is None or outcome.status == "not_applied":
            found.append(item)
        elif not outcome.succeeded:
            break
    return found


def _with(finding: Finding | None, over: list[dict[str, Any]], language: Language) -> Finding:
    """What the executor said, corrected by the ledger."""
    told = Finding(specialist=EXECUTOR, language=language, facts={OUTCOMES: over})
    corrected = outcomes_in(told)
    kept = [item for key, item in _raw(finding) if key not in corrected] if finding else []
    outcomes = [*kept, *over]
    text = "\n\n".join(str(item.get("text", "")) for item in outcomes)
    return told.model_copy(update={"text": text, "facts": {OUTCOMES: outcomes}})


def _raw(finding: Finding) -> Iterator[tuple[Key, dict[str, Any]]]:
    """The executor's own outcomes as they came; what is none is left out."""
    for item in finding.facts.get(OUTCOMES, ()):
        with suppress(ValidationError, TypeError, KeyError):
            yield action_key(Action.model_validate(item["action"])), item


async def _settled(
    tools: Tools, subtask: Subtask, proposals: list[str], language: Language
) -> list[dict[str, Any]] | None:
    """What the ledger says once nothing is under way; None when it cannot be asked in time."""
    asked = {"proposals": proposals, "language": language}
    clock = asyncio.get_running_loop()
    ends = clock.time() + (subtask.deadline_seconds or 0) + AFTERWARDS_SECONDS
    while clock.time() < ends:
        try:
            answer = await tools.call_tool(EXECUTOR, "what_became_of", asked)
            changes = [change for change in answer.get("changes", []) if isinstance(change, dict)]
            if changes and not any(change.get("state") == "running" for change in changes):
                return changes
        except ToolUnavailable as error:
            log.info("%s", error)
        await asyncio.sleep(POLL_SECONDS)
    return None
