"""A2A clients talk to the planner: each task is a Request, with the same plans, questions and answers underneath.

The request's id is the A2A task's id, so that cancel, continuation and resuming after a crash need no table of pairs.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from a2a.helpers import new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types import Artifact, Message, TaskState

from agents.runtime.admission import Overloaded
from agents.runtime.context import caller_of, wants_findings
from agents.runtime.findings import Action, Finding
from agents.runtime.pause import Reply
from agents.runtime.proto_json import to_json
from agents.runtime.wire import (
    ToolCallNote,
    ToolResultNote,
    WireError,
    agent_message,
    answer_artifact,
    data_of,
    finding_artifact,
    pause_part,
    progress_message,
    read_instruction,
    read_reply,
    text_part,
    tool_call_part,
    tool_result_part,
)
from planner.answer import RequestView
from planner.decisions import WrongDecision, decisions_among, parsed_decisions
from planner.delegation import Delegation
from planner.pausing import APPROVAL, answer_in, decisions_in, results_of, shown
from planner.request import MAX_QUESTION, Pause, new_request
from planner.store import Event, UnknownRequest
from planner.supervisor import NotWaiting, Supervisor, UnclearReply

_EMPTY = "The message has no text. Ask a question, or say what to do."
_LONG = f"The message is longer than {MAX_QUESTION} characters."


class PlannerExecutor(AgentExecutor):
    """Turns A2A messages into requests and their events into A2A events."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Asks, or answers a question of the request; then tells what happens until it ends or asks."""
        message = context.message
        if message is None:
            raise ValueError("the planner needs a message")
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(message))
        task = _Task(TaskUpdater(event_queue, context.task_id or "", context.context_id or ""))
        after = await self._take(context, message, task)
        if after is not None:
            await self._follow(task, after, with_finding=wants_findings(context.call_context, message))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Cancels the request, and with it the members' tasks."""
        with suppress(UnknownRequest):  # cancelled before it became a request
            await self._supervisor.cancel(context.task_id or "")
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()

    async def _take(self, context: RequestContext, message: Message, task: _Task) -> int | None:
        """The number of the last event that the client knows, or None when the task has ended or still waits."""
        try:
            text, subtask = read_instruction(message)
            reply = read_reply(message.parts)
        except WireError as error:
            return await task.fail(str(error))
        if context.current_task is not None and await self._heard(task.id, message.message_id):
            return 0
        if reply is not None and context.current_task is not None:
            return await self._take_reply(task, reply, caller_of(context.call_context).user, message.message_id)
        if context.current_task is not None and (data := decisions_among(data_of(message.parts))) is not None:
            return await self._take_data(task, data, caller_of(context.call_context).user, message.message_id)
        if not text.strip() or len(text) > MAX_QUESTION:
            return await task.fail(_LONG if text.strip() else _EMPTY)
        if context.current_task is not None and (known := await self._continue(task, text, message.message_id)) != 0:
            return known
        caller = caller_of(context.call_context)
        asked = new_request(
            text,
            id=task.id,
            language=subtask.language,
            cluster_id=subtask.cluster_id,
            user=caller.user,
            source="a2a",
            context_id=context.context_id,
            root_context_id=caller.root_context or None,
        ).hearing(message.message_id)
        try:
            await self._supervisor.submit(asked)
        except Overloaded as error:
            return await task.fail(str(error))
        return 0

    async def _heard(self, request_id: str, message_id: str) -> bool:
        """After a crash the last message comes again: it must not answer what was asked since."""
        with suppress(UnknownRequest):
            return message_id in (await self._supervisor.desk.store.request(request_id)).heard
        return False

    async def _take_reply(self, task: _Task, reply: Reply, user: str, message_id: str) -> int | None:
        """An answer or decisions from a user interface; the words that came with them say nothing."""
        store = self._supervisor.desk.store
        known = await store.last_event(task.id)
        pause = (await store.request(task.id)).pause
        if pause is None:
            return known
        if pause.kind == APPROVAL:
            return await self._decide(task, reply, pause, user, known, message_id)
        answer = answer_in(reply)
        await task.show(results_of(reply, pause))
        if answer is None:
            await self._supervisor.cancel(task.id)
            return known
        return await self._continue(task, answer, message_id)

    async def _decide(
        self, task: _Task, reply: Reply, pause: Pause, user: str, known: int, message_id: str
    ) -> int | None:
        """Takes decisions the way of every other one: in the user's name, signed, into the executor's ledger."""
        wanted = decisions_in(reply, pause)
        if wanted is None:
            return await task.ask(pause)
        try:
            await self._supervisor.decide(task.id, wanted, user, message_id)
        except WrongDecision as error:
            return await task.ask(pause, str(error))
        await task.show(results_of(reply, pause))
        return known

    async def _take_data(self, task: _Task, data: dict[str, Any], user: str, message_id: str) -> int | None:
        """Decisions in our own form: the data part that `docs/safety.md` describes, for any A2A client."""
        store = self._supervisor.desk.store
        try:
            known = await store.last_event(task.id)
            await self._supervisor.decide(task.id, parsed_decisions(data), user, message_id)
        except UnknownRequest:
            return 0
        except WrongDecision as error:
            pause = (await store.request(task.id)).pause
            return await task.fail(str(error)) if pause is None else await task.ask(pause, str(error))
        return known

    async def _continue(self, task: _Task, text: str, message_id: str) -> int | None:
        """Answers the request's question; 0 when there is nothing to answer, as after a crash of this service."""
        store = self._supervisor.desk.store
        try:
            known = await store.last_event(task.id)
            await self._supervisor.reply(task.id, text, message_id)
        except (UnknownRequest, NotWaiting):
            return 0
        except UnclearReply:
            pause = (await store.request(task.id)).pause
            return None if pause is None else await task.ask(pause)
        return known

    async def _follow(self, task: _Task, after: int, *, with_finding: bool) -> None:
        delegation = Delegation(self._supervisor.desk.store, task.id)
        async for event in self._supervisor.desk.watch.events(task.id, after):
            if event is None:
                continue
            if notes := await delegation.notes(event):
                await task.show(notes)
            if (line := progress_line(event)) is not None:
                await task.say(line)
            elif event.type == "input_required":
                request = await self._supervisor.desk.store.request(task.id)
                if request.status == "input_required" and request.pause is not None:
                    answer = await self._supervisor.desk.store.answer(task.id)
                    await task.ask(request.pause, answer.text if answer and request.pause.kind == APPROVAL else "")
                    return
        view = await self._supervisor.view(task.id)
        if view.status in ("answered", "failed"):
            await task.finish(view, with_finding=with_finding)
        elif view.status == "cancelled":
            await task.cancelled()


def progress_line(event: Event) -> str | None:
    """What a person who watches is told of an event; None for what has a form of its own."""
    data = event.data
    if event.type == "plan":
        return " · ".join(f"{item['specialist']}: {item['title']}" for item in data["subtasks"])
    if event.type == "progress":
        return f"{data['specialist']}: {data['text']}"
    if event.type == "subtask":
        return f"{data['specialist']}: {data['status']}" + (f" ({data['note']})" if data["note"] else "")
    return None


def merged_finding(view: RequestView) -> Finding:
    """The answer as a Finding, for clients that understand those."""
    return Finding(
        specialist="planner",
        language="zh" if view.language == "zh" else "en",
        text=view.answer or "",
        root_causes=view.root_causes,
        actions=[Action.model_validate(action) for action in view.actions],
        missing=view.missing,
        usage=view.usage,
    )


class _Task:
    """The A2A side of a request."""

    def __init__(self, updater: TaskUpdater) -> None:
        self._updater = updater
        self.id = updater.task_id

    @property
    def _ids(self) -> dict[str, str]:
        return {"task_id": self._updater.task_id, "context_id": self._updater.context_id}

    async def say(self, text: str) -> None:
        await self._updater.update_status(TaskState.TASK_STATE_WORKING, progress_message(text, **self._ids))

    async def show(self, notes: Sequence[ToolCallNote | ToolResultNote]) -> None:
        parts = [tool_call_part(n) if isinstance(n, ToolCallNote) else tool_result_part(n) for n in notes]
        await self._updater.update_status(TaskState.TASK_STATE_WORKING, agent_message(parts, **self._ids))

    async def ask(self, pause: Pause, before: str = "") -> None:
        """The question in words, and as a pause for user interfaces that have buttons; first, what leads to it."""
        words = f"{before}\n\n{pause.question}" if before else pause.question
        parts = [text_part(words, "text/plain"), pause_part(shown(self.id, secrets.token_hex(4), pause))]
        await self._updater.requires_input(agent_message(parts, **self._ids))

    async def fail(self, reason: str) -> None:
        await self._updater.failed(self._message(reason))

    async def cancelled(self) -> None:
        await self._updater.cancel()

    async def finish(self, view: RequestView, *, with_finding: bool) -> None:
        """The answer, and the Finding when the client understands it; FAILED when no member had anything to say."""
        artifacts: list[Artifact] = [answer_artifact(view.answer or "", view.usage)]
        if with_finding:
            artifacts.append(finding_artifact(merged_finding(view)))
        for artifact in artifacts:
            options: dict[str, Any] = {"artifact_id": artifact.artifact_id, "name": artifact.name}
            await self._updater.add_artifact(
                list(artifact.parts),
                **options,
                metadata=to_json(artifact.metadata),
                extensions=list(artifact.extensions),
                last_chunk=True,
            )
        if view.status == "failed":
            await self.fail("; ".join(view.missing) or view.answer or "")
        else:
            await self._updater.complete()

    def _message(self, text: str) -> Message:
        return agent_message([text_part(text, "text/plain")], **self._ids)
