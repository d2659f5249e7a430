"""Drives a specialist's runbook over its own tools, as the runtime does, without a model and without a wire."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from agents.runtime.definition import AgentDefinition, ToolResult, Turn
from agents.runtime.findings import Finding, SubtaskInput
from agents.runtime.language import language_of


async def call(server: MCPServer[Any], tool: str, /, **arguments: Any) -> Any:
    """A tool's structured result. Raises ToolError."""
    result = await server.call_tool(tool, arguments)
    return result.structured_content  # type: ignore[union-attr]


async def ask(
    definition: AgentDefinition, server: MCPServer[Any], question: str, **inputs: Any
) -> tuple[Finding, list[ToolResult]]:
    """The Finding, and every call that was made."""
    subtask = SubtaskInput(question=question, language=language_of(question), inputs=inputs)
    results: list[ToolResult] = []
    for _ in range(10):
        calls = definition.runbook(Turn(question, subtask, tuple(results)))
        if not calls:
            break
        for wanted in calls:
            try:
                content = await call(server, wanted.name, **wanted.arguments)
                results.append(ToolResult(wanted.name, wanted.arguments, content))
            except ToolError as error:
                results.append(ToolResult(wanted.name, wanted.arguments, error=str(error)))
    else:
        raise AssertionError("the runbook never ends")
    return definition.compose(Turn(question, subtask, tuple(results))), results
