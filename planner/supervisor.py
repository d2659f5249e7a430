"""Keeps requests moving: starts them, goes on with them after a restart, answers their questions, cancels them."""

from __future__ import annotations

import asyncio
import logging

from planner.answer import Answer, RequestView, view
from planner.clarify import apply_reply, chosen
from planner.engine import Desk, Drive, stop_subtask, subtask_event
from planner.request import Request, now
from planner.store import Page, RequestOver, Step

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Requests that are worked on at the same time; the others are queued."""


class NotWaiting(RuntimeError):
    """A reply came to a request that asked nothing."""


class UnclearReply(ValueError):
    """The reply names none of the choices; the text says which there are."""


class Supervisor:
    """The requests of one planner."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._store = desk.store
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def start(self) -> None:
        """Goes on with what an earlier life of this planner left unfinished."""
        for request_id in await self._store.unfinished():
            self._drive(request_id)

    async def stop(self) -> None:
        """Lets go of everything without cancelling any of it: the next start goes on."""
        self.desk.members.leave()
        self.desk.watch.close()
        driving = list(self._driving.values())
        for task in driving:
            task.cancel()
        await asyncio.gather(*driving, return_exceptions=True)

    async def submit(self, request: Request) -> Request:
        """Stores a request, then starts it. The same id again is the same request."""
        event = ("request", {"id": request.id, "status": request.status, "question": request.question})
        if await self._store.create(request, event):
            self._drive(request.id)
            return request
        return await self._store.request(request.id)

    async def requests(self, limit: int, cursor: str | None) -> Page:
        """Requests, newest first. Raises ValueError for a wrong cursor."""
        return await self._store.requests(limit, cursor)

    async def view(self, request_id: str) -> RequestView:
        """Raises UnknownRequest."""
        request = await self._store.request(request_id)
        plan, findings = await self._store.plan(request_id)
        answer: Answer | None = await self._store.answer(request_id)
        return view(request, plan, findings, answer)

    async def reply(self, request_id: str, text: str) -> Request:
        """Answers the question a request waits with. Raises UnknownRequest, NotWaiting, UnclearReply."""
        request = await self._store.request(request_id)
        pause = request.pause
        if request.status != "input_required" or pause is None:
            raise NotWaiting(f"request {request_id} is {request.status} and has asked nothing")
        if pause.choices and chosen(text.strip(), pause.choices) is None:
            raise UnclearReply(f"{text.strip()!r} is none of: {', '.join(pause.choices)}")
        request = apply_reply(request, text)
        plan, _ = await self._store.plan(request_id)
        asking = [s for s in plan.subtasks if s.status == "input_required" and s.note == pause.question] if plan else []
        told = text.strip() if pause.kind == "subtask" else request.text
        resumed = [
            s.model_copy(update={"status": "running", "note": "", "reply": told, "turn": s.turn + 1}) for s in asking
        ]
        events = [("request", {"id": request.id, "status": request.status}), *map(subtask_event, resumed)]
        await self._store.record(request_id, Step(request=request, subtasks=resumed, events=events))
        self.desk.watch.moved(request_id)
        self._drive(request_id)
        return request

    async def cancel(self, request_id: str) -> Request:
        """Ends a request and tells the members to stop; one that has ended stays as it is. Raises UnknownRequest."""
        request = await self._store.request(request_id)
        if request.ended:
            return request
        if (task := self._driving.get(request_id)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        plan, _ = await self._store.plan(request_id)
        open_ones = [s for s in plan.subtasks if not s.over] if plan else []
        stopped = [s.model_copy(update={"status": "cancelled", "ended_at": now()}) for s in open_ones]
        request = request.model_copy(update={"status": "cancelled", "pause": None, "ended_at": now()})
        events = [*map(subtask_event, stopped), ("request", {"id": request.id, "status": request.status})]
        try:
            await self._store.record(request_id, Step(request=request, subtasks=stopped, events=events))
        except RequestOver:
            return await self._store.request(request_id)
        self.desk.watch.moved(request_id)
        await asyncio.gather(*(stop_subtask(self.desk.members, subtask, request.user) for subtask in open_ones))
        return request

    def _drive(self, request_id: str) -> None:
        before = self._driving.get(request_id)
        task = asyncio.create_task(self._work(request_id, before), name=f"request {request_id}")
        self._driving[request_id] = task
        task.add_done_callback(lambda done: self._forget(request_id, done))

    def _forget(self, request_id: str, task: asyncio.Task[None]) -> None:
        if self._driving.get(request_id) is task:
            del self._driving[request_id]

    async def _work(self, request_id: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._slots:
            try:
                request = await self._store.request(request_id)
                plan, findings = await self._store.plan(request_id)
                if plan is not None and request.status == "queued":
                    request = request.model_copy(update={"status": "running"})
                    event = ("request", {"id": request.id, "status": request.status})
                    await self._store.record(request_id, Step(request=request, events=[event]))
                await Drive(self.desk, request, plan, findings).run()
            except RequestOver:
                log.info("request %s ended while it was worked on", request_id)
            except Exception as error:
                log.exception("request %s failed", request_id)
                await self._fail(request_id, error)

    async def _fail(self, request_id: str, error: Exception) -> None:
        """A fault of ours, not of a member: the asker is told, and the log has the rest."""
        request = await self._store.request(request_id)
        note = f"the planner failed: {type(error).__name__}: {error}"
        ended = {"status": "failed", "ended_at": now(), "notes": (*request.notes, note)}
        request = request.model_copy(update=ended)
        answer = Answer(text=note, missing=[note])
        plan, findings = await self._store.plan(request_id)
        whole = view(request, plan, findings, answer).model_dump(mode="json")
        events = [("answer", whole), ("request", {"id": request.id, "status": "failed"})]
        await self._store.record(request_id, Step(request=request, answer=answer, events=events))
        self.desk.watch.moved(request_id)
