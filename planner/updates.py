"""What a member tells while it works on a subtask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.runtime.findings import Finding


@dataclass(frozen=True)
class TaskStarted:
    task_id: str
    context_id: str


@dataclass(frozen=True)
class Progress:
    text: str


@dataclass(frozen=True)
class ToolStarted:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolFinished:
    id: str
    name: str
    response: Any
    failed: bool = False


@dataclass(frozen=True)
class InputRequired:
    text: str


@dataclass(frozen=True)
class Completed:
    finding: Finding


@dataclass(frozen=True)
class Failed:
    reason: str


Update = TaskStarted | Progress | ToolStarted | ToolFinished | InputRequired | Completed | Failed
