"""The A2A request handler: what every method of the protocol does with live and stored tasks.

What it adds to the SDK's handler: a repeated message is answered with the task it already made, a message to a
working task is refused instead of lost, a follow-up that names only its task finds its context, and tasks that a crash
left open are closed or resumed at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers import validate_request_params
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import (
    ExtendedAgentCardNotConfiguredError,
    InternalError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size

from agents.runtime.context import caller_of, context_of
from agents.runtime.live_task import LiveTask, Reader
from agents.runtime.push_methods import PushMethods
from agents.runtime.push_sender import PushSender
from agents.runtime.push_store import PushStore
from agents.runtime.service_metrics import TASK_SECONDS, TASKS, TASKS_RUNNING
from agents.runtime.states import INTERRUPTED, is_terminal, state_name
from agents.runtime.task_store import TaskStore

log = logging.getLogger(__name__)

ID_LENGTH = 512
STOP_SECONDS = 5.0
"""How long a cancelled executor gets to clean up."""
YIELD_SECONDS = 5.0
"""How long an answer waits for the executor that asked to return."""
CRASHED = "The service stopped while it worked on this task. Please send the request again."
SHUT_DOWN = "The service was stopped while it worked on this task. Please send the request again."


class TaskHandler(PushMethods):
    """Serves one executor. One instance per service."""

    def __init__(
        self,
        name: str,
        executor: AgentExecutor,
        card: AgentCard,
        store: TaskStore,
        push_store: PushStore,
        push_sender: PushSender,
        *,
        resume: bool = False,
    ) -> None:
        super().__init__(card, push_store, push_sender)
        self.name = name
        self.recognise_repetition = True
        """A message that comes again gets the task it already made."""
        self._executor = executor
        self._store = store
        self._resume = resume
        self._live: dict[str, LiveTask] = {}
        self._claims: dict[str, asyncio.Future[LiveTask | Task | Message]] = {}
        self.draining = False
        """No more messages are taken."""

    # -- life of the service -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Takes care of the tasks that the last run left open: resumed by executors that can, else closed as FAILED."""
        for stored in await self._store.open_tasks():
            live = await self._revive(stored.task, stored.owner)
            if self._resume:
                log.info("%s: task %s is resumed", self.name, live.task_id)
                self._run(live, _context(live, context_of(stored.owner), _last_request(stored.task)))
            else:
                log.warning("%s: task %s was left open by a crash and is closed", self.name, live.task_id)
                await live.end(TaskState.TASK_STATE_FAILED, CRASHED)
                self._release(live)

    async def drain(self, seconds: float) -> None:
        """Takes no more messages, lets running tasks end for so long, then stops and stores what is left.

        Executors that can resume keep their tasks open for the next start; others' tasks are stored as CANCELED.
        """
        self.draining = True
        running = [live for live in self._live.values() if live.running]
        if running:
            log.info("%s: waiting up to %s s for %s running tasks", self.name, seconds, len(running))
            await asyncio.gather(*(live.wait(seconds) for live in running))
        await asyncio.gather(*(self._shut(live) for live in list(self._live.values())))

    async def _shut(self, live: LiveTask) -> None:
        if live.running:
            await live.stop(STOP_SECONDS)
            if not self._resume and live.task is not None:
                await live.end(TaskState.TASK_STATE_CANCELED, SHUT_DOWN)
        live.close()

    # -- messages ------------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Message | Task:
        """Blocks until the task has ended or waits for somebody, unless `returnImmediately` is set."""
        live = await self._accept(params, context)
        if not isinstance(live, LiveTask):
            return _trimmed(live, params)
        _, reader = await _view(live)
        try:
            await live.started.wait()
            if not params.configuration.return_immediately:
                async for _ in reader:
                    pass
            return _trimmed(await live.snapshot(), params)
        finally:
            self._leave(live, reader)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Streams the task and its events until it has ended or waits for somebody."""
        live = await self._accept(params, context)
        if not isinstance(live, LiveTask):
            yield _trimmed(live, params)
            return
        first, reader = await _view(live)
        try:
            if first is not None:
                yield _trimmed(first, params)
            async for event in reader:
                yield _trimmed(event, params) if isinstance(event, Task) else event
            if live.error is not None:
                raise live.error
        finally:
            self._leave(live, reader)

    async def _accept(self, params: SendMessageRequest, context: ServerCallContext) -> LiveTask | Task | Message:
        """Gives the live task that answers the message, or the stored answer of a repeated one."""
        validate_history_length(params.configuration)
        if self.draining:
            raise InternalError(message=f"{self.name} is shutting down; send the message again in a moment")
        _check_ids(params.message)
        owner = caller_of(context).owner
        key = _message_key(params.message, owner) if self.recognise_repetition else str(uuid.uuid4())
        claim = self._claims.get(key)
        if claim is None:
            claim = asyncio.ensure_future(self._begin(key, owner, params, context))
            self._claims[key] = claim
            claim.add_done_callback(lambda done: self._settle_claim(key, done))
        # Shielded: when the first sender goes away, its repetition must still find the task.
        return await asyncio.shield(claim)

    def _settle_claim(self, key: str, claim: asyncio.Future[LiveTask | Task | Message]) -> None:
        if claim.cancelled() or claim.exception() is not None or not isinstance(claim.result(), LiveTask):
            self._claims.pop(key, None)

    async def _begin(
        self, key: str, owner: str, params: SendMessageRequest, context: ServerCallContext
    ) -> LiveTask | Task | Message:
        answered = await self._store.answered(key)
        if answered is not None:
            known = await self._known(answered.task_id, answered.reply, owner)
            if known is not None:
                return known
        message = params.message
        live = await self._follow_up(message, owner) if message.task_id else self._new(message, owner)
        try:
            if params.configuration.HasField("task_push_notification_config"):
                config = params.configuration.task_push_notification_config
                await self.register_push(live.task_id, owner, config, context)
            related = await self._related(message, owner)
            live.message_keys.append(key)
            live.claims.append(key)
            if live.task is not None:
                live.resume(message)
                await self._keep_now(live)
        except BaseException:
            live.claimed = False
            self._release(live)
            raise
        # The sender reads from the very first event on, however fast the executor is.
        live.opening = (None if live.task is None else await live.snapshot(), live.read(until_settled=True))
        self._run(live, _context(live, context, message, params, related))
        return live

    async def _known(self, task_id: str | None, reply: Message | None, owner: str) -> LiveTask | Task | Message | None:
        if task_id is None:
            return reply
        live = self._live.get(task_id)
        return live if live is not None else await self._store.get(task_id, owner)

    def _new(self, message: Message, owner: str) -> LiveTask:
        live = LiveTask(self, owner, str(uuid.uuid4()), message.context_id or str(uuid.uuid4()))
        self._live[live.task_id] = live
        return live

    async def _follow_up(self, message: Message, owner: str) -> LiveTask:
        live = await self._find(message.task_id, owner)
        if message.context_id and message.context_id != live.context_id:
            raise InvalidParamsError(
                message=f"context {message.context_id} is not the context {live.context_id} of task {live.task_id}"
            )
        if live.running and live.task is not None and live.task.status.state in INTERRUPTED:
            await live.wait(YIELD_SECONDS)
        if live.task is not None and is_terminal(live.task):
            state = state_name(live.task.status.state)
            raise UnsupportedOperationError(message=f"task {live.task_id} is {state}: start a new one in its context")
        if live.running or live.claimed or live.task is None or live.task.status.state not in INTERRUPTED:
            raise UnsupportedOperationError(
                message=f"task {live.task_id} is working: wait until it has ended or asks for input, or cancel it"
            )
        # Of two answers at once exactly one is taken.
        live.claimed = True
        return live

    async def _related(self, message: Message, owner: str) -> list[Task]:
        found = [await self._store.get(task_id, owner) for task_id in message.reference_task_ids]
        return [task for task in found if task is not None]

    # -- tasks ---------------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """One task of the caller's."""
        validate_history_length(params)
        return apply_history_length(await self._current(params.id, caller_of(context).owner), params)

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """The caller's tasks, newest first, a page at a time."""
        validate_history_length(params)
        if params.HasField("page_size"):
            validate_page_size(params.page_size)
        page = await self._store.list(params, caller_of(context).owner)
        for task in page.tasks:
            if not params.include_artifacts:
                task.ClearField("artifacts")
            shown = apply_history_length(task, params)
            if shown is not task:
                task.CopyFrom(shown)
        return page

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """Stops the executor, tool calls included, and stores the task as CANCELED."""
        live = await self._find(params.id, caller_of(context).owner)
        if live.task is None or is_terminal(live.task):
            self._release(live)
            raise TaskNotCancelableError(message=f"task {params.id} has ended already")
        await live.stop(STOP_SECONDS)
        await self._tell_executor(live, context)
        await live.end(TaskState.TASK_STATE_CANCELED)
        live.close()
        self._release(live)
        ended = await live.snapshot()
        if not isinstance(ended, Task):
            raise InternalError(message=f"task {params.id} has become a message")
        if ended.status.state != TaskState.TASK_STATE_CANCELED:
            raise TaskNotCancelableError(message=f"task {params.id} had just ended")
        return ended

    async def _tell_executor(self, live: LiveTask, context: ServerCallContext) -> None:
        try:
            await self._executor.cancel(_context(live, context, None), live)
        except Exception as error:
            # Its run is stopped already; what `cancel` adds is the executor's own cleaning up.
            log.warning("%s: the executor's cancel of task %s failed: %s", self.name, live.task_id, error)

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The task as it is, then its events until it has ended."""
        live = await self._find(params.id, caller_of(context).owner)
        if live.task is not None and is_terminal(live.task):
            self._release(live)
            raise UnsupportedOperationError(
                message=f"task {params.id} is {state_name(live.task.status.state)}: there is nothing to follow"
            )
        first, reader = await live.join(until_settled=False)
        try:
            if first is not None:
                yield first
            async for event in reader:
                yield event
        finally:
            self._leave(live, reader)

    @validate_request_params
    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """There is nothing on the card that is not public."""
        raise ExtendedAgentCardNotConfiguredError(message=f"{self.name} has no extended card")

    # -- live tasks ----------------------------------------------------------------------------------------------

    def keep(self, live: LiveTask, event: Event, *, durable: bool) -> Awaitable[None] | None:
        """Stores a live task, and what its messages were answered with; hands the event to push."""
        self._keep_messages(live)
        if live.task is None:
            return self._store.flush()
        self.push_sender.offer(live.task, event)
        return self._store.put(live.task, live.owner, durable=durable)

    def _keep_messages(self, live: LiveTask) -> None:
        for key in live.message_keys:
            self._store.put_message(key, live.owner, None if live.reply else live.task_id, live.reply)
        live.message_keys.clear()

    async def _keep_now(self, live: LiveTask) -> None:
        self._keep_messages(live)
        if live.task is not None:
            self._store.put(live.task, live.owner, durable=False)
        await self._store.flush()

    async def _current(self, task_id: str, owner: str) -> Task:
        live = self._live.get(task_id)
        if live is not None and live.owner == owner and live.started.is_set():
            found = await live.snapshot()
            if isinstance(found, Task):
                return found
        task = await self._store.get(task_id, owner)
        if task is None:
            raise TaskNotFoundError(message=f"there is no task {task_id}")
        return task

    async def require_task(self, task_id: str, owner: str) -> None:
        """Raises TaskNotFoundError unless the owner has such a task."""
        await self._current(task_id, owner)

    async def _find(self, task_id: str, owner: str) -> LiveTask:
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

    def _run(self, live: LiveTask, context: RequestContext) -> None:
        TASKS_RUNNING.labels(self.name).inc()
        began = asyncio.get_running_loop().time()

        async def done(ended: LiveTask) -> None:
            TASKS_RUNNING.labels(self.name).dec()
            state = state_name(ended.task.status.state) if ended.task is not None else "message"
            TASKS.labels(self.name, state).inc()
            TASK_SECONDS.labels(self.name, state).observe(asyncio.get_running_loop().time() - began)
            self._release(ended, ran=True)

        live.start(self._executor, context, done)

    def _leave(self, live: LiveTask, reader: Reader) -> None:
        reader.close()
        self._release(live)

    def _release(self, live: LiveTask, *, ran: bool = False) -> None:
        """Forgets a task that nobody works on or watches: parked tasks cost nothing but their row."""
        if (live.running and not ran) or (live.stopping and ran) or live.claimed or live.watched:
            return
        if self._live.get(live.task_id) is live:
            del self._live[live.task_id]
            self.push_sender.unload(live.task_id)
        for key in live.claims:
            self._claims.pop(key, None)


def _context(
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


async def _view(live: LiveTask) -> tuple[Task | Message | None, Reader]:
    """What a sender sees of the task that answers it: the sender who started it sees all, a repetition the rest."""
    if live.opening is not None:
        opening, live.opening = live.opening, None
        return opening
    return await live.join(until_settled=True)


def _trimmed(answer: Task | Message, params: SendMessageRequest) -> Task | Message:
    return apply_history_length(answer, params.configuration) if isinstance(answer, Task) else answer


def _last_request(task: Task) -> Message | None:
    from_user = [message for message in task.history if message.role == Role.ROLE_USER]
    return from_user[-1] if from_user else None


def _message_key(message: Message, owner: str) -> str:
    """Names a message: the same id with other words is another message, not a repetition."""
    digest = hashlib.sha256(owner.encode())
    digest.update(message.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _check_ids(message: Message) -> None:
    for name in ("message_id", "task_id", "context_id"):
        if len(getattr(message, name)) > ID_LENGTH:
            raise InvalidParamsError(message=f"{name} is longer than {ID_LENGTH} characters")
