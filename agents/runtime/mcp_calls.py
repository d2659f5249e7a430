"""Calls of our own tools by others, over MCP: measured like our own calls, and in their caller's trace."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from agents.runtime import tracing
from agents.runtime.telemetry import FAILED, OK, tool_call


class MeasuredCalls(ServerMiddleware[Any]):
    """Measures `tools/call`. The caller's trace is in `_meta` (SEP-414), else it is the HTTP request's."""

    def __init__(self, service: str, tools: MCPServer) -> None:
        self._service = service
        self._tools = tools
        self._names: frozenset[str] = frozenset()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """One message."""
        name = (ctx.params or {}).get("name")
        if ctx.method != "tools/call" or not isinstance(name, str) or not await self._known(name):
            return await call_next(ctx)
        tracing.work_for(self._service)
        with tracing.joined(_place(ctx)), tool_call(name) as told:
            told.outcome = FAILED
            result = await call_next(ctx)
            told.outcome = FAILED if _is_error(result) else OK
            return result

    async def _known(self, name: str) -> bool:
        """Whether there is such a tool: what strangers call otherwise becomes no label."""
        if not self._names:
            self._names = frozenset(tool.name for tool in await self._tools.list_tools())
        return name in self._names


def _place(ctx: ServerRequestContext[Any, Any]) -> tracing.Trace | None:
    meta: Any = ctx.meta or {}
    parent, state = meta.get(tracing.TRACEPARENT), meta.get(tracing.TRACESTATE)
    named = tracing.read_trace(str(parent), str(state or "")) if parent else None
    here = tracing.current()
    # The HTTP request's own span, where it is part of the same trace, is nearer.
    return here if named is None or (here is not None and here.id == named.id) else named


def _is_error(result: HandlerResult) -> bool:
    if isinstance(result, CallToolResult):
        return bool(result.is_error)
    return isinstance(result, dict) and result.get("isError") is True
