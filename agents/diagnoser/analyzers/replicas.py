"""Workloads that somebody scaled to zero although they are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from agents.diagnoser.changed import writes_to
from agents.diagnoser.events import EventView
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.facts import workload_facts
from agents.diagnoser.fields import (
    Obj,
    dig,
    is_deleting,
    items,
    kind_of,
    labels,
    mapping,
    moment,
    name_of,
    namespace_of,
    resource_of,
    text,
)
from agents.diagnoser.intent import declared_purpose
from agents.diagnoser.observation import Observation
from agents.diagnoser.reach import COREDNS
from agents.diagnoser.snapshot import Snapshot

_FROM = re.compile(r"from (\d+) to 0\b")
_RECENT = timedelta(days=7)
_AUTOSCALED = ("scaledobject.keda.sh/name", "serving.knative.dev/service", "kpa.autoscaling.knative.dev")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per workload with `replicas: 0` that is wanted and that nothing scales by design."""
    steered = _steered(snapshot)
    for kind in ("Deployment", "StatefulSet"):
        for workload in snapshot.kind(kind):
            name = resource_of(workload)
            if dig(workload, "spec", "replicas") != 0 or is_deleting(workload) or name == COREDNS:
                continue
            if name in steered or declared_purpose(workload):
                continue
            seen = _zero(snapshot, workload)
            if seen is not None:
                yield seen


def _steered(snapshot: Snapshot) -> set[str]:
    """Workloads whose replicas an autoscaler that can reach zero decides."""
    found: set[str] = set()
    for obj in snapshot.objects:
        target = mapping(obj, "spec", "scaleTargetRef")
        if target and kind_of(obj) != "HorizontalPodAutoscaler":
            found.add("/".join((namespace_of(obj), text(target, "kind") or "Deployment", text(target, "name"))))
    for workload in (*snapshot.kind("Deployment"), *snapshot.kind("StatefulSet")):
        notes = {*labels(workload, "metadata", "labels"), *labels(workload, "metadata", "annotations")}
        if notes & set(_AUTOSCALED):
            found.add(resource_of(workload))
    return found


def _zero(snapshot: Snapshot, workload: Obj) -> Observation | None:
    at, who, event = _scaled(snapshot, workload)
    services = [s for s in snapshot.services_of(workload) if not snapshot.pods_selected(s)]
    recent = at is not None and snapshot.now - at <= _RECENT
    if not recent and (not services or _has_successor(snapshot, workload)):
        return None
    before = _FROM.search(event.message) if event else None
    facts = {
        **workload_facts(workload),
        "before": before[1] if before else "",
        "services": [name_of(s) for s in services],
        "at": f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "",
        "by": who,
    }
    evidence = [from_object(snapshot, workload, "spec.replicas: 0")]
    evidence += [from_event(snapshot, event)] if event else []
    return Observation(
        resource=resource_of(workload),
        fault="scaled_to_zero",
        facts=facts,
        evidence=tuple(evidence),
        since=at,
        confidence=0.95 if recent else 0.8,
    )


def _scaled(snapshot: Snapshot, workload: Obj) -> tuple[datetime | None, str, EventView | None]:
    """When the workload was scaled to zero, by whom, and the event that tells, as far as it is known."""
    events = [
        e
        for e in snapshot.events_of(workload, "ScalingReplicaSet", "SuccessfulDelete")
        if e.reason == "SuccessfulDelete" or _FROM.search(e.message)
    ]
    event = events[-1] if events else None
    for write in reversed(writes_to(snapshot, workload)):
        if dig(write, "requestObject", "spec", "replicas") == 0:
            return moment(write, "requestReceivedTimestamp"), text(write, "user", "username"), event
    for entry in items(workload, "metadata", "managedFields"):
        if dig(entry, "fieldsV1", "f:spec", "f:replicas") is not None and text(entry, "subresource") == "scale":
            return moment(entry, "time"), text(entry, "manager"), event
    return (event.last if event else None), "", event


def _has_successor(snapshot: Snapshot, workload: Obj) -> bool:
    """Whether a running neighbour of the same name but for its version took over: `web-v1` and `web-v2`."""
    stem = _stem(name_of(workload))
    return any(
        other is not workload and _stem(name_of(other)) == stem and dig(other, "spec", "replicas") != 0
        for other in snapshot.in_namespace(kind_of(workload), namespace_of(workload))
    )


def _stem(name: str) -> str:
    return re.sub(r"-(?:v?\d[\w.]*|blue|green|old|new|next|legacy|canary|stable|primary|preview)$", "", name)
