"""The metrics analyst, as the runtime takes it."""

from __future__ import annotations

from importlib.resources import files

from agents.metrics.compose import compose
from agents.metrics.runbook import runbook
from agents.metrics.tools import build_tools
from agents.runtime.definition import AgentDefinition

DEFINITION = AgentDefinition(
    name="metrics",
    tools=build_tools,
    runbook=runbook,
    compose=compose,
    instruction=files("agents.metrics").joinpath("instruction.md").read_text(encoding="utf-8"),
)
