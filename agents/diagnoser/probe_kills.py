"""Whether a container ends because a liveness or startup probe failed, as opposed to by itself."""

from __future__ import annotations

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.events import EventView
from agents.diagnoser.snapshot import Snapshot

_BY_SIGNAL = (0, 130, 137, 143, 2)


def probe_failures(snapshot: Snapshot, view: ContainerView, *kinds: str) -> list[EventView]:
    """Unhealthy events of a container's probes (`Liveness`, `Readiness`, `Startup`), oldest first."""
    found: list[EventView] = []
    for event in snapshot.events_of(view.pod, "Unhealthy", "ProbeWarning"):
        about = f"{{{view.name}}}" in event.field or not event.field
        if about and any(event.message.startswith(f"{kind} probe") for kind in kinds):
            found.append(event)
    return found


def kills(snapshot: Snapshot, view: ContainerView) -> list[EventView]:
    """The kubelet's announcements that it restarts the container for a failed probe."""
    return [
        e
        for e in snapshot.events_of(view.pod, "Killing")
        if f" {view.name} failed " in e.message and "probe" in e.message
    ]


def killed_by_probe(snapshot: Snapshot, view: ContainerView) -> bool:
    """True when the kubelet says so, or when the end was by signal while such a probe failed."""
    if view.end_reason == "OOMKilled":
        return False
    failing = probe_failures(snapshot, view, "Liveness", "Startup")
    if kills(snapshot, view):
        return True
    return bool(failing) and view.exit_code in _BY_SIGNAL
