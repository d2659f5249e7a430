"""Evidence from a Snapshot: where a fact was seen, and the command that shows it again."""

from __future__ import annotations

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.events import EventView
from agents.diagnoser.fields import Obj, kind_of, name_of, namespace_of
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Evidence

EXCERPT = 400


def _shortened(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1] + "…"


def _get(kind: str, namespace: str, name: str) -> str:
    where = f" -n {namespace}" if namespace else ""
    return f"kubectl{where} get {kind.lower()} {name} -o yaml"


def from_object(snapshot: Snapshot, obj: Obj, excerpt: str, source: str = "") -> Evidence:
    """A field or status of an object, as it is now."""
    kind = kind_of(obj)
    return Evidence(
        source=source or f"{kind} spec",
        query=_get(kind, namespace_of(obj), name_of(obj)),
        observed_at=snapshot.now,
        excerpt=_shortened(excerpt),
    )


def from_status(snapshot: Snapshot, view: ContainerView, excerpt: str) -> Evidence:
    """A container's status: the time is that of its last termination, when there is one."""
    return Evidence(
        source="pod status",
        query=_get("pod", namespace_of(view.pod), name_of(view.pod)),
        observed_at=view.ended_at or snapshot.now,
        excerpt=_shortened(f"{name_of(view.pod)}/{view.name}: {excerpt}"),
    )


def from_event(snapshot: Snapshot, event: EventView) -> Evidence:
    """An event, with how often it was seen."""
    where = f" -n {event.namespace}" if event.namespace else ""
    times = f" ({event.count}×)" if event.count > 1 else ""
    return Evidence(
        source="events",
        query=f"kubectl{where} get events --field-selector involvedObject.name={event.name}",
        observed_at=event.last or snapshot.now,
        excerpt=_shortened(f"{event.reason} {event.kind}/{event.name}{times}: {event.message}"),
    )


def from_log(snapshot: Snapshot, view: ContainerView, line: str) -> Evidence:
    """A log line of a container."""
    before = " --previous" if view.ended and not view.running else ""
    return Evidence(
        source="logs",
        query=f"kubectl -n {namespace_of(view.pod)} logs {name_of(view.pod)} -c {view.name}{before}",
        observed_at=view.ended_at or snapshot.now,
        excerpt=_shortened(line),
    )
