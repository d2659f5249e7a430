"""The words of the house as wire types: what a specialist hands over, and what an answer is made of.

They travel between processes as JSON (see `FINDING_MEDIA_TYPE`), so every model ignores fields it does not know:
a newer specialist can talk to an older planner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FINDING_EXTENSION = "https://kubeteam.dev/extensions/finding/v1"
"""A2A extension: the client understands Findings; a server that activates it adds one as an artifact."""

FINDING_MEDIA_TYPE = "application/vnd.kubeteam.finding+json"
SUBTASK_MEDIA_TYPE = "application/vnd.kubeteam.subtask+json"

Language = Literal["en", "zh"]


class Wire(BaseModel):
    """Base of everything that crosses a process boundary."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Evidence(Wire):
    """One observed fact. Every claim in an answer cites some."""

    source: str
    """Where it was seen: `pod status`, `events`, `logs`, `metrics.k8s.io`, `audit log`, `prometheus`, ..."""
    query: str
    """How to see it again: a kubectl command, PromQL, or an audit filter."""
    observed_at: datetime
    """When the fact happened or was read, with time zone."""
    excerpt: str
    """The decisive words or numbers, at most about 400 characters, secrets redacted."""


class Change(Wire):
    """What was altered before the trouble began: `containers[app].resources.limits.memory` 512Mi -> 128Mi."""

    resource: str
    field: str
    before: str | None = None
    after: str | None = None
    at: datetime | None = None
    by: str | None = None
    source: str = ""
    """What proves it: `ReplicaSet history`, `audit log`, `managedFields`."""


ActionKind = Literal[
    "scale_workload",
    "set_resources",
    "set_image",
    "set_env",
    "restart_rollout",
    "undo_rollout",
    "patch_resource",
    "apply_manifest",
    "delete_resource",
    "cordon_node",
    "uncordon_node",
    "drain_node",
    "call_tool",
]


class Action(Wire):
    """A typed change to one object, as proposed. The executor turns it into a dry run, a diff and a digest."""

    kind: ActionKind
    resource: str
    """The object: `namespace/Kind/name`, cluster-scoped `Kind/name`."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """What the executor's tool of the same name takes beside the target, such as `{"replicas": 5}`."""
    reason: str = ""
    """Why, in the asker's language."""
    term: Literal["short", "long"] = "short"


class RootCause(Wire):
    """The object whose change or repair ends the incident."""

    resource: str
    fault: str
    """An id from the catalogue of faults, such as `oom_killed`."""
    explanation: str
    """In the asker's language, quoting the decisive values."""
    confidence: float = Field(ge=0, le=1)
    confidence_reason: str = ""
    since: datetime | None = None
    changes: list[Change] = Field(default_factory=list)
    chain: list[str] = Field(default_factory=list)
    """From the cause to the symptom that was asked about, one resource or fact each."""
    evidence: list[Evidence] = Field(default_factory=list)
    remedies: list[Action] = Field(default_factory=list)
    advice: list[str] = Field(default_factory=list)
    """What to do where no Action fits: in words, short term first."""


class Usage(Wire):
    """What the models cost. `calls` counts model calls; the runbook counts none."""

    model: str = "runbook"
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        names = [name for name in dict.fromkeys((self.model, other.model)) if name != "runbook"]
        return Usage(
            model="+".join(names) or "runbook",
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class Finding(Wire):
    """A specialist's structured result."""

    specialist: str
    language: Language = "en"
    text: str = ""
    """Markdown that a person can read on its own, in the asker's language."""
    root_causes: list[RootCause] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    """Facts that belong to no root cause: the numbers, events and audit entries that were asked for."""
    actions: list[Action] = Field(default_factory=list)
    """Changes that the specialist proposes beyond the root causes' remedies."""
    elsewhere: list[str] = Field(default_factory=list)
    """Unrelated faults, one line each."""
    missing: list[str] = Field(default_factory=list)
    """What could not be seen, and why: kinds that may not be listed, sources that did not answer."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """Compact machine-readable results for other subtasks, such as an Action's dry run."""
    usage: Usage = Field(default_factory=Usage)


class SubtaskInput(Wire):
    """What a planner sends beside the instruction text, to agents whose card declares `FINDING_EXTENSION`."""

    question: str
    """The person's own words."""
    language: Language = "en"
    cluster_id: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    """Task-specific values: `namespace`, `resource`, `since`, an Action to prepare, ..."""
    findings: list[Finding] = Field(default_factory=list)
    """What the subtasks it depends on found."""
    deadline_seconds: float | None = None
    request_id: str = ""
    """These ids tie the logs and traces of all services together; nobody decides anything by them."""
    plan_id: str = ""
    subtask_id: str = ""
