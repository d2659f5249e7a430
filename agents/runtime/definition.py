"""What makes a specialist: its card, its tools, how it works without a model, and how it works with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from agents.runtime.findings import Finding, SubtaskInput

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from mcp.server.mcpserver import MCPServer

    from agents.runtime.settings import Settings

Result = TypeVar("Result", bound=BaseModel)


@dataclass(frozen=True)
class ToolCall:
    """One call that a runbook wants made. `arguments` are the tool's own parameters."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolResult:
    """What came back: `content` is the tool's structured result (or its text), or `error` says why there is none."""

    name: str
    arguments: dict[str, Any]
    content: Any = None
    error: str | None = None
    at: datetime | None = None
    """When it came back."""


@dataclass(frozen=True)
class ToolInfo:
    """What a runbook may know about a tool that it did not bring itself."""

    name: str
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    read_only: bool = True


def results_of(results: Sequence[ToolResult], name: str, kind: type[Result]) -> list[Result]:
    """The structured results of a tool; what does not fit the model of it is left out."""
    found: list[Result] = []
    for result in results:
        if result.name == name and isinstance(result.content, dict):
            try:
                found.append(kind.model_validate(result.content))
            except ValidationError:
                continue
    return found


@dataclass(frozen=True)
class Turn:
    """One piece of work for a specialist, as far as it has got."""

    instruction: str
    """What the planner (or a person who asks the specialist directly) wants done."""
    subtask: SubtaskInput
    results: tuple[ToolResult, ...] = ()
    """In the order of the calls."""
    tools: tuple[ToolInfo, ...] = ()
    """What may be called in this turn: the built-in tools, then those of other people's MCP servers."""


Runbook = Callable[[Turn], Sequence[ToolCall]]
"""The next tool calls, made at once and in parallel; none when enough is known. Pure: same Turn, same calls."""

Compose = Callable[[Turn], Finding]
"""What the tool results add up to, in the asker's language. Pure. With a language model the model's words replace
`Finding.text`; everything else stays as the tools said it."""


@dataclass(frozen=True)
class Extras:
    """What a specialist's service has beside A2A and MCP, such as an intake for events."""

    routers: Sequence[APIRouter] = ()
    lifespans: Sequence[Callable[[FastAPI], AbstractAsyncContextManager[None]]] = ()


@dataclass(frozen=True)
class AgentDefinition:
    """One specialist. `agents.runtime.service.build_service` turns it into an ASGI app."""

    name: str
    """Folder, card and service name: `metrics`, `auditor`, `diagnoser`, `executor`, or one from team.yaml."""
    tools: Callable[[Settings], MCPServer]
    """Builds the MCP server with the specialist's built-in tools; served at `/mcp` and used by its own agent."""
    runbook: Runbook
    compose: Compose
    instruction: str
    """The system instruction for a language model, from `instruction.md`."""
    without_model: Callable[[Turn], bool] = field(default=lambda turn: False)
    """Turns that no model may work, such as one that carries approvals: the runbook follows them to the letter."""
    extras: Callable[[Settings], Extras] = field(default=lambda settings: Extras())
    """Further HTTP routes, and what lives as long as the service."""
