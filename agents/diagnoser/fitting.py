"""Why a pod does not fit on a node: a small replay of the scheduler's filters, one obstacle at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from agents.diagnoser.fields import (
    Obj,
    dig,
    flag,
    items,
    labels,
    mapping,
    matches_expressions,
    name_of,
    namespace_of,
    number,
    text,
)  # fmt: skip
from agents.diagnoser.quantities import amount_or_zero
from agents.diagnoser.snapshot import Snapshot

Obstacle = Literal["down", "cordoned", "taint", "selector", "resources", "full", "ports", "volume"]
_SYSTEM = "node.kubernetes.io/"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True)
class Fit:
    """What keeps a pod off one node; nothing means that it fits."""

    node: Obj
    obstacles: tuple[Obstacle, ...]
    taints: tuple[str, ...] = ()
    """Untolerated taints as `key=value:effect`."""
    short: tuple[tuple[str, float, float], ...] = ()
    """Resource, what is free, what the node has in all, where the request is larger than what is free."""


class Fitting:
    """Answers `fits(pod)` for one Snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _pods_on(self) -> dict[str, list[Obj]]:
        found: dict[str, list[Obj]] = defaultdict(list)
        for pod in self._snapshot.kind("Pod"):
            node = text(pod, "spec", "nodeName")
            if node and text(pod, "status", "phase") not in ("Succeeded", "Failed"):
                found[node].append(pod)
        return dict(found)

    @cached_property
    def _requested_on(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for node, pods in self._pods_on.items():
            total: dict[str, float] = defaultdict(float)
            for pod in pods:
                for resource, value in requests_of(pod).items():
                    total[resource] += value
            found[node] = total
        return found

    def pods_on(self, node: str) -> list[Obj]:
        """Pods that hold resources of a node."""
        return self._pods_on.get(node, [])

    def fits(self, pod: Obj) -> list[Fit]:
        """Every node with what keeps the pod off it."""
        requests = requests_of(pod)
        volumes = self._volume_terms(pod)
        return [self._fit(pod, node, requests, volumes) for node in self._snapshot.kind("Node")]

    def _fit(self, pod: Obj, node: Obj, requests: dict[str, float], volumes: list[list[Obj]]) -> Fit:
        found: list[Obstacle] = []
        untolerated = [t for t in items(node, "spec", "taints") if not tolerated(pod, t)]
        keys = [text(t, "key") for t in untolerated]
        if any(k in (f"{_SYSTEM}not-ready", f"{_SYSTEM}unreachable") for k in keys) or _is_down(node):
            found.append("down")
        if flag(node, "spec", "unschedulable") and not _tolerates_cordon(pod):
            found.append("cordoned")
        taints = tuple(taint_text(t) for t in untolerated if text(t, "key") and not text(t, "key").startswith(_SYSTEM))
        if taints or any(k.endswith("-pressure") for k in keys):
            found.append("taint")
        if not _selected(pod, node):
            found.append("selector")
        short, room = self._shortage(node, requests)
        if short:
            found.append("resources")
        if not room:
            found.append("full")
        if self._port_taken(pod, node):
            found.append("ports")
        if any(not _any_term(terms, node) for terms in volumes):
            found.append("volume")
        return Fit(node, tuple(found), taints, tuple(short))

    def _shortage(self, node: Obj, requests: dict[str, float]) -> tuple[list[tuple[str, float, float]], bool]:
        has = mapping(node, "status", "allocatable") or mapping(node, "status", "capacity")
        used = self._requested_on.get(name_of(node), {})
        short: list[tuple[str, float, float]] = []
        for resource, wanted in requests.items():
            total = amount_or_zero(has.get(resource))
            free = total - used.get(resource, 0.0)
            if wanted > free + 1e-6:
                short.append((resource, max(free, 0.0), total))
        limit = amount_or_zero(has.get("pods"))
        return short, not limit or len(self.pods_on(name_of(node))) < limit

    def _port_taken(self, pod: Obj, node: Obj) -> bool:
        wanted = host_ports(pod)
        return bool(wanted) and any(wanted & host_ports(other) for other in self.pods_on(name_of(node)))

    def _volume_terms(self, pod: Obj) -> list[list[Obj]]:
        """Node affinity terms of each bound volume that the pod mounts and that has any."""
        found: list[list[Obj]] = []
        for volume in self.volumes(pod):
            terms = items(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
            if terms:
                found.append(terms)
        return found

    def volumes(self, pod: Obj) -> list[Obj]:
        """The PersistentVolumes that the pod's claims are bound to."""
        found: list[Obj] = []
        for volume in items(pod, "spec", "volumes"):
            name = text(volume, "persistentVolumeClaim", "claimName")
            claim = self._snapshot.get("PersistentVolumeClaim", namespace_of(pod), name) if name else None
            bound = self._snapshot.get("PersistentVolume", "", text(claim, "spec", "volumeName")) if claim else None
            if bound is not None:
                found.append(bound)
        return found


def requests_of(pod: Obj) -> dict[str, float]:
    """What the scheduler reserves for a pod: the sum of containers, or the largest init container when that is more."""
    total: dict[str, float] = defaultdict(float)
    for container in items(pod, "spec", "containers"):
        for resource, quantity in mapping(container, "resources", "requests").items():
            total[resource] += amount_or_zero(quantity)
    for container in items(pod, "spec", "initContainers"):
        sidecar = text(container, "restartPolicy") == "Always"
        for resource, quantity in mapping(container, "resources", "requests").items():
            value = amount_or_zero(quantity)
            total[resource] = total[resource] + value if sidecar else max(total[resource], value)
    for resource, quantity in mapping(pod, "spec", "overhead").items():
        total[resource] += amount_or_zero(quantity)
    return {resource: value for resource, value in total.items() if value > 0}


def host_ports(pod: Obj) -> set[tuple[str, int]]:
    """Protocol and number of the node ports that a pod takes."""
    network = flag(pod, "spec", "hostNetwork")
    found: set[tuple[str, int]] = set()
    for container in items(pod, "spec", "containers"):
        for port in items(container, "ports"):
            taken = number(port, "hostPort") or (number(port, "containerPort") if network else 0)
            if taken:
                found.add((text(port, "protocol") or "TCP", taken))
    return found


def tolerated(pod: Obj, taint: Obj) -> bool:
    """Whether the pod tolerates a taint; PreferNoSchedule keeps nobody away."""
    if text(taint, "effect") == "PreferNoSchedule":
        return True
    for toleration in items(pod, "spec", "tolerations"):
        key, effect = text(toleration, "key"), text(toleration, "effect")
        if effect and effect != text(taint, "effect"):
            continue
        if key and key != text(taint, "key"):
            continue
        if text(toleration, "operator") == "Exists" or (key and text(toleration, "value") == text(taint, "value")):
            return True
    return False


def taint_text(taint: Obj) -> str:
    """`key=value:effect`, as kubectl writes it."""
    value = text(taint, "value")
    return f"{text(taint, 'key')}{'=' + value if value else ''}:{text(taint, 'effect')}"


def _is_down(node: Obj) -> bool:
    return any(text(c, "type") == "Ready" and text(c, "status") != "True" for c in items(node, "status", "conditions"))


def _tolerates_cordon(pod: Obj) -> bool:
    return tolerated(pod, {"key": f"{_SYSTEM}unschedulable", "effect": "NoSchedule"})


def _selected(pod: Obj, node: Obj) -> bool:
    having = labels(node, "metadata", "labels")
    if any(having.get(k) != v for k, v in labels(pod, "spec", "nodeSelector").items()):
        return False
    required = dig(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or _any_term(items(required, "nodeSelectorTerms"), node)


def _any_term(terms: list[Obj], node: Obj) -> bool:
    having = labels(node, "metadata", "labels")
    fields = {"metadata.name": name_of(node)}
    return any(
        matches_expressions(items(term, "matchExpressions"), having)
        and matches_expressions(items(term, "matchFields"), fields)
        for term in terms
    )
