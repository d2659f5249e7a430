"""Keeps requests moving: starts them, goes on with them after a restart, answers their questions, cancels them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from planner.answer import Answer, RequestView, view
from planner.approving import step_of
from planner.clarify import apply_reply, chosen
from planner.decisions import Decisions, WrongDecision
from planner.driving import Driving
from planner.engine import Desk, stop_subtask, subtask_event
from planner.measures import Load
from planner.offer import how_to
from planner.request import Request, now
from planner.store import LeaseLost, Page, RequestOver, Step
from planner.telemetry import submitting, traced

MAX_RACES = 5
"""How often a decision is looked at again because another one came first."""


class NotWaiting(RuntimeError):
    """A reply came to a request that asked nothing."""


class UnclearReply(ValueError):
    """The reply names none of the choices, or is words where a decision is needed; the text says what would do."""


class Supervisor:
    """What people and programs do with requests. Any planner on the store can do it to any request."""

    def __init__(self, desk: Desk, *, retention_days: float = 30) -> None:
        self.desk = desk
        self._store = desk.store
        self._driving = Driving(desk, retention_days)

    async def start(self) -> None:
        """Goes on with what was left unfinished, here or by a planner that died."""
        await self._driving.start()

    async def stop(self) -> None:
        """Lets go of everything without cancelling any of it: another planner, or the next start, goes on."""
        self.desk.members.leave()
        self.desk.watch.close()
        await self._driving.stop()

    async def admit(self, user: str) -> None:
        """Returns when a new request of the user would be taken. Raises Overloaded."""
        await self._driving.admit(user)

    async def submit(self, request: Request) -> Request:
        """Stores a request, then starts it. The same id again is the same request. Raises Overloaded."""
        event = ("request", {"id": request.id, "status": request.status, "question": request.question})
        with submitting(request):
            request = traced(request)
            at_once = await self._driving.admit(request.user)
            lease = await self._store.create(request, event, self._driving.worker if at_once else None)
        if lease is None:
            return await self._store.request(request.id)
        if at_once:
            self._driving.take(lease, request.user, request)
        else:
            self._driving.look()  # there may be room by now
        return request

    def load(self) -> Load:
        """How busy this planner is."""
        return Load(self.desk.lanes.load(), self._driving.users)

    async def requests(self, limit: int, cursor: str | None) -> Page:
        """Requests, newest first. Raises ValueError for a wrong cursor."""
        return await self._store.requests(limit, cursor)

    async def view(self, request_id: str) -> RequestView:
        """Raises UnknownRequest."""
        request = await self._store.request(request_id)
        plan, findings = await self._store.plan(request_id)
        answer: Answer | None = await self._store.answer(request_id)
        return view(request, plan, findings, answer)

    async def reply(self, request_id: str, text: str, message_id: str = "") -> Request:
        """Answers the question a request waits with; see `Request.heard` for `message_id`.

        Raises UnknownRequest, NotWaiting, UnclearReply.
        """
        request, lease = await self._store.held(request_id)
        pause = request.pause
        if request.status != "input_required" or pause is None:
            raise NotWaiting(f"request {request_id} is {request.status} and has asked nothing")
        if pause.kind == "approval":
            raise UnclearReply(how_to(request))
        if pause.choices and chosen(text.strip(), pause.choices) is None:
            raise UnclearReply(f"{text.strip()!r} is none of: {', '.join(pause.choices)}")
        request = apply_reply(request, text).hearing(message_id)
        plan, _ = await self._store.plan(request_id)
        asking = [s for s in plan.subtasks if s.status == "input_required" and s.note == pause.question] if plan else []
        told = text.strip() if pause.kind == "subtask" else request.text
        heard = {"status": "running", "note": "", "reply": told}
        resumed = [
            s.model_copy(update={**heard, "turn": s.turn + 1, "continues": s.task_id is not None}) for s in asking
        ]
        events = [("request", {"id": request.id, "status": request.status}), *map(subtask_event, resumed)]
        try:
            await self._store.record(lease, Step(request=request, subtasks=resumed, events=events), hand_over=True)
        except (LeaseLost, RequestOver) as error:
            raise NotWaiting(f"request {request_id} has just been answered by somebody else") from error
        self.desk.watch.moved(request_id)
        self._driving.look()
        return request

    async def decide(self, request_id: str, wanted: Decisions, by: str, message_id: str = "") -> Request:
        """Takes decisions on proposed Actions, once however often they come. Raises UnknownRequest, WrongDecision."""
        for _ in range(MAX_RACES):
            request, lease = await self._store.held(request_id)
            plan, findings = await self._store.plan(request_id)
            step = step_of(request, plan, findings, wanted, by, self.desk.signing, now())
            if step is None or step.request is None:
                return request
            step = replace(step, request=step.request.hearing(message_id))
            try:
                await self._store.record(lease, step, hand_over=True)
            except (LeaseLost, RequestOver):
                continue  # somebody was faster: look again at what is left to decide
            self.desk.watch.moved(request_id)
            self._driving.look()
            return step.request or request
        raise WrongDecision(f"request {request_id} is being decided by somebody else", 409)

    async def cancel(self, request_id: str) -> Request:
        """Ends a request and tells the members to stop; one that has ended stays as it is. Raises UnknownRequest."""
        request = await self._store.request(request_id)
        if request.ended:
            return request
        await self._driving.halt(request_id)
        try:
            lease = await self._store.seize(request_id, self._driving.worker)
        except RequestOver:
            return await self._store.request(request_id)
        request = await self._store.request(request_id)
        plan, _ = await self._store.plan(request_id)
        open_ones = [s for s in plan.subtasks if not s.over] if plan else []
        stopped = [s.model_copy(update={"status": "cancelled", "ended_at": now()}) for s in open_ones]
        request = request.model_copy(update={"status": "cancelled", "pause": None, "ended_at": now()})
        events = [*map(subtask_event, stopped), ("request", {"id": request.id, "status": request.status})]
        try:
            await self._store.record(lease, Step(request=request, subtasks=stopped, events=events))
        except (RequestOver, LeaseLost):
            return await self._store.request(request_id)
        self.desk.watch.moved(request_id)
        await asyncio.gather(*(stop_subtask(self.desk.members, subtask, request.user) for subtask in open_ones))
        return request
