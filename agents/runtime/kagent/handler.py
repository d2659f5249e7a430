"""Stands between the protocol's routes and the task handler: renders what goes out in the caller's dialect, and turns
decisions that come in into typed replies. Tasks themselves are kept in one form, whoever asks for them and how.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers import RequestHandler
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskArtifactUpdateEvent,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import InvalidParamsError
from a2a.utils.task import apply_history_length

from agents.runtime import wire
from agents.runtime.context import Caller, caller_of
from agents.runtime.kagent import current, legacy, words
from agents.runtime.kagent.replies import pauses_of, reply_of
from agents.runtime.kagent.style import Style
from agents.runtime.pause import REPLY_MEDIA_TYPE, Reply, ReplyError

HEARTBEAT_SECONDS = 15.0
"""kagent's user interface gives up on a stream without events; comments in the stream do not pass its controller."""


class DialectHandler(RequestHandler):
    """The task handler of one service, in the caller's dialect."""

    def __init__(self, inner: RequestHandler, style: Style, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._inner = inner
        self._style = style
        self._heartbeat_seconds = heartbeat_seconds

    # -- messages ------------------------------------------------------------------------------------------------

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Message | Task:
        """As the task handler, with decisions read and the task rendered."""
        params = await self._with_reply(params, context)
        answer = await self._inner.on_message_send(params, context)
        if isinstance(answer, Message):
            return answer
        return apply_history_length(self._task(answer, caller_of(context)), params.configuration)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """As the task handler, with decisions read and the events rendered."""
        params = await self._with_reply(params, context)
        async with aclosing(self._rendered(self._inner.on_message_send_stream(params, context), context)) as events:
            async for event in events:
                yield apply_history_length(event, params.configuration) if isinstance(event, Task) else event

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """As the task handler, rendered."""
        async with aclosing(self._rendered(self._inner.on_subscribe_to_task(params, context), context)) as events:
            async for event in events:
                yield event

    async def _with_reply(self, params: SendMessageRequest, context: ServerCallContext) -> SendMessageRequest:
        """The request with the person's decisions as one checked part of our own.

        Raises InvalidParamsError, and leaves the task waiting, for decisions that do not fit what it waits for.
        """
        if not params.message.task_id or not params.message.parts:
            return params
        task = await self._inner.on_get_task(GetTaskRequest(id=params.message.task_id), context)
        reply = None if task is None else _reply(params.message, task)
        if reply is None:
            return params
        told = SendMessageRequest()
        told.CopyFrom(params)
        kept = [part for part in params.message.parts if wire.media_type_of(part) != REPLY_MEDIA_TYPE]
        del told.message.parts[:]
        told.message.parts.extend([*kept, wire.reply_part(reply)])
        return told

    async def _rendered(
        self, events: AsyncGenerator[Event, None], context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        caller, calls = caller_of(context), 0
        source = self._alive(events) if caller.protocol == "0.3" else events
        async with aclosing(source):
            async for event in source:
                for shown in self._events(event, caller, calls):
                    calls += _has_transcript(shown)
                    yield shown

    def _events(self, event: Event, caller: Caller, calls: int) -> Iterator[Event]:
        if caller.protocol == "0.3":
            return legacy.events_of(event, self._style)
        return current.events_of(event, caller.extensions, self._style, calls)

    async def _alive(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The events, with a sign of life wherever nothing came for a while."""
        ids: tuple[str, str] | None = None
        coming: asyncio.Future[Event] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(events))
                done, _ = await asyncio.wait({coming}, timeout=self._heartbeat_seconds)
                if not done:
                    if ids is not None:
                        yield legacy.heartbeat(*ids)
                    continue
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    return
                finally:
                    coming = None
                if not isinstance(event, Message):
                    ids = (event.id if isinstance(event, Task) else event.task_id, event.context_id)
                yield event
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            await events.aclose()

    # -- tasks ---------------------------------------------------------------------------------------------------

    def _task(self, task: Task, caller: Caller) -> Task:
        if caller.protocol == "0.3":
            return legacy.task_of(task, self._style)
        return current.task_of(task, caller.extensions, self._style)

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """As the task handler, rendered."""
        task = await self._inner.on_get_task(params, context)
        return None if task is None else apply_history_length(self._task(task, caller_of(context)), params)

    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """As the task handler, rendered."""
        page = await self._inner.on_list_tasks(params, context)
        caller = caller_of(context)
        shown = [apply_history_length(self._task(task, caller), params) for task in page.tasks]
        if not params.include_artifacts:
            for task in shown:
                task.ClearField("artifacts")
        del page.tasks[:]
        page.tasks.extend(shown)
        return page

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """As the task handler, rendered."""
        task = await self._inner.on_cancel_task(params, context)
        return None if task is None else self._task(task, caller_of(context))

    # -- the rest is the same in every dialect ---------------------------------------------------------------------

    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """As the task handler."""
        return await self._inner.on_create_task_push_notification_config(params, context)

    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """As the task handler."""
        return await self._inner.on_get_task_push_notification_config(params, context)

    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """As the task handler."""
        return await self._inner.on_list_task_push_notification_configs(params, context)

    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """As the task handler."""
        await self._inner.on_delete_task_push_notification_config(params, context)

    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """As the task handler."""
        return await self._inner.on_get_extended_agent_card(params, context)


def _reply(message: Message, task: Task) -> Reply | None:
    """The Reply in a message. One that comes again is read as it was the first time, though nothing waits any more."""
    for known in task.history:
        if known.message_id == message.message_id:
            return wire.read_reply(known.parts)
    pauses = pauses_of(task)
    try:
        return reply_of(message, pauses) if pauses else None
    except ReplyError as error:
        raise InvalidParamsError(message=str(error)) from error


def _has_transcript(event: Event) -> bool:
    if isinstance(event, Task):
        return any(artifact.artifact_id == words.TRANSCRIPT for artifact in event.artifacts)
    return isinstance(event, TaskArtifactUpdateEvent) and event.artifact.artifact_id == words.TRANSCRIPT
