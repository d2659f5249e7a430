"""Who the executor is."""

from __future__ import annotations

from pathlib import Path

from mcp.server.mcpserver import MCPServer

from agents.cluster.clusters import Clusters
from agents.executor.desk import Desk
from agents.executor.runbook import compose, runbook
from agents.executor.tools import build_tools
from agents.runtime.definition import AgentDefinition
from agents.runtime.settings import Settings


def tools(settings: Settings) -> MCPServer:
    """The executor's MCP server on the configured clusters."""
    return build_tools(Desk(Clusters(settings.kubernetes)))


DEFINITION = AgentDefinition(
    name="executor",
    tools=tools,
    runbook=runbook,
    compose=compose,
    instruction=(Path(__file__).parent / "instruction.md").read_text(encoding="utf-8"),
)
