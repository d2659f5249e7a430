"""The present state of the workloads and Services that a question names, one line each: versions, replicas, ports."""

from __future__ import annotations

from collections.abc import Iterator

from agents.diagnoser.fields import Obj, dig, items, kind_of, labels, number, parts_of, resource_of, text
from agents.diagnoser.focus import focus_of
from agents.diagnoser.history import rolled_at
from agents.diagnoser.snapshot import Snapshot, template_of

MAX_NAMED = 4
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service")


def named_state(snapshot: Snapshot, question: str) -> list[str]:
    """In words of the API, the same in every language; [] when the question names nothing, or very much."""
    named = sorted(r for r in focus_of(snapshot, question).resources if parts_of(r)[1] in _KINDS)
    found = [obj for r in named if (obj := snapshot.find(r)) is not None] if len(named) <= MAX_NAMED else []
    return [f"`{resource_of(obj)}`: {', '.join(_told(snapshot, obj))}" for obj in found]


def _told(snapshot: Snapshot, obj: Obj) -> Iterator[str]:
    if kind_of(obj) == "Service":
        yield f"type {text(obj, 'spec', 'type') or 'ClusterIP'}"
        for port in items(obj, "spec", "ports"):
            yield f"port {number(port, 'port')} -> {text(port, 'targetPort') or number(port, 'port')}"
        selector = [f"{key}={value}" for key, value in labels(obj, "spec", "selector").items()]
        yield f"selector {' '.join(selector) or 'none'}"
        return
    if kind_of(obj) == "CronJob":
        yield f"schedule {text(obj, 'spec', 'schedule')}"
    elif kind_of(obj) == "DaemonSet":
        yield f"ready {number(obj, 'status', 'numberReady')}/{number(obj, 'status', 'desiredNumberScheduled')}"
    elif kind_of(obj) != "Job":
        wanted = dig(obj, "spec", "replicas")
        yield f"ready {number(obj, 'status', 'readyReplicas')}/{1 if wanted is None else wanted}"
    for container in items(template_of(obj), "spec", "containers"):
        yield f"{text(container, 'name')}: image {text(container, 'image')}"
    at = rolled_at(snapshot, obj) if kind_of(obj) in ("Deployment", "StatefulSet", "DaemonSet") else None
    if at is not None:
        yield f"rolled out {at:%Y-%m-%dT%H:%M:%SZ}"
