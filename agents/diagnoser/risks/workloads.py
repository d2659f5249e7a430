"""Risks in how workloads are written: replicas, requests and limits, probes, budgets, images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.diagnoser.fields import (
    Obj,
    dig,
    items,
    kind_of,
    mapping,
    matches_selector,
    namespace_of,
    number,
    resource_of,
    text,
)
from agents.diagnoser.risks.check import Result, Seen, own_workloads, result
from agents.diagnoser.snapshot import Snapshot, template_labels, template_of

SERVING = ("Deployment", "StatefulSet", "DaemonSet")
SCALED = ("Deployment", "StatefulSet")


def single_replica(snapshot: Snapshot) -> Result:
    """Deployments and StatefulSets with one pod: a drain or a crash is an outage. Behind a Service it weighs more."""
    scaled = own_workloads(snapshot, *SCALED)
    alone = [w for w in scaled if _replicas(w) == 1]
    return result(len(scaled), (_alone(snapshot, w) for w in alone))


def _alone(snapshot: Snapshot, workload: Obj) -> Seen:
    services = [text(s, "metadata", "name") for s in snapshot.services_of(workload)]
    return Seen(resource_of(workload), {"services": ", ".join(services[:3])}, weight=len(services))


def no_requests(snapshot: Snapshot) -> Result:
    """Containers that do not say what they need: the scheduler packs them blindly, and they are evicted first."""
    return _containers(snapshot, "requests", ("cpu", "memory"))


def no_memory_limit(snapshot: Snapshot) -> Result:
    """Containers that may take a node's whole memory."""
    return _containers(snapshot, "limits", ("memory",))


def _containers(snapshot: Snapshot, which: str, wanted: tuple[str, ...]) -> Result:
    workloads = own_workloads(snapshot, *SERVING, "CronJob")

    def seen() -> Iterator[Seen]:
        for workload in workloads:
            lacking: dict[str, list[str]] = {}
            for container in _long_running(workload):
                having = mapping(container, "resources", which)
                # A request that is left out defaults to the limit.
                also = mapping(container, "resources", "limits") if which == "requests" else {}
                missing = [name for name in wanted if name not in having and name not in also]
                if missing:
                    lacking[text(container, "name")] = missing
            if lacking:
                told = "; ".join(f"{name}: {', '.join(missing)}" for name, missing in lacking.items())
                yield Seen(resource_of(workload), {"lacking": told}, weight=sum(map(len, lacking.values())))

    return result(len(workloads), seen())


def no_readiness_probe(snapshot: Snapshot) -> Result:
    """Workloads behind a Service whose pods take traffic before they can answer it."""
    served = [w for w in own_workloads(snapshot, *SERVING) if snapshot.services_of(w)]
    return result(len(served), _without(served, "readinessProbe", with_ports=True))


def no_liveness_probe(snapshot: Snapshot) -> Result:
    """Workloads whose pods hang without ever being restarted."""
    serving = own_workloads(snapshot, *SERVING)
    return result(len(serving), _without(serving, "livenessProbe", with_ports=False))


def _without(workloads: list[Obj], probe: str, *, with_ports: bool) -> Iterator[Seen]:
    for workload in workloads:
        containers = _long_running(workload)
        if with_ports and any(items(c, "ports") for c in containers):
            containers = [c for c in containers if items(c, "ports")]
        lacking = [text(c, "name") for c in containers if not isinstance(c.get(probe), dict)]
        if lacking:
            yield Seen(resource_of(workload), {"containers": ", ".join(lacking)}, weight=_replicas(workload))


def no_disruption_budget(snapshot: Snapshot) -> Result:
    """Workloads of several replicas that a drain may empty at once."""
    several = [w for w in own_workloads(snapshot, *SCALED) if _replicas(w) > 1]
    bare = [w for w in several if not _budgets(snapshot, w)]
    return result(len(several), (Seen(resource_of(w), {"replicas": _replicas(w)}, _replicas(w)) for w in bare))


def blocking_budget(snapshot: Snapshot) -> Result:
    """Budgets that allow no disruption: a node with such a pod can never be drained."""
    budgets = snapshot.kind("PodDisruptionBudget")

    def seen() -> Iterator[Seen]:
        for budget in budgets:
            expected = number(budget, "status", "expectedPods")
            healthy = number(budget, "status", "currentHealthy")
            # Unhealthy pods are a fault of now; a budget blocks by itself when all pods are well and none may go.
            if expected and healthy >= expected and number(budget, "status", "disruptionsAllowed") == 0:
                yield Seen(resource_of(budget), {"pods": expected})

    return result(len(budgets), seen())


def floating_image(snapshot: Snapshot) -> Result:
    """Images without a version: the next restart may run something else."""
    workloads = own_workloads(snapshot, *SERVING, "CronJob")

    def seen() -> Iterator[Seen]:
        for workload in workloads:
            images = [text(c, "image") for c in _long_running(workload)]
            floating = [image for image in images if image and _floats(image)]
            if floating:
                yield Seen(resource_of(workload), {"images": ", ".join(dict.fromkeys(floating))})

    return result(len(workloads), seen())


def one_node(snapshot: Snapshot) -> Result:
    """Workloads of several replicas that all run on one node, though there are others."""
    several = [w for w in own_workloads(snapshot, *SCALED) if _replicas(w) > 1]
    if len(snapshot.kind("Node")) < 2:
        return Result(len(several))

    def seen() -> Iterator[Seen]:
        for workload in several:
            pods = snapshot.active_pods_of(workload)
            nodes = {text(pod, "spec", "nodeName") for pod in pods} - {""}
            if len(pods) > 1 and len(nodes) == 1:
                yield Seen(resource_of(workload), {"pods": len(pods), "node": nodes.pop()}, weight=len(pods))

    return result(len(several), seen())


def _replicas(workload: Obj) -> int:
    """Wanted replicas; 1 when nothing is said, which is the API's default."""
    return number(workload, "spec", "replicas") if dig(workload, "spec", "replicas") is not None else 1


def _budgets(snapshot: Snapshot, workload: Obj) -> list[Obj]:
    having = template_labels(workload)
    budgets = snapshot.in_namespace("PodDisruptionBudget", namespace_of(workload))
    return [budget for budget in budgets if matches_selector(dig(budget, "spec", "selector"), having)]


def _long_running(workload: Obj) -> list[Obj]:
    """Containers of the template, sidecars included; init containers end by themselves."""
    template: Any = template_of(workload)
    sidecars = [c for c in items(template, "spec", "initContainers") if text(c, "restartPolicy") == "Always"]
    return [*items(template, "spec", "containers"), *(sidecars if kind_of(workload) != "CronJob" else [])]


def _floats(image: str) -> bool:
    if "@sha256:" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")
