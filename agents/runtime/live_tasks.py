"""The tasks of one service that are in memory: worked on, or watched. All others are only in the store."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from typing import Protocol

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.types import Message, Role, SendMessageRequest, Task, TaskState
from a2a.utils.errors import TaskNotFoundError

from agents.runtime.context import Caller, caller_of, context_of
from agents.runtime.live_task import LiveTask
from agents.runtime.push_sender import PushSender
from agents.runtime.reader import Reader
from agents.runtime.service_metrics import TASK_SECONDS, TASKS, TASKS_RUNNING
from agents.runtime.states import state_name
from agents.runtime.task_store import TaskStore

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long a cancelled executor gets to clean up."""
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
        self._store = store
        self._resume = resume
        self.observer: TaskObserver | None = None
        self._live: dict[str, LiveTask] = {}

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
        """Takes care of the tasks that the last run left open: resumed by executors that can, else closed as FAILED."""
        for stored in await self._store.open_tasks():
            live = await self._revive(stored.task, stored.owner)
            if self._resume:
                log.info("%s: task %s is resumed", self._name, live.task_id)
                self.run(live, context_for(live, context_of(stored.owner), _last_request(stored.task)))
            else:
                log.warning("%s: task %s was left open by a crash and is closed", self._name, live.task_id)
                await live.end(TaskState.TASK_STATE_FAILED, CRASHED)
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

    async def _shut(self, live: LiveTask) -> None:
        if live.running:
            await live.stop(STOP_SECONDS)
            if not self._resume and live.task is not None:
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
            live = self._live.get(task_id) or (None if task is None else await self._revive(task, owner))
        if live is None or live.owner != owner:
            raise TaskNotFoundError(message=f"there is no task {task_id}")
        return live

    async def _revive(self, task: Task, owner: str) -> LiveTask:
        await self.push_sender.load(task.id)
        if task.id not in self._live:
            self._live[task.id] = LiveTask(self, owner, task.id, task.context_id, task=task)
        return self._live[task.id]

    def run(self, live: LiveTask, context: RequestContext) -> None:
        """Starts the executor on a message."""
        if self.observer is not None:
            self.observer.began(live, caller_of(context.call_context))
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


def _last_request(task: Task) -> Message | None:
    from_user = [message for message in task.history if message.role == Role.ROLE_USER]
    return from_user[-1] if from_user else None
