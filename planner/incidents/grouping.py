"""Where an incident is, by its labels, and which incidents one plan looks at together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from planner.incidents.incident import Incident, Signal, severity_rank

FEW = 5
"""Places with incidents that may wait for a plan of their own; when there are more, what waits shares plans."""
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
_KINDS = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "cronjob": "CronJob",
    "job_name": "Job",
    "pod": "Pod",
}
"""Labels that name an object in a namespace, the owner before what it owns."""


class Place(NamedTuple):
    """What labels say of where it is."""

    cluster: str | None
    namespace: str | None
    resource: str | None


def place_of(labels: Mapping[str, str], cluster_label: str) -> Place:
    """An exporter's own labels are not meant where `exported_…` ones stand beside them."""

    def label(name: str) -> str | None:
        value = labels.get(f"exported_{name}") or labels.get(name) or ""
        return value if _NAME.fullmatch(value) else None

    cluster, namespace = label(cluster_label), label("namespace")
    if namespace:
        named = ((kind, label(key)) for key, kind in _KINDS.items())
        resource = next((f"{namespace}/{kind}/{name}" for kind, name in named if name), None)
        return Place(cluster, namespace, resource)
    node = label("node")
    return Place(cluster, None, f"Node/{node}" if node else None)


def common_place(signals: Iterable[Signal], cluster_label: str) -> Place:
    """What all of them agree on."""
    places = [place_of(signal.labels, cluster_label) for signal in signals]
    return common(places)


def common(places: Sequence[Place]) -> Place:
    """The parts that are the same everywhere, else None."""
    parts = [next(iter(set(part))) if len(set(part)) == 1 else None for part in zip(*places, strict=True)]
    return Place(*parts) if parts else Place(None, None, None)


def worst(signals: Iterable[Signal]) -> str:
    """The worst severity that a label names."""
    named = [signal.labels.get("severity") or "warning" for signal in signals]
    return min(named, key=severity_rank, default="warning")[:40]


def inputs_of(incidents: Sequence[Incident]) -> dict[str, Any]:
    """What specialists get beside words: where all of the incidents are."""
    place = common([Place(i.cluster, i.namespace, i.resource) for i in incidents])
    named = {"namespace": place.namespace, "resource": place.resource}
    return {key: value for key, value in named.items() if value is not None}


def batches(waiting: Sequence[Incident], busy: Sequence[Incident], room: int) -> list[list[Incident]]:
    """Up to `room` plans: incidents of one namespace share one, the worst and oldest come first.

    A place that is being looked at waits for that to end. When many places wait, as in a storm, the last plan of every
    cluster is about all that is left of it.
    """
    looked_at = {_scope(incident) for incident in busy}
    places: dict[tuple[str | None, str | None], list[Incident]] = {}
    for incident in sorted(waiting, key=lambda i: (i.rank, i.created_at, i.id)):
        if _scope(incident) not in looked_at:
            places.setdefault(_scope(incident), []).append(incident)
    groups = list(places.values())
    if len(groups) <= room + FEW or room <= 0:
        return groups[: max(0, room)]
    alone, rest = groups[: room - 1], groups[room - 1 :]
    clusters: dict[str | None, list[Incident]] = {}
    for group in rest:
        clusters.setdefault(group[0].cluster, []).extend(group)
    return [*alone, *clusters.values()][:room]


def _scope(incident: Incident) -> tuple[str | None, str | None]:
    return incident.cluster, incident.namespace
