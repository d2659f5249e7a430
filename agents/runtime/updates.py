"""What an agent tells its client while it works: the values that `agents.runtime.client.Member.run` yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from agents.runtime.findings import Finding

FailureKind = Literal["unreachable", "timeout", "failed", "rejected", "canceled", "unauthorized", "nonsense"]
"""`unreachable`: no connection, or no card. `timeout`: the deadline passed. `failed`, `rejected`, `canceled`: the agent
says so. `unauthorized`: it wants credentials. `nonsense`: it broke the protocol or answered nothing usable."""


@dataclass(frozen=True)
class TaskStarted:
    """The agent has made (or found) the task; keep the ids to continue, re-attach or cancel."""

    task_id: str
    context_id: str


@dataclass(frozen=True)
class Progress:
    """A short human line."""

    text: str


@dataclass(frozen=True)
class InputRequired:
    """The agent waits for an answer; send it with the same task id. `data` holds the data parts of its question."""

    text: str
    data: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Completed:
    """The agent is done."""

    finding: Finding


@dataclass(frozen=True)
class Failed:
    """There will be no answer. `reason` is for people."""

    reason: str
    kind: FailureKind = "failed"


Update = TaskStarted | Progress | InputRequired | Completed | Failed
Outcome = InputRequired | Completed | Failed
"""What a run ends with."""
