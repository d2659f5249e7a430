"""The present state of what a question is about: workloads and Services that it names, or the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, Field

from agents.diagnoser.fields import (
    Obj,
    condition,
    dig,
    flag,
    items,
    kind_of,
    labels,
    number,
    parts_of,
    resource_of,
    text,
)
from agents.diagnoser.focus import focus_of
from agents.diagnoser.history import rolled_at
from agents.diagnoser.snapshot import Snapshot, is_ready, template_of
from agents.diagnoser.taints import cordoned_since

MAX_NAMED = 4
MAX_NODES = 8
_NODES = re.compile(r"\bnodes?\b|\bmachines?\b|节点|机器", re.I)
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service")


def named_state(snapshot: Snapshot, question: str) -> list[str]:
    """In words of the API, the same in every language; [] when the question names nothing, or very much."""
    named = sorted(r for r in focus_of(snapshot, question).resources if parts_of(r)[1] in _KINDS)
    found = [obj for r in named if (obj := snapshot.find(r)) is not None] if len(named) <= MAX_NAMED else []
    return [f"`{resource_of(obj)}`: {', '.join(_told(snapshot, obj))}" for obj in found]


class Nodes(BaseModel):
    """How the nodes stand."""

    total: int
    ready: int
    cordoned: list[str] = Field(default_factory=list[str])
    """`Node/name` of those that take no new pods because somebody said so."""
    unusual: list[str] = Field(default_factory=list[str])
    """What is not as it should be, one line per node, in words of the API."""


def state_of_nodes(snapshot: Snapshot, question: str) -> Nodes | None:
    """All nodes, for a question about nodes that names no object; None for any other."""
    if not _NODES.search(question) or focus_of(snapshot, question):
        return None
    nodes = snapshot.kind("Node")
    unusual = {resource_of(node): told for node in nodes if (told := list(_unusual(node)))}
    return Nodes(
        total=len(nodes),
        ready=sum(is_ready(node) for node in nodes),
        cordoned=[resource_of(node) for node in nodes if _is_cordoned(node)],
        unusual=[f"`{name}`: {', '.join(told)}" for name, told in sorted(unusual.items())[:MAX_NODES]],
    )


def _is_cordoned(node: Obj) -> bool:
    return flag(node, "spec", "unschedulable")


def _unusual(node: Obj) -> Iterator[str]:
    if not is_ready(node):
        yield f"not ready ({text(condition(node, 'Ready'), 'reason') or 'unknown'})"
    if _is_cordoned(node):
        since = cordoned_since(node)
        yield f"cordoned{f' since {since}' if since else ''}"
    yield from (kind for kind in _PRESSURES if text(condition(node, kind), "status") == "True")


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
