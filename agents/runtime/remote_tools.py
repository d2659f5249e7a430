"""Tools of other people's MCP servers: one session per server, kept open, found again after a break.

A server that cannot be reached costs its tools and nothing else: the answer says what was not there to be asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from mcp import MCPError
from mcp_types import RequestParamsMeta
from mcp_types import Tool as McpToolType

from agents.runtime import tracing
from agents.runtime.breaker import Breaker
from agents.runtime.command_tools import runs_commands
from agents.runtime.definition import ToolCall
from agents.runtime.findings import Language
from agents.runtime.settings import McpServerSettings
from agents.runtime.tools import Call, Tool, ToolFailure, content_or_failure, make_tool
from agents.runtime.write_gate import WriteGate, checked_arguments, is_read_only, refuse_writes

if TYPE_CHECKING:
    from mcp import Client

logger = logging.getLogger(__name__)

LIST_SECONDS = 300.0
"""How long a server's list of tools is believed."""
RETRY_SECONDS = 15.0
"""How long an unreachable server is left alone, so that it does not slow down every turn."""
FAILURES = 3
"""The same for one that lists its tools, and then so many calls in a row get no answer."""
CONNECT_SECONDS = 5.0

_UNAVAILABLE: dict[Language, str] = {
    "en": "The MCP server {name} could not be used: {reason}. Its tools: {tools}.",
    "zh": "无法使用 MCP 服务 {name}:{reason}。其工具:{tools}。",
}
_NOT_OFFERED: dict[Language, str] = {
    "en": "The MCP server {name} does not offer: {tools}.",
    "zh": "MCP 服务 {name} 没有提供:{tools}。",
}


class Unreachable(Exception):
    """A server that cannot be reached; the text says why, without addresses' credentials."""


class Unanswered(Exception):
    """A writing call that was sent and did not end well: whether it took place is not known."""


class RemoteTools:
    """The allowed tools of all MCP servers of one specialist."""

    def __init__(self, servers: dict[str, McpServerSettings], write_gate: WriteGate | None = None) -> None:
        self._servers = [RemoteServer(name, settings) for name, settings in servers.items()]
        self._gate = write_gate or refuse_writes

    async def tools(self, language: Language = "en") -> tuple[list[Tool], list[str]]:
        """The tools that can be called now, and one line for every server or tool that is not there."""
        listings = await asyncio.gather(*(self._listing(server, language) for server in self._servers))
        tools: dict[str, Tool] = {}
        for server, (offered, _) in zip(self._servers, listings, strict=True):
            for tool in offered:
                made = self._tool(server, tool, tool.name)
                if tool.name in tools:
                    made = self._tool(server, tool, f"{server.name}_{tool.name}")
                tools[made.info.name] = made
        return list(tools.values()), [line for _, lines in listings for line in lines]

    async def aclose(self) -> None:
        """Ends all sessions."""
        await asyncio.gather(*(server.aclose() for server in self._servers))

    async def _listing(self, server: RemoteServer, language: Language) -> tuple[list[McpToolType], list[str]]:
        allowed = server.settings.tools
        try:
            offered = {tool.name: tool for tool in await server.list_tools()}
        except Unreachable as error:
            words = _UNAVAILABLE[language]
            return [], [words.format(name=server.name, reason=error, tools=", ".join(allowed))]
        absent = [name for name in allowed if name not in offered]
        lines = [_NOT_OFFERED[language].format(name=server.name, tools=", ".join(absent))] if absent else []
        return [offered[name] for name in allowed if name in offered], lines

    def _tool(self, server: RemoteServer, tool: McpToolType, name: str) -> Tool:
        takes_command_line = tool.name in server.settings.command_line_tools
        reads = is_read_only(tool) and not runs_commands(tool.name, tool.input_schema)
        readable = takes_command_line or reads
        call = self._reader(server, tool.name, takes_command_line) if readable else self._writer(server, tool.name)
        return make_tool(tool, call, name=name, read_only=readable)

    def _reader(self, server: RemoteServer, name: str, takes_command_line: bool) -> Call:
        async def call(arguments: dict[str, Any]) -> Any:
            checked = checked_arguments(name, arguments, takes_command_line=takes_command_line)
            return await server.call(name, checked)

        return call

    def _writer(self, server: RemoteServer, name: str) -> Call:
        async def call(arguments: dict[str, Any]) -> Any:
            return await self._gate(server.name, ToolCall(name, arguments))

        return call


class RemoteServer:
    """One MCP server: its session, shared by all turns, and its list of tools, remembered for a while."""

    def __init__(self, name: str, settings: McpServerSettings) -> None:
        self.name = name
        self.settings = settings
        self._lock = asyncio.Lock()
        self._session: _Session | None = None
        self._tools: list[McpToolType] = []
        self._tools_until = 0.0
        self._listing = Breaker(failures=1, rest_seconds=RETRY_SECONDS)
        self._calling = Breaker(failures=FAILURES, rest_seconds=RETRY_SECONDS)
        self._reason = ""

    async def list_tools(self) -> Sequence[McpToolType]:
        """All tools that the server offers. Raises Unreachable."""
        async with self._lock:
            if self._calling.left:
                raise Unreachable(self._reason)
            if time.monotonic() < self._tools_until:
                return self._tools
            if self._listing.rest():
                raise Unreachable(self._reason)
            try:
                async with asyncio.timeout(CONNECT_SECONDS + self.settings.timeout_seconds):
                    self._tools = await self._list()
            except Exception as error:
                await self._forget()
                self._reason = reason(error)
                self._listing.heard(ok=False)
                logger.warning("MCP server %s: %s", self.name, self._reason)
                raise Unreachable(self._reason) from error
            self._listing.heard(ok=True)
            self._tools_until = time.monotonic() + LIST_SECONDS
            return self._tools

    async def _list(self) -> list[McpToolType]:
        client = (await self._connected()).client
        tools: list[McpToolType] = []
        page = await client.list_tools()
        tools.extend(page.tools)
        while page.next_cursor:
            page = await client.list_tools(cursor=page.next_cursor)
            tools.extend(page.tools)
        return tools

    async def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """A read-only tool's content. After a broken connection it is asked once more on a new one.

        Raises ToolFailure, and does so at once while a server that did not answer several calls is left alone.
        """
        if self._calling.rest():
            raise ToolFailure(f"{self.name} has not answered for some time; {name} was not called")
        for last in (False, True):
            session: _Session | None = None
            try:
                async with self._lock:
                    session = await self._connected()
                async with asyncio.timeout(self.settings.timeout_seconds):
                    result = await session.client.call_tool(name, arguments, meta=_trace_meta())
            except TimeoutError as error:
                late = f"{name} of {self.name} did not answer within {self.settings.timeout_seconds:g} s"
                self._unanswered(error)
                raise ToolFailure(late) from error
            except Exception as error:
                if isinstance(error, MCPError) and session is not None and not session.broken_by(error):
                    self._calling.heard(ok=True)
                    raise ToolFailure(f"{name} of {self.name} failed: {error}") from error
                await self._replace(session)
                if last:
                    self._unanswered(error)
                    raise ToolFailure(f"{self.name} cannot be reached: {reason(error)}") from error
            else:
                self._calling.heard(ok=True)
                return content_or_failure(name, result)
        raise AssertionError("unreachable: the second try returns or raises")

    def _unanswered(self, error: Exception) -> None:
        self._reason = reason(error)
        self._calling.heard(ok=False)

    async def describe(self, name: str) -> McpToolType | None:
        """A tool as it is at this moment, not as it is remembered; None when there is none. Raises Unreachable."""
        async with self._lock:
            for last in (False, True):
                try:
                    async with asyncio.timeout(CONNECT_SECONDS + self.settings.timeout_seconds):
                        return next((tool for tool in await self._list() if tool.name == name), None)
                except Exception as error:
                    await self._forget()
                    if last:
                        raise Unreachable(reason(error)) from error
        raise AssertionError("unreachable: the second try returns or raises")

    async def call_once(self, name: str, arguments: dict[str, Any]) -> Any:
        """A writing tool's content. It is sent at most once, whatever becomes of the answer.

        Raises Unreachable when nothing was sent, and Unanswered when it was and did not succeed.
        """
        try:
            async with self._lock, asyncio.timeout(CONNECT_SECONDS + self.settings.timeout_seconds):
                session = await self._connected()
        except Exception as error:
            raise Unreachable(reason(error)) from error
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                # The session's own method: the client's would send again what a server asks to have sent again.
                result = await session.client.session.call_tool(name, arguments, meta=_trace_meta())
            return content_or_failure(name, result)
        except ToolFailure as error:
            raise Unanswered(str(error)) from error
        except Exception as error:
            await self._replace(session)
            raise Unanswered(reason(error)) from error

    async def aclose(self) -> None:
        """Ends the session."""
        async with self._lock:
            await self._forget()

    async def _connected(self) -> _Session:
        if self._session is None or self._session.ended:
            self._session = await _Session.open(self.settings)
        return self._session

    async def _replace(self, broken: _Session | None) -> None:
        async with self._lock:
            if self._session is broken:
                await self._forget()

    async def _forget(self) -> None:
        session, self._session = self._session, None
        self._tools_until = 0.0
        if session is not None:
            await session.aclose()


class _Session:
    """An open session. A task of its own holds it, because its scopes must be left by the task that entered them."""

    client: Client

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: McpServerSettings) -> _Session:
        """Connects and shakes hands. Raises whatever the transport raises."""
        session = cls()
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        session._task = asyncio.create_task(session._hold(settings, ready), name=f"mcp {settings.url}")
        try:
            session.client = await ready
        except asyncio.CancelledError:
            session._task.cancel()
            raise
        return session

    @property
    def ended(self) -> bool:
        """Whether the transport is gone."""
        return self._task is None or self._task.done()

    def broken_by(self, error: MCPError) -> bool:
        """Whether an error means that this session is over, rather than that a request was wrong."""
        words = str(error).lower()
        return self.ended or any(word in words for word in ("session", "connection", "closed", "transport"))

    async def aclose(self) -> None:
        """Leaves the session."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2)
            self._task.cancel()

    async def _hold(self, settings: McpServerSettings, ready: asyncio.Future[Client]) -> None:
        # Only here: most specialists have no tools but their own.
        import httpx2
        from mcp import Client
        from mcp.client.sse import sse_client
        from mcp.client.streamable_http import streamable_http_client

        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        timeout = httpx2.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS)
        try:
            async with httpx2.AsyncClient(headers=headers, timeout=timeout) as http:
                if settings.transport == "sse":
                    transport = sse_client(settings.url, headers=headers, timeout=settings.timeout_seconds)
                else:
                    transport = streamable_http_client(settings.url, http_client=http)
                # The older handshake: every server knows it, and a probe for the newer one kills some connections.
                async with Client(transport, mode="legacy", cache=None) as client:
                    ready.set_result(client)
                    await self._stop.wait()
        except Exception as error:
            if ready.done():
                logger.info("the session with an MCP server ended: %s", reason(error))
            else:
                ready.set_exception(error)


def _trace_meta() -> RequestParamsMeta | None:
    """The trace at hand, where MCP looks for it (SEP-414): a session's HTTP headers are the same for all calls."""
    here = tracing.headers()
    return cast(RequestParamsMeta, here) if here else None


def reason(error: BaseException) -> str:
    """The innermost cause in a few words: transports wrap it in groups."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (str(error) or type(error).__name__).split("\n", 1)[0][:200]
