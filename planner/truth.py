"""What became of decisions whose answer was lost: the executor's ledger knows, whatever happened on the way.

An executor that was killed, a dropped connection or a turn that ran out of time leave a subtask without its outcomes.
The ledger is asked until nothing is under way any more; only what no decision has used up may be sent again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from agents.runtime.findings import Finding, Language
from agents.runtime.updates import Completed, Failed, InputRequired, Outcome
from planner.merge import action_key
from planner.plan import Subtask
from planner.proposals import EXECUTOR, OUTCOMES, decided_in, outcomes_in
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
    if isinstance(outcome, InputRequired) or _complete(subtask, outcome):
        return outcome
    changes = await _settled(tools, subtask, language)
    if changes is None:
        return outcome if isinstance(outcome, Completed) else Failed(_LOST[language], "unreachable")
    if all(change.get("state") == "waiting" for change in changes):
        return None
    over = [change for change in changes if change.get("state") == "over"]
    text = "\n\n".join(str(change.get("text", "")) for change in over)
    return Completed(Finding(specialist=EXECUTOR, language=language, text=text, facts={OUTCOMES: over}))


def _complete(subtask: Subtask, outcome: Outcome) -> bool:
    """Every decision has its outcome, or one before it did not succeed."""
    if not isinstance(outcome, Completed):
        return False
    known = outcomes_in(outcome.finding)
    if any(not each.succeeded for each in known.values()):
        return True
    return all(action_key(item.action) in known for item in decided_in(subtask))


async def _settled(tools: Tools, subtask: Subtask, language: Language) -> list[dict[str, Any]] | None:
    """What the ledger says once nothing is under way; None when it cannot be asked in time."""
    asked = {"proposals": [item.proposal for item in decided_in(subtask)], "language": language}
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
