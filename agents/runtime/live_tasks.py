"""The tasks of one service that are in memory: worked on, or watched. All others are only in the store."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from contextlib import suppress
from typing import Protocol

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.types import Message, Role, SendMessageRequest, Task, TaskState
from a2a.utils.errors import InternalError, TaskNotFoundError

from agents.runtime.context import Caller, caller_of, context_of
from agents.runtime.live_task import TRACE, LiveTask
from agents.runtime.push_sender import PushSender
from agents.runtime.reader import Reader
from agents.runtime.service_metrics import TASK_SECONDS, TASKS, TASKS_RUNNING
from agents.runtime.states import state_name
from agents.runtime.task_store import TaskLost, TaskStore
from agents.runtime.tracing import Trace, joined, read_trace

log = logging.getLogger(__name__)

FORGET_SECONDS = 3600.0
STOP_SECONDS = 5.0
"""How long a cancelled executor gets to clean up."""
TEND_SECONDS = 1.0
"""How soon a cancel that came in at another replica is heard; sooner with short leases."""
MAX_RESUMED = 8
"""How often a task is taken up again: one that brings its process down must not do so for ever."""
RESUMED = "kubeteam/resumed"
"""Where a task's metadata counts that."""
CRASHED = "The service stopped while it worked on this task. Please send the request again."
SHUT_DOWN = "The service was stopped while it worked on this task. Please send the request again."


class TaskObserver(Protocol):
    """Somebody outside who is kept informed. It never waits and never raises: tasks are none of its business."""

    def began(self, live: LiveTask, caller: Caller) -> None:
        """An executor takes up a task on behalf of a caller."""
        ...

    def changed(self, task: Task, owner: str, event: Event | None) -> None:
        """A task has changed, by an event or by a message of its user's."""
        ...


class LiveTasks:
    """Finds, runs and forgets live tasks, and keeps the store up to date with them."""

    def __init__(
        self, name: str, executor: AgentExecutor, store: TaskStore, push_sender: PushSender, *, resume: bool
    ) -> None:
        self.draining = False
        """No more messages are taken."""
        self.claims: dict[str, asyncio.Future[LiveTask | Task | Message]] = {}
        """What answers the messages under way, by message key."""
        self.push_sender = push_sender
        self._name = name
        self._executor = executor
        self.retention_seconds: float | None = None
        """How long ended tasks are kept; None for ever."""
        self._store = store
        self._resume = resume
        self.observer: TaskObserver | None = None
        self._live: dict[str, LiveTask] = {}
        self._tending: asyncio.Task[None] | None = None
        self._asides: set[asyncio.Task[None]] = set()
        store.lost = self._lost

    def __len__(self) -> int:
        return len(self._live)

    def new(self, owner: str, context_id: str) -> LiveTask:
        """A task that has not begun."""
        live = LiveTask(self, owner, str(uuid.uuid4()), context_id or str(uuid.uuid4()))
        self._live[live.task_id] = live
        return live

    def known(self, task_id: str) -> LiveTask | None:
        """The live task, if it is one; the owner is not checked."""
        return self._live.get(task_id)

    async def start(self) -> None:
        """Takes care of tasks whose process died, now and for as long as this one lives: see `_adopt`."""
        await self._adopt()
        self._tending = asyncio.create_task(self._tend(), name=f"tending the tasks of {self._name}")

    async def _tend(self) -> None:
        clock = asyncio.get_running_loop()
        sweep, forget = clock.time(), clock.time()
        while True:
            await asyncio.sleep(min(TEND_SECONDS, self._store.lease_seconds / 5))
            try:
                if any(live.running for live in self._live.values()):
                    await self._store.beat()
                    await self._hear_cancels()
                if clock.time() >= sweep and not self.draining:  # what it would take up now, it could not finish
                    sweep = clock.time() + self._store.lease_seconds / 2
                    await self._adopt()
                if self.retention_seconds is not None and clock.time() >= forget:
                    forget = clock.time() + FORGET_SECONDS
                    await self._store.forget_before(self.retention_seconds)
            except Exception as error:
                log.warning("%s: the task store could not be tended, trying again: %s", self._name, error)
                await asyncio.sleep(1)

    async def _adopt(self) -> None:
        """Tasks that a dead process left open are resumed by executors that can, else closed as FAILED."""
        for stored in await self._store.adopt():
            if self.draining:
                continue  # it is this process's until that is gone, and another's then
            live = await self.revive(stored.task, stored.owner)
            times = round(stored.task.metadata.fields[RESUMED].number_value) + 1  # 0 when it is not there
            if self._resume and times <= MAX_RESUMED:
                log.info("%s: task %s is resumed", self._name, live.task_id)
                stored.task.metadata.update({RESUMED: times})
                with joined(_trace_of(stored.task)):
                    self.run(live, context_for(live, context_of(stored.owner), _last_request(stored.task)))
            else:
                log.warning("%s: task %s was left open by a crash and is closed", self._name, live.task_id)
                await live.end(TaskState.TASK_STATE_FAILED, CRASHED)
                self.release(live)

    async def _hear_cancels(self) -> None:
        asked = [live for task_id in await self._store.cancels() if (live := self._live.get(task_id)) is not None]
        for live in asked:
            if live.running:
                await self.cancel(live, context_of(live.owner))
        if asked:
            await self._store.cancelled([live.task_id for live in asked])

    async def cancel(self, live: LiveTask, call: ServerCallContext) -> None:
        """Stops the executor, tool calls included, and stores the task as CANCELED."""
        await live.stop(STOP_SECONDS)
        try:
            await self._executor.cancel(context_for(live, call, None), live)
        except Exception as error:
            # Its run is stopped already; what `cancel` adds is the executor's own cleaning up.
            log.warning("%s: the executor's cancel of task %s failed: %s", self._name, live.task_id, error)
        await live.end(TaskState.TASK_STATE_CANCELED)
        live.close()
        self.release(live)

    def _lost(self, task_id: str) -> None:
        """This process was taken for dead, and another goes on with the task."""
        live = self._live.get(task_id)
        if live is None or live.stopping:
            return
        log.warning("%s: task %s is worked on by another replica now", self._name, task_id)
        dropping = asyncio.create_task(self._drop(live), name=f"drop {task_id}")
        self._asides.add(dropping)
        dropping.add_done_callback(self._asides.discard)

    async def _drop(self, live: LiveTask) -> None:
        live.error = InternalError(message=f"task {live.task_id} has moved to another replica: ask again")
        await live.stop(STOP_SECONDS)
        live.close()
        self.release(live)

    async def drain(self, seconds: float) -> None:
        """Takes no more messages, lets running tasks end for so long, then stops and stores what is left.

        Executors that can resume keep their tasks open for the next start; others' tasks are stored as CANCELED.
        """
        self.draining = True
        running = [live for live in self._live.values() if live.running]
        if running:
            log.info("%s: waiting up to %s s for %s running tasks", self._name, seconds, len(running))
            await asyncio.gather(*(live.wait(seconds) for live in running))
        await asyncio.gather(*(self._shut(live) for live in list(self._live.values())))
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, *self._asides, return_exceptions=True)
            self._tending = None

    async def _shut(self, live: LiveTask) -> None:
        if live.running:
            await live.stop(STOP_SECONDS)
            if not self._resume and live.task is not None:
                with suppress(TaskLost):  # another replica has it
                    await live.end(TaskState.TASK_STATE_CANCELED, SHUT_DOWN)
        live.close()

    def keep(self, live: LiveTask, event: Event, *, durable: bool) -> Awaitable[None] | None:
        """Stores a live task, and what its messages were answered with; hands the event to push."""
        self._keep_messages(live)
        if live.task is None:
            return self._store.flush()
        self.push_sender.offer(live.task, event)
        if self.observer is not None:
            self.observer.changed(live.task, live.owner, event)
        return self._store.put(live.task, live.owner, durable=durable)

    def _keep_messages(self, live: LiveTask) -> None:
        for key in live.message_keys:
            self._store.put_message(key, live.owner, None if live.reply else live.task_id, live.reply)
        live.message_keys.clear()

    async def keep_now(self, live: LiveTask) -> None:
        """Stores a live task as it is, and returns when it is safe."""
        self._keep_messages(live)
        if live.task is not None:
            self._store.put(live.task, live.owner, durable=False)
            if self.observer is not None:
                self.observer.changed(live.task, live.owner, None)
        await self._store.flush()

    async def current(self, task_id: str, owner: str) -> Task:
        """The task as it is stored, live or not. Raises TaskNotFoundError."""
        live = self._live.get(task_id)
        if live is not None and live.owner == owner and live.started.is_set():
            found = await live.snapshot()
            if isinstance(found, Task):
                return found
        task = await self._store.get(task_id, owner)
        if task is None:
            raise TaskNotFoundError(message=f"there is no task {task_id}")
        return task

    async def find(self, task_id: str, owner: str) -> LiveTask:
        """The task, brought to life if need be; `release` it when nothing comes of it. Raises TaskNotFoundError."""
        live = self._live.get(task_id)
        if live is None:
            task = await self._store.get(task_id, owner)
            # Somebody else may have revived it while the store was asked.
            live = self._live.get(task_id) or (None if task is None else await self.revive(task, owner))
        if live is None or live.owner != owner:
            raise TaskNotFoundError(message=f"there is no task {task_id}")
        return live

    async def revive(self, task: Task, owner: str) -> LiveTask:
        """Brings a stored task to life, unless it is."""
        await self.push_sender.load(task.id)
        if task.id not in self._live:
            self._live[task.id] = LiveTask(self, owner, task.id, task.context_id, task=task)
        return self._live[task.id]

    def run(self, live: LiveTask, context: RequestContext) -> None:
        """Starts the executor on a message."""
        caller = caller_of(context.call_context)
        place = read_trace(caller.traceparent)
        live.traceparent = place.traceparent if place is not None else ""
        if self.observer is not None:
            self.observer.began(live, caller)
        TASKS_RUNNING.labels(self._name).inc()
        began = asyncio.get_running_loop().time()

        async def done(ended: LiveTask) -> None:
            TASKS_RUNNING.labels(self._name).dec()
            state = state_name(ended.task.status.state) if ended.task is not None else "message"
            TASKS.labels(self._name, state).inc()
            TASK_SECONDS.labels(self._name, state).observe(asyncio.get_running_loop().time() - began)
            self.release(ended, ran=True)

        live.start(self._executor, context, done)

    def leave(self, live: LiveTask, reader: Reader) -> None:
        """A reader is gone."""
        reader.close()
        self.release(live)

    def release(self, live: LiveTask, *, ran: bool = False) -> None:
        """Forgets a task that nobody works on or watches: parked tasks cost nothing but their row."""
        if (live.running and not ran) or (live.stopping and ran) or live.claimed or live.watched:
            return
        if self._live.get(live.task_id) is live:
            del self._live[live.task_id]
            self.push_sender.unload(live.task_id)
        for key in live.claims:
            self.claims.pop(key, None)


def context_for(
    live: LiveTask,
    call: ServerCallContext,
    message: Message | None,
    params: SendMessageRequest | None = None,
    related: list[Task] | None = None,
) -> RequestContext:
    """What the executor gets; its message carries the task's ids, also when the client left them out."""
    request = None
    if message is not None:
        request = params or SendMessageRequest(message=message)
        request.message.task_id, request.message.context_id = live.task_id, live.context_id
    return RequestContext(
        call_context=call,
        request=request,
        task_id=live.task_id,
        context_id=live.context_id,
        task=live.task,
        related_tasks=related,
    )


def _trace_of(task: Task) -> Trace | None:
    known = task.metadata.fields
    return read_trace(known[TRACE].string_value) if TRACE in known else None  # asking a map for a key would add it


def _last_request(task: Task) -> Message | None:
    from_user = [message for message in task.history if message.role == Role.ROLE_USER]
    return from_user[-1] if from_user else None
