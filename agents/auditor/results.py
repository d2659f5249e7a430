"""What the auditor's tools return. The names are ack-mcp-server's where it has a tool of the same name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Result(BaseModel):
    """Base: other people's servers add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class AuditEntry(Result):
    """One request to the API server."""

    timestamp: datetime
    verb: str
    resource_type: str
    """The plural: `deployments`."""
    resource_name: str | None = None
    namespace: str | None = None
    user: str = ""
    source_ips: list[str] = Field(default_factory=list)
    user_agent: str | None = None
    response_code: int | None = None
    response_status: str | None = None
    request_uri: str | None = None
    request_object: Any = None
    response_object: Any = None
    resource: str = ""
    """`namespace/Kind/name`."""
    is_change: bool = False
    by_control_plane: bool = False
    fields: dict[str, str] = Field(default_factory=dict)
    """What a patch or an update set: field to new value."""
    last_known_object: dict[str, Any] | None = None
    """For a deletion: the object as it last was, when the log recorded it."""

    @property
    def name(self) -> str:
        """`namespace/Kind/name`, also for servers that do not say it that way."""
        parts = (self.namespace, self.resource_type, self.resource_name)
        return self.resource or "/".join(part for part in parts if part)


class AuditLog(Result):
    """The newest entries that match."""

    query: str
    """What was asked, in words that repeat it."""
    entries: list[AuditEntry] = Field(default_factory=list[AuditEntry])
    total: int = 0
    """How many matched, shown or not."""
    log_begins_at: datetime | None = None
    """The oldest event in the log: before that it cannot know."""
    problems: list[str] = Field(default_factory=list)


class DeniedRequest(Result):
    """What somebody may not do and tried: requests that differ only in time, as one."""

    user: str
    verb: str
    resource_type: str
    namespace: str | None = None
    resource_name: str | None = None
    """When only one object was asked for."""
    count: int = 1
    first_seen: datetime
    last_seen: datetime
    reason: str = ""
    """In the API server's words."""


class DeniedRequests(Result):
    """Requests that were refused for want of rights, the most frequent first."""

    query: str
    requests: list[DeniedRequest] = Field(default_factory=list[DeniedRequest])
    total: int = 0
    """How many single requests were refused."""
    log_begins_at: datetime | None = None
    problems: list[str] = Field(default_factory=list)


class ControlPlaneEntry(Result):
    """One line that a control plane component logged."""

    timestamp: datetime | None = None
    level: str = ""
    component: str
    message: str
    source: str = ""
    """Where it was read: a pod, a file, or Loki."""
    count: int = 1


class ControlPlaneLogs(Result):
    """The last lines that match."""

    query: str
    entries: list[ControlPlaneEntry] = Field(default_factory=list[ControlPlaneEntry])
    total: int = 0
    problems: list[str] = Field(default_factory=list)


class ContainerLog(Result):
    """What one container wrote, folded: lines that differ only in times and numbers are one, with a count."""

    pod: str
    container: str
    previous: bool = False
    """Whether this is the instance before the last restart."""
    lines: int = 0
    matched: int = 0
    text: str = ""
    errors: list[str] = Field(default_factory=list)
    """Lines that speak of an error: of a dead instance the last first, else the most frequent first."""
    last_lines: list[str] = Field(default_factory=list)
    problem: str | None = None
    """Why there is no log."""


class PodLogs(Result):
    """The logs of a pod, or of a workload's pods."""

    namespace: str
    name: str
    containers: list[ContainerLog] = Field(default_factory=list[ContainerLog])
    left_out: list[str] = Field(default_factory=list)
    """Pods that were not read."""


class EventEntry(Result):
    """One event; repeated ones are counted."""

    type: str
    reason: str
    resource: str
    """What it is about: `namespace/Kind/name`."""
    message: str
    count: int = 1
    first_seen: datetime | None = None
    last_seen: datetime
    source: str = ""


class EventList(Result):
    """The newest events that match, newest first."""

    query: str
    """The kubectl command that shows them."""
    total: int = 0
    events: list[EventEntry] = Field(default_factory=list[EventEntry])
