"""The members' tasks as tool calls of the planner, for user interfaces that show who works on what.

A call is told once the member's conversation is known, and its result once the subtask is over: a user interface that
knows the conversation can look into it meanwhile.
"""

from __future__ import annotations

from typing import Any

from agents.runtime.wire import ToolCallNote, ToolResultNote
from planner.plan import OVER, Plan
from planner.store import Event, Store

REQUEST = "request"
"""The one argument of an agent that is used as a tool."""


class Delegation:
    """The calls of one request, as far as its events have been told."""

    def __init__(self, store: Store, request_id: str) -> None:
        self._store = store
        self._request_id = request_id
        self._plan: Plan | None = None
        self._told: set[str] = set()
        self._over: set[str] = set()

    async def notes(self, event: Event) -> list[ToolCallNote | ToolResultNote]:
        """The calls and results that an event makes known."""
        subtask_id = event.data.get("subtask" if event.type == "progress" else "id")
        if event.type not in ("progress", "subtask") or subtask_id in self._over:
            return []
        notes: list[ToolCallNote | ToolResultNote] = []
        over = event.type == "subtask" and event.data["status"] in OVER
        if subtask_id not in self._told and (over or event.data.get("status") != "pending"):
            notes += await self._calls(str(subtask_id))
        if over and subtask_id in self._told:
            self._over.add(str(subtask_id))
            notes.append(await self._result(str(subtask_id), event.data))
        return notes

    async def _calls(self, wanted: str) -> list[ToolCallNote]:
        """Every call whose conversation is known by now, when the wanted one's is: they begin together."""
        plan = await self._known_plan(wanted)
        begun = [s for s in plan.subtasks if s.context_id and s.id not in self._told] if plan is not None else []
        if all(subtask.id != wanted for subtask in begun):
            return []
        self._told.update(subtask.id for subtask in begun)
        return [
            ToolCallNote(self._call_id(s.id), s.specialist, {REQUEST: s.instruction}, s.context_id or "") for s in begun
        ]

    async def _result(self, subtask_id: str, data: dict[str, Any]) -> ToolResultNote:
        plan = await self._known_plan(subtask_id)
        assert plan is not None
        subtask = plan.subtask(subtask_id)
        done = data["status"] == "done"
        words = ": ".join(word for word in (str(data["status"]), str(data.get("note") or "")) if word)
        return ToolResultNote(
            self._call_id(subtask_id), subtask.specialist, words, failed=not done, session=subtask.context_id or ""
        )

    async def _known_plan(self, wanted: str) -> Plan | None:
        """The plan with the wanted subtask's conversation, when that is known; read again only when it was not."""
        if self._plan is None or not any(s.id == wanted and s.context_id for s in self._plan.subtasks):
            self._plan, _ = await self._store.plan(self._request_id)
        return self._plan

    def _call_id(self, subtask_id: str) -> str:
        return f"{self._request_id}-{subtask_id}"
