"""A specialist's tools in the agents' loop: MCP tools, called directly when they live in this process.

A `Tool` is one MCP tool with a way to call it. `TurnTool` puts it into the loop of one turn: it writes every result,
uncut, into the turn's `Journal` (what the Finding is composed of) and hands the model a version that fits.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from google.genai import types
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult
from mcp_types import Tool as McpToolType
from pydantic import ValidationError

from agents.runtime.definition import ToolInfo, ToolResult
from agents.runtime.telemetry import FAILED, OK, tool_call
from agents.runtime.tool_output import content_of, fit, text_of
from agents.runtime.tool_schema import compact_schema

logger = logging.getLogger(__name__)


class ToolFailure(Exception):
    """A tool gave no result; the text is for the model and for people."""


Call = Callable[[dict[str, Any]], Awaitable[Any]]
"""Calls a tool with its arguments and returns its content. Raises ToolFailure."""


@dataclass(frozen=True)
class Tool:
    """One tool that a specialist may call."""

    info: ToolInfo
    declaration: types.FunctionDeclaration
    call: Call


def make_tool(tool: McpToolType, call: Call, *, name: str | None = None, read_only: bool | None = None) -> Tool:
    """A Tool for an MCP tool. Without `read_only`, its annotations decide, and silence means a write."""
    schema = compact_schema(tool.input_schema)
    hinted = bool(tool.annotations and tool.annotations.read_only_hint)
    info = ToolInfo(
        name=name or tool.name,
        parameters=tuple(schema["properties"]),
        required=tuple(schema.get("required", ())),
        read_only=hinted if read_only is None else read_only,
    )
    declaration = types.FunctionDeclaration(
        name=info.name, description=(tool.description or "").strip(), parameters_json_schema=schema
    )
    return Tool(info, declaration, call)


async def in_process_tools(server: MCPServer) -> list[Tool]:
    """The tools of an MCP server in this process, called without a wire between."""
    return [make_tool(tool, _caller(server, tool.name)) for tool in await server.list_tools()]


def _caller(server: MCPServer, name: str) -> Call:
    async def call(arguments: dict[str, Any]) -> Any:
        try:
            result = await server.call_tool(name, arguments)
        except UnexpectedToolError as error:
            logger.error("tool %s failed unexpectedly", name, exc_info=error.__cause__ or error)
            raise ToolFailure(f"{name} failed unexpectedly; the service's log says why") from error
        except ToolError as error:
            raise ToolFailure(_reason(name, error)) from error
        except MCPError as error:
            raise ToolFailure(str(error)) from error
        return content_or_failure(name, result)

    return call


def content_or_failure(name: str, result: CallToolResult | InputRequiredResult) -> Any:
    """The content of a result. Raises ToolFailure when the result says that it is an error."""
    if isinstance(result, InputRequiredResult):
        raise ToolFailure(f"{name} asks for more input, which this agent cannot give")
    if result.is_error:
        raise ToolFailure(text_of(result) or f"{name} failed without saying why")
    return content_of(result)


def _reason(name: str, error: ToolError) -> str:
    if isinstance(error.__cause__, ValidationError):
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.__cause__.errors())
        return f"{name} was called with wrong arguments: {'; '.join(problems)}"
    return str(error).removeprefix(f"Error executing tool {name}: ")


@dataclass
class Journal:
    """What the tools of one turn said, in the order of the calls, however they overlap."""

    earlier: tuple[ToolResult, ...] = ()
    _slots: list[ToolResult | None] = field(default_factory=list["ToolResult | None"])
    _by_id: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """Everything that has come back so far."""
        return (*self.earlier, *(result for result in self._slots if result))

    @property
    def unfinished(self) -> int:
        """How many calls have not come back."""
        return sum(result is None for result in self._slots)

    def get(self, call_id: str) -> ToolResult | None:
        """The result of one call, uncut; of the latest one, when a careless model gives two calls one id."""
        return self._by_id.get(call_id)

    def repeats(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether the same call has already been answered in this turn."""
        key = call_key(name, arguments)
        return any(result.error is None and call_key(result.name, result.arguments) == key for result in self.results)

    async def record(self, call_id: str, tool: Tool, arguments: dict[str, Any]) -> ToolResult:
        """Makes a call and keeps what came back. Never raises but CancelledError."""
        slot = len(self._slots)
        self._slots.append(None)
        with tool_call(tool.info.name, call_id) as told:
            try:
                result = ToolResult(tool.info.name, arguments, await tool.call(arguments))
            except ToolFailure as error:
                result = ToolResult(tool.info.name, arguments, error=str(error))
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                # The tool's own, such as of a session that broke off: nobody wants this turn to stop.
                result = ToolResult(tool.info.name, arguments, error=f"{tool.info.name} broke off")
            except Exception:
                logger.exception("tool %s failed unexpectedly", tool.info.name)
                result = ToolResult(tool.info.name, arguments, error=f"{tool.info.name} failed unexpectedly")
            told.outcome = OK if result.error is None else FAILED
        result = replace(result, at=datetime.now(UTC))
        self._slots[slot] = self._by_id[call_id] = result
        return result


def call_key(name: str, arguments: dict[str, Any]) -> str:
    """Equal for calls that ask the same: an argument that is None was not given."""
    given = {key: value for key, value in arguments.items() if value is not None}
    return f"{name} {json.dumps(given, sort_keys=True, default=str)}"


@dataclass(frozen=True)
class TurnTool:
    """A tool in the agent's loop, for the turn that the journal belongs to."""

    tool: Tool
    journal: Journal

    async def answer(self, call_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result as a JSON object that fits a model, or `{"error": …}`."""
        if self.journal.repeats(self.tool.info.name, arguments):
            return {"note": "This call was made before in this conversation; its result is above."}
        result = await self.journal.record(call_id, self.tool, arguments)
        return {"error": result.error} if result.error is not None else fit(result.content)


def turn_tools(tools: Sequence[Tool], journal: Journal) -> list[TurnTool]:
    """The tools as the loop wants them."""
    return [TurnTool(tool, journal) for tool in tools]
