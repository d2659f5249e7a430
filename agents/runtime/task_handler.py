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
from collections.abc import AsyncGenerator, Callable

from a2a.server.agent_execution import AgentExecutor
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
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import (
    ExtendedAgentCardNotConfiguredError,
    ExtensionSupportRequiredError,
    InternalError,
    InvalidParamsError,
    TaskNotCancelableError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size

from agents.runtime.context import caller_of, extensions_of, wants_findings
from agents.runtime.live_task import LiveTask
from agents.runtime.live_tasks import STOP_SECONDS, LiveTasks, context_for
from agents.runtime.output_modes import for_programs, reads_all
from agents.runtime.push_methods import PushMethods
from agents.runtime.push_sender import PushSender
from agents.runtime.push_store import PushStore
from agents.runtime.reader import Reader
from agents.runtime.required_fields import require_all
from agents.runtime.shadow import Shadow
from agents.runtime.states import INTERRUPTED, is_settled, is_terminal, state_name
from agents.runtime.task_store import TaskStore

log = logging.getLogger(__name__)

ID_LENGTH = 512
FOLLOW_SECONDS = 0.25
"""How often a task that another replica works on is looked at."""
YIELD_SECONDS = 5.0
"""How long an answer waits for the executor that asked to return."""


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
        self.live = LiveTasks(name, executor, store, push_sender, resume=resume)
        self._store = store

    # -- messages ------------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Message | Task:
        """Blocks until the task has ended or waits for somebody, unless `returnImmediately` is set."""
        live = await self._accept(params, context)
        if not isinstance(live, LiveTask):
            if isinstance(live, Task) and not params.configuration.return_immediately:
                live = await self._settled(live, caller_of(context).owner)
            return _trimmed(live, params)
        _, reader = await _view(live)
        try:
            await live.started.wait()
            if not params.configuration.return_immediately:
                async for _ in reader:
                    pass
                if not live.stopping:  # an executor that has said its last word may have to tidy up
                    await live.wait(YIELD_SECONDS)
            return _trimmed(await live.snapshot(), params)
        finally:
            self.live.leave(live, reader)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Streams the task and its events until it has ended or waits for somebody."""
        require_all(params)
        self._streaming()
        live = await self._accept(params, context)
        if not isinstance(live, LiveTask):
            yield _trimmed(live, params)
            if isinstance(live, Task):
                async for event in self._follow(Shadow(live), caller_of(context).owner, is_settled):
                    yield event
            return
        first, reader = await _view(live)
        everything = not wants_findings(context, params.message) or reads_all(params.configuration)
        try:
            if first is not None:
                yield _trimmed(first, params)
            async for event in reader:
                if isinstance(event, Task):
                    yield _trimmed(event, params)
                elif (shown := event if everything else for_programs(event)) is not None:
                    yield shown
            if live.error is not None:
                raise live.error
        finally:
            self.live.leave(live, reader)

    async def _accept(self, params: SendMessageRequest, context: ServerCallContext) -> LiveTask | Task | Message:
        """Gives the live task that answers the message, or the stored answer of a repeated one."""
        validate_history_length(params.configuration)
        if self.live.draining:
            raise InternalError(message=f"{self.name} is shutting down; send the message again in a moment")
        _check_ids(params.message)
        self._check_extensions(params.message, context)
        owner = caller_of(context).owner
        key = _message_key(params.message, owner) if self.recognise_repetition else str(uuid.uuid4())
        claim = self.live.claims.get(key)
        if claim is None:
            claim = asyncio.ensure_future(self._begin(key, owner, params, context))
            self.live.claims[key] = claim
            claim.add_done_callback(lambda done: self._settle_claim(key, done))
        # Shielded: when the first sender goes away, its repetition must still find the task.
        return await asyncio.shield(claim)

    def _settle_claim(self, key: str, claim: asyncio.Future[LiveTask | Task | Message]) -> None:
        if claim.cancelled() or claim.exception() is not None or not isinstance(claim.result(), LiveTask):
            self.live.claims.pop(key, None)

    async def _begin(
        self, key: str, owner: str, params: SendMessageRequest, context: ServerCallContext
    ) -> LiveTask | Task | Message:
        answered = await self._store.answered(key)
        if answered is not None:
            known = await self._known(answered.task_id, answered.reply, owner)
            if known is not None:
                return known
        message = params.message
        live = await self._follow_up(message, owner) if message.task_id else self.live.new(owner, message.context_id)
        try:
            if params.configuration.HasField("task_push_notification_config"):
                config = params.configuration.task_push_notification_config
                await self.register_push(live.task_id, owner, config, context)
            related = await self._related(message, owner)
            live.message_keys.append(key)
            live.claims.append(key)
            if live.task is not None:
                live.resume(message)
                await self.live.keep_now(live)
        except BaseException:
            live.claimed = False
            self.live.release(live)
            if live.task is not None:
                await self._store.let_go(live.task_id)
            raise
        # The sender reads from the very first event on, however fast the executor is.
        live.opening = (None if live.task is None else await live.snapshot(), live.read())
        self.live.run(live, context_for(live, context, message, params, related))
        return live

    async def _known(self, task_id: str | None, reply: Message | None, owner: str) -> LiveTask | Task | Message | None:
        if task_id is None:
            return reply
        live = self.live.known(task_id)
        return live if live is not None else await self._store.get(task_id, owner)

    async def _follow_up(self, message: Message, owner: str) -> LiveTask:
        live = await self.live.find(message.task_id, owner)
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
        # Of two answers at once exactly one is taken, here and among the replicas.
        live.claimed = True
        fresh = await self._store.acquire(live.task_id)
        if fresh is None:
            live.claimed = False
            self.live.release(live)
            raise UnsupportedOperationError(message=f"task {live.task_id} was answered or ended just now")
        live.task.CopyFrom(fresh)
        return live

    async def _related(self, message: Message, owner: str) -> list[Task]:
        found = [await self._store.get(task_id, owner) for task_id in message.reference_task_ids]
        return [task for task in found if task is not None]

    # -- tasks ---------------------------------------------------------------------------------------------------

    async def require_task(self, task_id: str, owner: str) -> None:
        """Raises TaskNotFoundError unless the owner has such a task."""
        await self.live.current(task_id, owner)

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """One task of the caller's."""
        validate_history_length(params)
        return apply_history_length(await self.live.current(params.id, caller_of(context).owner), params)

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
        """Stops the executor, tool calls included, on whichever replica it runs, and stores the task as CANCELED."""
        owner = caller_of(context).owner
        task = await self.live.current(params.id, owner)
        if is_terminal(task):
            raise TaskNotCancelableError(message=f"task {params.id} has ended already")
        live = self.live.known(params.id)
        if live is None or not live.running:
            parked = await self._store.acquire(params.id)
            live = None if parked is None else await self.live.revive(parked, owner)
        if live is not None:
            await self.live.cancel(live, context)
            ended = await live.snapshot()
        else:
            ended = await self._cancel_elsewhere(params.id, owner)
        if not isinstance(ended, Task):
            raise InternalError(message=f"task {params.id} has become a message")
        if ended.status.state != TaskState.TASK_STATE_CANCELED:
            raise TaskNotCancelableError(message=f"task {params.id} had just ended")
        return ended

    async def _cancel_elsewhere(self, task_id: str, owner: str) -> Task:
        """Leaves word for the replica that works on it, or for the one that adopts it, and waits for the end."""
        await self._store.ask_cancel(task_id)
        try:
            shadow = Shadow(await self.live.current(task_id, owner))
            async with asyncio.timeout(STOP_SECONDS + 2 * self._store.lease_seconds):
                async for _ in self._follow(shadow, owner, is_terminal):
                    pass
            return shadow.task
        except TimeoutError as error:
            raise InternalError(message=f"task {task_id} has not stopped yet; it will, look again") from error
        finally:
            await self._store.cancelled([task_id])

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The task as it is, then its events until it has ended, whichever replica works on it."""
        self._streaming()
        owner = caller_of(context).owner
        task = await self.live.current(params.id, owner)
        if is_terminal(task):
            raise UnsupportedOperationError(
                message=f"task {params.id} is {state_name(task.status.state)}: there is nothing to follow"
            )
        yield task
        async for event in self._follow(Shadow(task), owner, is_terminal):
            yield event

    async def _settled(self, task: Task, owner: str) -> Task:
        shadow = Shadow(task)
        async for _ in self._follow(shadow, owner, is_settled):
            pass
        return shadow.task

    async def _follow(self, shadow: Shadow, owner: str, over: Callable[[Task], bool]) -> AsyncGenerator[Event, None]:
        """What the client has not been told of yet, until the task is over; from its run here, else from the store."""
        revision = -1
        while not over(shadow.task):
            live = self.live.known(shadow.task.id)
            if live is not None and live.running:
                async for event in self._follow_here(live, shadow):
                    yield event
                if live.error is not None:
                    raise live.error
                continue
            newest = await self._store.revision(shadow.task.id)
            if newest != revision:
                revision = newest if newest is not None else revision
                for event in shadow.news(await self.live.current(shadow.task.id, owner)):
                    yield event
            if not over(shadow.task):
                await asyncio.sleep(FOLLOW_SECONDS)

    async def _follow_here(self, live: LiveTask, shadow: Shadow) -> AsyncGenerator[Event, None]:
        first, reader = await live.join()
        try:
            if isinstance(first, Task):
                for event in shadow.news(first):
                    yield event
            async for event in reader:
                shadow.told(event)
                yield event
        finally:
            self.live.leave(live, reader)

    @validate_request_params
    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """There is nothing on the card that is not public."""
        if caller_of(context).protocol == "1.0" and not self.card.capabilities.extended_agent_card:
            raise UnsupportedOperationError(message=f"{self.name} has no extended card, as its card says")
        raise ExtendedAgentCardNotConfiguredError(message=f"{self.name} has no extended card")

    def _streaming(self) -> None:
        """Raises UnsupportedOperationError when the card says that there are no streams."""
        if not self.card.capabilities.streaming:
            raise UnsupportedOperationError(message=f"{self.name} does not stream, as its card says")

    def _check_extensions(self, message: Message, context: ServerCallContext) -> None:
        """Raises ExtensionSupportRequiredError for a client that does not support what the card demands."""
        demanded = {extension.uri for extension in self.card.capabilities.extensions if extension.required}
        if missing := sorted(demanded - extensions_of(context, message)):
            raise ExtensionSupportRequiredError(message=f"{self.name} needs clients that support {', '.join(missing)}")


async def _view(live: LiveTask) -> tuple[Task | Message | None, Reader]:
    """What a sender sees of the task that answers it: the sender who started it sees all, a repetition the rest."""
    if live.opening is not None:
        opening, live.opening = live.opening, None
        return opening
    return await live.join()


def _trimmed(answer: Task | Message, params: SendMessageRequest) -> Task | Message:
    return apply_history_length(answer, params.configuration) if isinstance(answer, Task) else answer


def _message_key(message: Message, owner: str) -> str:
    """Names a message: the same id with other words is another message, not a repetition."""
    digest = hashlib.sha256(owner.encode())
    digest.update(message.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _check_ids(message: Message) -> None:
    for name in ("message_id", "task_id", "context_id"):
        if len(getattr(message, name)) > ID_LENGTH:
            raise InvalidParamsError(message=f"{name} is longer than {ID_LENGTH} characters")
