"""The work that is measured: plan, four independent subtasks of three model and two tool calls each, synthesis.

Both teams get it from here: the same instructions, tools, tool results and words of the model.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from agents.runtime.definition import AgentDefinition, ToolCall, Turn
from agents.runtime.findings import Evidence, Finding
from agents.runtime.settings import BUILT_IN, Settings

SPECIALISTS = BUILT_IN
QUESTION = "Customers get errors when they check out. What is wrong in namespace shop, and what changed?"
CRITICAL_PATH = 5
"""Model calls one after the other: plan, three of a specialist, synthesis."""
MODEL_CALLS = 2 + 3 * len(SPECIALISTS)
POD = "checkout-7d9c5b6f4-x2x9p"
FIRST_CALL, SECOND_CALL = ("list_pods", {"namespace": "shop"}), ("get_pod", {"namespace": "shop", "name": POD})
SUBTASKS = {name: f"Look at namespace shop as the {name} and report what explains the errors." for name in SPECIALISTS}
REPORT = "Pod shop/checkout was killed 12 times since 09:14: its limit is 128Mi and it needs 300Mi. " * 6
ANSWER = "The checkout pods are killed because their memory limit fell from 512Mi to 128Mi at 09:14. " * 6


async def list_pods(namespace: str) -> dict[str, Any]:
    """Lists the pods of a namespace with phase, readiness, restarts and age."""
    pods = [
        {"name": f"{app}-7d9c5b6f4-x2x{n}p", "phase": "Running", "ready": n > 1, "restarts": n, "node": f"node-{n}"}
        for app in ("checkout", "cart", "payment")
        for n in range(6)
    ]
    return {"namespace": namespace, "pods": pods}


async def get_pod(namespace: str, name: str) -> dict[str, Any]:
    """Reads one pod: containers with limits and last states, conditions, and its latest events."""
    killed = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-21T09:14:00Z"}
    events = [{"reason": "BackOff", "message": f"Back-off restarting container app, {n} times"} for n in range(12)]
    container = {"name": "app", "limits": {"memory": "128Mi"}, "lastState": {"terminated": killed}}
    return {"namespace": namespace, "name": name, "containers": [container], "events": events}


def definition(name: str) -> AgentDefinition:
    """A specialist of ours with the two instant tools."""
    return AgentDefinition(name=name, tools=_tools, runbook=_runbook, compose=_compose(name), instruction=words(name))


def words(name: str) -> str:
    """The standing instruction of the specialist of that name."""
    return files(f"agents.{name}").joinpath("instruction.md").read_text(encoding="utf-8")


def _tools(_settings: Settings) -> MCPServer:
    server = MCPServer("benchmark")
    for tool in (list_pods, get_pod):
        server.tool(annotations=ToolAnnotations(read_only_hint=True))(tool)
    return server


def _runbook(turn: Turn) -> list[ToolCall]:
    return [] if turn.results else [ToolCall(*FIRST_CALL), ToolCall(*SECOND_CALL)]


def _compose(name: str) -> Any:
    def compose(turn: Turn) -> Finding:
        evidence = [
            Evidence(
                source=result.name,
                query=json.dumps(result.arguments),
                observed_at=result.at or datetime.now(UTC),
                excerpt=json.dumps(result.content)[:400],
            )
            for result in turn.results
        ]
        return Finding(specialist=name, language=turn.subtask.language, text=REPORT, evidence=evidence)

    return compose
