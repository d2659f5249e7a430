"""Signals (one alert or event each) and the Incidents that they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from agents.runtime.findings import Wire

IncidentStatus = Literal["open", "diagnosing", "waiting", "repairing", "repaired", "resolved", "failed"]
"""`open`: no plan yet. `waiting`: for a person. `repaired`: changed, the alert has not gone yet. `resolved`: closed."""
AT_REST: frozenset[IncidentStatus] = frozenset({"open", "waiting", "repaired", "failed"})
"""Nothing is being looked at or changed, so that the incident can be closed."""
SEVERITIES = ("critical", "error", "warning", "info")
"""As monitoring systems name them, worst first; what is none of them counts as a warning."""


class Signal(Wire):
    """One alert, or one event."""

    fingerprint: str
    """What it is about: together with `starts` the same however often it is sent."""
    starts: int
    """Nanoseconds since 1970."""
    firing: bool
    name: str
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    annotations: dict[str, str] = Field(default_factory=dict[str, str])
    url: str = ""
    """Where the sender shows it."""


class Delivery(Wire):
    """What one message of a sender says about one group."""

    source: Literal["alertmanager", "cloudevents"]
    group: str
    """Signals of one group are one incident."""
    signals: tuple[Signal, ...]
    all_over: bool = False
    """Nothing of the group fires any more, also what the message leaves out."""


class Incident(Wire):
    """A group of signals that fires or has fired, with what is done about it."""

    id: str
    source: str
    group: str
    title: str
    status: IncidentStatus = "open"
    severity: str = "warning"
    cluster: str | None = None
    namespace: str | None = None
    resource: str | None = None
    """`namespace/Kind/name` where labels name it."""
    firing: int = 0
    total: int = 0
    """Signals, those that are over included."""
    request_id: str | None = None
    """The plan; several incidents may share one."""
    attempt: int = 0
    """How many plans there were before."""
    causes: tuple[str, ...] = ()
    """Root causes: `resource (fault)`."""
    note: str = ""
    created_at: datetime
    changed_at: datetime
    closed_at: datetime | None = None

    @property
    def rank(self) -> int:
        """0 for the worst severity."""
        return severity_rank(self.severity)


def severity_rank(severity: str) -> int:
    """The place of a severity among SEVERITIES."""
    name = severity.lower()
    return SEVERITIES.index(name) if name in SEVERITIES else SEVERITIES.index("warning")
