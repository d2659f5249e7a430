"""The auditor, as the runtime takes it."""

from __future__ import annotations

from importlib.resources import files

from agents.auditor.compose import compose
from agents.auditor.intake import extras
from agents.auditor.runbook import runbook
from agents.auditor.tools import build_tools
from agents.runtime.definition import AgentDefinition

DEFINITION = AgentDefinition(
    name="auditor",
    tools=build_tools,
    runbook=runbook,
    compose=compose,
    extras=extras,
    instruction=files("agents.auditor").joinpath("instruction.md").read_text(encoding="utf-8"),
)
