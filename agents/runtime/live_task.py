"""A task that somebody works on or watches: applies the executor's events, stores them, hands them to readers.

It stands in for the SDK's ActiveTask, whose queues cost most of a hop's time, which loses messages sent to a working
task, and which tells clients about states before they are stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import Event, EventQueue
from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import Message, Task, TaskState, TaskStatus, TaskStatusUpdateEvent
from a2a.utils.errors import A2AError, InternalError, InvalidAgentResponseError

from agents.runtime import wire
from agents.runtime.proto_json import set_fields
from agents.runtime.reader import Reader
from agents.runtime.states import is_settled, is_terminal

log = logging.getLogger(__name__)

TRACE = "kubeteam/traceparent"
"""Where a task's metadata says which trace it belongs to."""


class Keeper(Protocol):
    """Where a live task's states go."""

    def keep(self, live: LiveTask, event: Event, *, durable: bool) -> Awaitable[None] | None:
        """Marks the task as changed by `event`; when `durable`, gives what to await until it is safely stored."""
        ...


class LiveTask(EventQueue):
    """One task in memory. Executors write to it as to any A2A event queue."""

    def __init__(self, keeper: Keeper, owner: str, task_id: str, context_id: str, *, task: Task | None = None) -> None:
        self.owner = owner
        self.task_id = task_id
        self.context_id = context_id
        self.task = task
        self.reply: Message | None = None
        self.error: A2AError | None = None
        self.message_keys: list[str] = []
        """Digests of messages that this task answers and that are not yet stored; see `TaskHandler`."""
        self.claims: list[str] = []
        """Digests of the messages that it answers while it is alive."""
        self.started = asyncio.Event()
        """Set when there is something to show: a task, a reply or an error."""
        self.traceparent = ""
        """Of whoever sent the message, kept with a new task: so the trace goes on when another replica does."""
        self._keeper = keeper
        self._message: Message | None = None
        self._readers: set[Reader] = set()
        self._order = asyncio.Lock()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False
        self.stopping = False
        """Somebody has cancelled the run and will say how the task ends."""
        self.claimed = False
        """A follow-up has been taken and is about to run."""
        self.opening: tuple[Task | Message | None, Reader] | None = None
        """For whoever sent the message: the view from before the run's first event."""
        if task is not None:
            self.started.set()

    @property
    def running(self) -> bool:
        """Whether an executor is at work."""
        return self._runner is not None and not self._runner.done()

    @property
    def watched(self) -> bool:
        """Whether anybody reads its events."""
        return bool(self._readers)

    async def snapshot(self) -> Task | Message:
        """The task as it is stored, or the reply. Raises the error of a run that failed before its task."""
        async with self._order:
            return self._now()

    async def join(self) -> tuple[Task | Message | None, Reader]:
        """What a newcomer is shown first (None when nothing has happened yet), and exactly the events after that."""
        async with self._order:
            first, reader = self._now() if self.started.is_set() else None, self.read()
            if self.started.is_set() and not self.running:
                reader.end()
            return first, reader

    def _now(self) -> Task | Message:
        if self.error is not None:
            raise self.error
        if self.reply is not None:
            return self.reply
        return _copy(self._existing())

    def start(
        self, executor: AgentExecutor, context: RequestContext, done: Callable[[LiveTask], Awaitable[None]]
    ) -> None:
        """Runs the executor on one message. The task must not be running."""
        self._message = context.message
        self.claimed = False
        self._runner = asyncio.create_task(self._run(executor, context, done), name=f"task {self.task_id}")

    async def wait(self, seconds: float | None = None) -> bool:
        """Waits until nobody works on it; False when that took longer."""
        if self._runner is None:
            return True
        finished, _ = await asyncio.wait({self._runner}, timeout=seconds)
        return bool(finished)

    async def stop(self, seconds: float) -> None:
        """Cancels the executor and waits for it. The caller then says how the task ends, and closes it."""
        self.stopping = True
        if self._runner is not None and not self._runner.done():
            self._runner.cancel()
            if not await self.wait(seconds):
                log.warning("task %s: the executor did not stop within %s s and is left behind", self.task_id, seconds)

    def read(self) -> Reader:
        """Events from now on; they end when the task has ended, or with the run."""
        return Reader(self._readers)

    async def enqueue_event(self, event: Event) -> None:
        """Applies, stores and publishes one event; a new state is durable before anybody sees it."""
        if self._order.locked() or self._changes_state(event):
            # Shielded, because a cancel between storing and publishing would hide the last event from its readers.
            await asyncio.shield(asyncio.ensure_future(self._accept_in_order(event)))
        elif self._accepts(event):
            shown = self._apply(event)
            self._keeper.keep(self, event, durable=False)
            self._publish(shown)

    async def _accept_in_order(self, event: Event) -> None:
        async with self._order:
            if not self._accepts(event):
                return
            durable = self._changes_state(event)
            shown = self._apply(event)
            stored = self._keeper.keep(self, event, durable=durable)
            try:
                if stored is not None:
                    await stored
            except Exception as error:
                self.error = InternalError(message=f"task {self.task_id} could not be stored: {error}")
                raise
            self._publish(shown)

    def _accepts(self, event: Event) -> bool:
        if self._closed or (self.task is not None and is_terminal(self.task)):
            log.debug("task %s: a %s after the end was dropped", self.task_id, type(event).__name__)
            return False
        return True

    def _changes_state(self, event: Event) -> bool:
        """Whether somebody may rely on it. WORKING is no promise: it is closed or resumed at the next start."""
        if self.task is None or isinstance(event, Task | Message):
            return True
        if not isinstance(event, TaskStatusUpdateEvent):
            return False
        return event.status.state not in (self.task.status.state, TaskState.TASK_STATE_WORKING)

    async def end(self, state: TaskState, text: str = "") -> None:
        """Puts the task into a state on the runtime's behalf, with a message when there is something to say."""
        status = TaskStatus(state=state)
        if text:
            status.message.CopyFrom(wire.progress_message(text, task_id=self.task_id, context_id=self.context_id))
        await self.enqueue_event(TaskStatusUpdateEvent(task_id=self.task_id, context_id=self.context_id, status=status))

    def close(self) -> None:
        """Ends every reader; the task itself stays as it is."""
        self._closed = True
        self._end_readers()

    # -- applying ------------------------------------------------------------------------------------------------

    def _apply(self, event: Event) -> list[Event]:
        """Changes the task; gives what readers are to be told."""
        if isinstance(event, Message):
            return [self._apply_message(event)]
        if self.reply is not None:
            raise InvalidAgentResponseError(message="an event of a task came after a plain message")
        if isinstance(event, Task):
            return [self._apply_task(event)]
        _same("task", self.task_id, event.task_id)
        created = self._create() if self.task is None else []
        task = self._existing()
        if isinstance(event, TaskStatusUpdateEvent):
            if task.status.HasField("message"):
                task.history.append(task.status.message)
            _stamp(event.status)
            if event.HasField("metadata"):
                task.metadata.MergeFrom(event.metadata)
            task.status.CopyFrom(event.status)
        else:
            append_artifact_to_task(task, event)
        return [*created, event]

    def _existing(self) -> Task:
        if self.task is None:
            raise InternalError(message=f"task {self.task_id} has not started")
        return self.task

    def _apply_message(self, message: Message) -> Message:
        if self.task is not None or self.reply is not None:
            raise InvalidAgentResponseError(message="a plain message may only be the one and only answer")
        message.context_id = message.context_id or self.context_id
        self.reply = message
        return message

    def _apply_task(self, event: Task) -> Task:
        _same("task", self.task_id, event.id)
        _same("context", self.context_id, event.context_id)
        self.task = _copy(event)
        _stamp(self.task.status)
        if self.traceparent:
            set_fields(self.task.metadata, {TRACE: self.traceparent})
        self._remember_message()
        return _copy(self.task)

    def _create(self) -> list[Event]:
        """For executors that begin with a status: the task comes into being by itself."""
        status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
        return [self._apply_task(Task(id=self.task_id, context_id=self.context_id, status=status))]

    def resume(self, message: Message) -> None:
        """A follow-up is taken: the question it answers becomes history, and the task works again."""
        task = self._existing()
        if task.status.HasField("message"):
            task.history.append(task.status.message)
        self._message = message
        task.history.append(message)
        task.status.CopyFrom(TaskStatus(state=TaskState.TASK_STATE_WORKING))
        _stamp(task.status)

    def _remember_message(self) -> None:
        """Executors that make the task of the message have put it into the history; the others need not care."""
        task, message = self.task, self._message
        if task is None or message is None:
            return
        if not any(known.message_id == message.message_id for known in task.history):
            task.history.append(message)

    # -- publishing ----------------------------------------------------------------------------------------------

    def _publish(self, events: list[Event]) -> None:
        self.started.set()
        for reader in list(self._readers):
            for event in events:
                reader.put(event, self.task_id)

    def _end_readers(self) -> None:
        for reader in list(self._readers):
            reader.end()

    # -- running -------------------------------------------------------------------------------------------------

    async def _run(
        self, executor: AgentExecutor, context: RequestContext, done: Callable[[LiveTask], Awaitable[None]]
    ) -> None:
        try:
            await executor.execute(context, self)
            await self._settle()
        except asyncio.CancelledError:
            # Whoever cancelled says what becomes of the task.
            log.debug("task %s: the executor was cancelled", self.task_id)
        except A2AError as error:
            await self._fail(error.message or type(error).__name__, error)
        except Exception as error:
            log.exception("task %s: the executor failed", self.task_id)
            await self._fail(f"The agent failed: {type(error).__name__}: {error}", None)
        finally:
            self.started.set()
            if not self.stopping:
                self._end_readers()
            await done(self)

    async def _settle(self) -> None:
        if self.task is None and self.reply is None:
            self.error = InternalError(message="the agent answered nothing")
        elif self.task is not None and not is_settled(self.task):
            await self._fail("The agent ended without a result.", None)

    async def _fail(self, text: str, error: A2AError | None) -> None:
        if self.task is None and error is not None:
            # Refused before there was a task: the caller gets the protocol error itself.
            self.error = error
            return
        try:
            await self.end(TaskState.TASK_STATE_FAILED, text)
        except Exception as storing:
            log.exception("task %s: its failure could not be stored", self.task_id)
            self.error = InternalError(message=f"{text} The task store failed as well: {storing}")


def _copy(task: Task) -> Task:
    copy = Task()
    copy.CopyFrom(task)
    return copy


def _stamp(status: TaskStatus) -> None:
    if not status.HasField("timestamp"):
        status.timestamp.GetCurrentTime()


def _same(what: str, expected: str, found: str) -> None:
    if found and found != expected:
        raise InvalidAgentResponseError(message=f"the agent answered for {what} {found} instead of {expected}")
