"""The diagnoser, as the runtime takes it."""

from __future__ import annotations

from importlib.resources import files

from agents.diagnoser.compose import compose
from agents.diagnoser.runbook import runbook
from agents.diagnoser.tools import build_tools
from agents.runtime.definition import AgentDefinition

DEFINITION = AgentDefinition(
    name="diagnoser",
    tools=build_tools,
    runbook=runbook,
    compose=compose,
    instruction=files("agents.diagnoser").joinpath("instruction.md").read_text(encoding="utf-8"),
)
