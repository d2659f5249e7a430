"""The A2A client: one `Member` per agent, ours or anybody's, over 1.0 or 0.3.

A Member survives what happens between processes: it re-sends a message whose fate is unknown under the same id,
re-subscribes after a dropped stream, keeps to a deadline, and cancels remote work that nobody waits for any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import cast

import httpx
from a2a.client import Client, ClientCallContext, ClientConfig
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import A2AError, TaskNotCancelableError, TaskNotFoundError, UnsupportedOperationError
from httpx_aiohttp import AiohttpTransport

from agents.runtime import tracing, wire
from agents.runtime.card_signature import Verify
from agents.runtime.cards import declares
from agents.runtime.faults import Fault, fault_of
from agents.runtime.findings import FINDING_EXTENSION, SubtaskInput
from agents.runtime.json_rpc_client import client_for
from agents.runtime.output_modes import READ_BY_PROGRAMS
from agents.runtime.reading import Reading
from agents.runtime.remote_card import CardUnavailableError, RemoteCard
from agents.runtime.states import is_settled
from agents.runtime.updates import Failed, Outcome, Update

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
SILENCE_SECONDS = 60.0
"""How long a stream may be silent; ours send a sign of life every 15 s."""
PATIENCE_SECONDS = 5.0
"""How long an agent may be unreachable before its part is given up."""
IN_FLIGHT_SECONDS = 30.0
"""The same for one that has taken a task: it is being started again, and knows the task then."""
POLL_SECONDS = 1.0
END_SECONDS = 0.1
"""How long the end of a stream may take after its last event."""
CANCEL_SECONDS = 10.0
BINDINGS = ["JSONRPC", "HTTP+JSON"]


def open_http() -> httpx.AsyncClient:
    """The connection pool that all members of a team share. Close it when the team is done."""
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=200, keepalive_expiry=60)
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(timeout=timeout, limits=limits, transport=AiohttpTransport(limits=limits))


class Member:
    """One agent. Safe to use for many messages at once."""

    def __init__(
        self,
        name: str,
        url: str,
        http: httpx.AsyncClient,
        *,
        patience: float = PATIENCE_SECONDS,
        verify: Verify | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`verify` refuses cards that no trusted key has signed; `headers` go with every call."""
        self.name = name
        self.url = url
        self._http = http
        self._patience = patience
        self.headers = dict(headers or {})
        self._remote = RemoteCard(url, http, verify)
        self._made: tuple[AgentCard, Client] | None = None
        self._abandoned: set[asyncio.Task[None]] = set()
        self._leaving = False

    async def card(self, *, fresh: bool = False) -> AgentCard:
        """The agent's card. Raises CardUnavailableError."""
        return await self._remote.get(fresh=fresh)

    async def run(
        self,
        instruction: str,
        subtask: SubtaskInput,
        *,
        message_id: str,
        context_id: str | None = None,
        task_id: str | None = None,
        user: str | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        left: asyncio.Event | None = None,
        patience: float | None = None,
    ) -> AsyncGenerator[Update]:
        """Sends one message and yields what comes back, ending with InputRequired, Completed or Failed.

        `headers` go with its calls, beside those of the trace at hand. `deadline` is in seconds from now. Closing the
        iterator, or cancelling who reads it, cancels the remote task, unless `left` is set: then somebody else goes on
        reading it. One task has to read it all. `patience`: seconds for which the agent may be unreachable; once it has
        taken the task at least IN_FLIGHT_SECONDS.
        """
        patience = self._patience if patience is None else patience
        exchange = _Exchange(self, user, deadline, headers)
        reading = Reading(self.name, subtask.language, message_id)
        reading.task.id, reading.task.context_id = task_id or "", (context_id or "") if task_id else ""
        settled = False
        try:
            card, client = await exchange.connect(patience)
            exchange.extended = declares(card, FINDING_EXTENSION)
            exchange.streaming = card.capabilities.streaming
            message = wire.instruction_message(
                instruction,
                subtask if exchange.extended else None,
                message_id=message_id,
                context_id=context_id,
                task_id=task_id,
            )
            async with aclosing(exchange.updates(client, message, reading, patience)) as updates:
                async for update in updates:
                    settled = isinstance(update, Outcome)
                    yield update
        except TimeoutError:
            settled = True
            self._abandon(exchange, reading.task_id)
            yield Failed(f"{self.name} did not answer within {deadline:.0f} s", "timeout")
        except Fault as fault:
            settled = True
            yield Failed(str(fault), fault.kind)
        finally:
            if not settled and not (left is not None and left.is_set()):
                self._abandon(exchange, reading.task_id)

    async def get(self, task_id: str, *, user: str | None = None) -> Task:
        """A task as the agent has it. Raises A2AError or CardUnavailableError."""
        exchange = _Exchange(self, user, CANCEL_SECONDS)
        _, client = await self.client()
        return await client.get_task(GetTaskRequest(id=task_id), context=exchange.context())

    async def cancel(self, task_id: str, *, user: str | None = None) -> None:
        """Stops a task; one that is over or unknown is no error. Raises A2AError or CardUnavailableError."""
        exchange = _Exchange(self, user, CANCEL_SECONDS)
        _, client = await self.client()
        try:
            await client.cancel_task(CancelTaskRequest(id=task_id), context=exchange.context())
        except (TaskNotCancelableError, TaskNotFoundError) as error:
            log.debug("%s: task %s is over: %s", self.name, task_id, error)

    def leave(self) -> None:
        """From now on remote work goes on when its reader stops: whoever stops will come back and ask again."""
        self._leaving = True

    async def close(self) -> None:
        """Waits for cancels under way. The connection pool stays open: it is shared."""
        await asyncio.gather(*self._abandoned, return_exceptions=True)

    async def client(self) -> tuple[AgentCard, Client]:
        """The SDK's client for the agent's present card."""
        card = await self._remote.get()
        if self._made is None or self._made[0] is not card:
            config = ClientConfig(httpx_client=self._http, streaming=True, supported_protocol_bindings=BINDINGS)
            try:
                self._made = card, client_for(config, card)
            except ValueError as error:
                raise CardUnavailableError(f"{self.name} offers no way to call it: {error}", answered=True) from error
        return self._made

    def _abandon(self, exchange: _Exchange, task_id: str | None) -> None:
        """Cancels in the background: whoever gave up must not wait for it."""
        if task_id is None or self._leaving:
            return
        cancel = asyncio.create_task(self._cancel_quietly(task_id, exchange.user), name=f"cancel {task_id}")
        self._abandoned.add(cancel)
        cancel.add_done_callback(self._abandoned.discard)

    async def _cancel_quietly(self, task_id: str, user: str | None) -> None:
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.cancel(task_id, user=user)
        except (A2AError, CardUnavailableError, TimeoutError) as error:
            log.warning("%s: task %s could not be cancelled: %s", self.name, task_id, error)


class _Exchange:
    """One message's way to an agent and back: headers, deadline, attempts."""

    def __init__(
        self, member: Member, user: str | None, deadline: float | None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.user = user
        self.extended = self.streaming = False
        self._member = member
        self._headers = {**member.headers, **tracing.headers(), **(headers or {})}
        self._ends = None if deadline is None else time.monotonic() + deadline

    def left(self) -> float | None:
        """Seconds until the deadline. Raises TimeoutError when there are none."""
        if self._ends is None:
            return None
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def context(self, *, streaming: bool = False) -> ClientCallContext:
        """Headers and timeout of one call."""
        headers = dict(self._headers)
        if self.extended:
            headers["A2A-Extensions"] = FINDING_EXTENSION
        if self.user:
            headers["X-User-Id"] = self.user
        # A blocking call is silent until it is answered, so only the deadline ends it.
        return ClientCallContext(service_parameters=headers, timeout=None if streaming else self.left() or 3600.0)

    async def connect(self, patience: float) -> tuple[AgentCard, Client]:
        """The agent's card and client, tried for as long as patience lasts. Raises Fault or TimeoutError."""
        attempts = _Attempts(patience)
        while True:
            try:
                async with asyncio.timeout(self.left()):
                    return await self._member.client()
            except CardUnavailableError as error:
                fault = Fault(f"{self._member.name}: {error}", "nonsense" if error.answered else "unreachable")
                if error.answered:
                    raise fault from error
                await self._pause(attempts.next(fault))

    async def updates(
        self, client: Client, message: Message, reading: Reading, patience: float
    ) -> AsyncGenerator[Update]:
        """All attempts at one message, until there is an outcome. Raises Fault or TimeoutError."""
        attempts = _Attempts(patience)
        asked = bool(reading.task_id)  # a follow-up knows its task, but its message still has to be sent
        while reading.outcome is None:
            resend = asked or reading.task_id is None
            try:
                source = self._send(client, message) if resend else self._follow(client, reading.task.id)
                async with aclosing(self._in_time(source)) as events:
                    async for event in events:
                        attempts.reset()
                        asked = False
                        for update in reading.take(event):
                            if isinstance(update, Outcome):
                                await _rest(events)
                            yield update
                if reading.outcome is None:
                    await self._pause(POLL_SECONDS)
            except (A2AError, httpx.HTTPError) as error:
                fault = fault_of(error, self._member.name)
                if not fault.passing:
                    raise fault from error
                log.info("%s: %s; trying again", self._member.name, fault)
                if reading.task_id is not None:
                    attempts.patience = max(patience, IN_FLIGHT_SECONDS)
                await self._pause(attempts.next(fault))

    def _send(self, client: Client, message: Message) -> AsyncIterator[StreamResponse]:
        # What goes without saying between programs is not said: notes of tools, the answer twice, our own message.
        terse = SendMessageConfiguration(accepted_output_modes=READ_BY_PROGRAMS, history_length=0)
        request = SendMessageRequest(message=message, configuration=terse if self.extended else None)
        return client.send_message(request, context=self.context(streaming=self.streaming))

    async def _follow(self, client: Client, task_id: str) -> AsyncGenerator[StreamResponse]:
        """The rest of a task whose stream ended early: by subscribing where that is possible, else by asking."""
        task = await client.get_task(GetTaskRequest(id=task_id), context=self.context())
        yield StreamResponse(task=task)
        if is_settled(task):
            return
        try:
            async for event in client.subscribe(
                SubscribeToTaskRequest(id=task_id), context=self.context(streaming=True)
            ):
                yield event
        except (NotImplementedError, UnsupportedOperationError) as error:
            log.debug("%s: task %s cannot be followed, so it is polled: %s", self._member.name, task_id, error)

    async def _in_time(self, source: AsyncIterator[StreamResponse]) -> AsyncGenerator[StreamResponse]:
        """The events of a stream as long as there is time; who reads them is not interrupted. Raises TimeoutError."""
        async with aclosing(cast(AsyncGenerator[StreamResponse], source)), asyncio.timeout(self.left()) as limit:
            async for event in source:
                ends = limit.when()
                limit.reschedule(None)
                yield event
                self.left()  # a stream that always has something never waits, and the timer would wait with it
                limit.reschedule(ends)

    async def _pause(self, seconds: float) -> None:
        left = self.left()
        await asyncio.sleep(seconds if left is None else min(seconds, left))


async def _rest(events: AsyncGenerator[StreamResponse]) -> None:
    """Reads a stream that has said all to its end, so that its connection is used again. Most end at once; whatever
    else an agent says there, and however it says it, changes nothing.
    """
    try:
        async with asyncio.timeout(END_SECONDS):
            async for _ in events:
                pass
    except Exception as error:
        log.debug("a stream did not end after its last event: %r", error)


class _Attempts:
    """How long to wait before trying again, and when to stop."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.reset()

    def reset(self) -> None:
        """It worked: the next trouble starts anew."""
        self._since: float | None = None
        self._delay = 0.1

    def next(self, fault: Fault) -> float:
        """Seconds to wait. Raises the fault when patience is over."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > self.patience:
            raise fault
        delay, self._delay = self._delay, min(self._delay * 2, 2.0)
        return delay
