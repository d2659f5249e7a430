"""The executor's own MCP servers, as far as Actions may use them."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from agents.cluster.errors import ClusterError
from agents.executor.action import ActionError
from agents.executor.calls.call import OfferedTool, ToolCallAsked
from agents.runtime.remote_tools import RemoteServer, Unreachable
from agents.runtime.settings import McpServerSettings
from agents.runtime.write_gate import NEVER_CALLED


class ServerDown(ClusterError):
    """The server cannot be reached, and nothing was sent to it."""


class ToolServers(Protocol):
    """What Actions of kind `call_tool` need of other people's servers."""

    async def offered(self, call: ToolCallAsked) -> OfferedTool:
        """The tool as it is now. Raises ActionError when it may not be used, and ServerDown."""
        ...

    async def call_once(self, call: ToolCallAsked) -> Any:
        """Sends the call at most once. Raises Unreachable (not sent) and Unanswered (perhaps carried out)."""
        ...

    async def aclose(self) -> None:
        """Ends the sessions."""
        ...


class ConfiguredServers:
    """The servers under `agents.executor.mcp_servers`, with their allow-lists."""

    def __init__(self, servers: dict[str, McpServerSettings]) -> None:
        self._servers = {name: RemoteServer(name, settings) for name, settings in servers.items()}

    async def offered(self, call: ToolCallAsked) -> OfferedTool:
        """The tool as its server describes it at this moment."""
        server = self._server(call)
        try:
            tool = await server.describe(call.tool)
        except Unreachable as error:
            raise ServerDown(f"the MCP server {call.server} cannot be reached: {error}") from error
        if tool is None:
            raise ActionError(f"the MCP server {call.server} does not offer {call.tool}")
        hints = tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
        return OfferedTool(server.settings.url, tool.name, tool.description or "", tool.input_schema, hints)

    async def call_once(self, call: ToolCallAsked) -> Any:
        """Sends the call at most once."""
        return await self._server(call).call_once(call.tool, call.arguments)

    async def aclose(self) -> None:
        """Ends the sessions."""
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))

    def _server(self, call: ToolCallAsked) -> RemoteServer:
        """Raises ActionError for a server or a tool that is not configured."""
        server = self._servers.get(call.server)
        if server is None:
            known = ", ".join(self._servers) or "none"
            raise ActionError(f"the executor has no MCP server {call.server!r}; configured: {known}")
        if call.tool not in server.settings.tools:
            allowed = ", ".join(server.settings.tools)
            raise ActionError(f"{call.tool} of {call.server} is not on its allow-list, which has: {allowed}")
        if call.tool in NEVER_CALLED or call.tool in server.settings.command_line_tools:
            raise ActionError(
                f"{call.tool} of {call.server} takes a command line or prints credentials: "
                "it is never called to change anything, approved or not"
            )
        return server
