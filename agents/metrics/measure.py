"""Reads what pods and nodes use, request and may have, and sums it up by workload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from agents.cluster.cluster import ClusterReader
from agents.cluster.endpoint import SourceError
from agents.cluster.errors import ClusterError
from agents.cluster.prometheus import PrometheusClient
from agents.cluster.resources import Owners, Resource, pod_owner_by_name
from agents.cluster.usage import Amount, Usage, amount_of
from agents.metrics.results import Consumer
from agents.metrics.timeline import Averages, averages, duration

FALLBACK = timedelta(minutes=5)
"""The window when metrics.k8s.io is not served and Prometheus stands in."""
NO_HISTORY = "averages over time need a Prometheus, and none is configured for this cluster (prometheus.default.url)"
FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Measured:
    """Pods and their usage at one moment."""

    observed_at: datetime
    pods: list[dict[str, Any]]
    owners: Owners
    usage: Usage | None
    problem: str | None = None
    """Why there is no usage."""
    nodes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    window: str | None = None
    """Over which the usage of pods is an average, from Prometheus; None: right now, from metrics.k8s.io."""
    query: str = ""
    """The PromQL behind averages."""


@dataclass
class Box:
    """One container of a pod."""

    pod: Resource
    name: str
    used: Amount | None
    requests: dict[str, Any]
    limits: dict[str, Any]
    restarts: int = 0
    last_exit: str | None = None


async def measure(
    cluster: ClusterReader,
    namespace: str | None = None,
    *,
    nodes: bool = False,
    prometheus: PrometheusClient | None = None,
    window: timedelta | None = None,
) -> Measured:
    """Everything that is needed, read at once. Without metrics-server, requests, limits and restarts remain.

    With a window the usage of pods is their average over it, as far as there is a Prometheus that knows it.
    """

    async def usage() -> tuple[Usage | None, str | None]:
        try:
            return await cluster.usage(), None
        except ClusterError as error:
            return None, str(error)

    async def machines() -> list[dict[str, Any]]:
        return await cluster.list("Node") if nodes else []

    (used, problem), pods, sets, jobs, found = await asyncio.gather(
        usage(),
        cluster.list("Pod", namespace),
        cluster.list("ReplicaSet", namespace),
        cluster.list("Job", namespace),
        machines(),
    )
    averaged, trouble = await _averages(
        prometheus, window, namespace, asked_for=window is not None, needed=used is None
    )
    problem = "; ".join(text for text in (problem if averaged is None else None, trouble) if text) or None
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in FINISHED]
    seen_at = used.observed_at if used else datetime.now(UTC)
    if averaged is None or averaged.usage is None:
        return Measured(seen_at, running, Owners([*pods, *sets, *jobs]), used, problem, found)
    usage_of_both = replace(averaged.usage, nodes=used.nodes if used else {})
    span = duration(window or FALLBACK)
    return Measured(
        averaged.usage.observed_at,
        running,
        Owners([*pods, *sets, *jobs]),
        usage_of_both,
        problem,
        found,
        span,
        averaged.query,
    )


async def _averages(
    prometheus: PrometheusClient | None,
    window: timedelta | None,
    namespace: str | None,
    *,
    asked_for: bool,
    needed: bool,
) -> tuple[Averages | None, str | None]:
    """Averages when they were asked for, or when nothing else tells the usage; else None, and why."""
    if not asked_for and (prometheus is None or not needed):
        return None, None
    if prometheus is None:
        return None, NO_HISTORY
    span = window or FALLBACK
    try:
        found = await averages(prometheus, span, namespace, datetime.now(UTC))
    except SourceError as error:
        return None, str(error)
    if found.usage is None:
        return None, f"Prometheus has no usage of containers in the last {duration(span)}"
    return found, "; ".join(found.problems) or None


def boxes_of(pod: dict[str, Any], usage: Usage | None) -> list[Box]:
    """The containers of a pod with what they use, ask for and may have."""
    name = Resource.of(pod)
    status = pod.get("status") or {}
    statuses = {s["name"]: s for s in status.get("containerStatuses") or []}
    used = usage.pods.get(f"{name.namespace}/{name.name}") if usage else None
    boxes: list[Box] = []
    for spec in (pod.get("spec") or {}).get("containers") or []:
        resources, seen = spec.get("resources") or {}, statuses.get(spec["name"]) or {}
        boxes.append(
            Box(
                pod=name,
                name=spec["name"],
                used=used.get(spec["name"]) if used is not None else None,
                requests=resources.get("requests") or {},
                limits=resources.get("limits") or {},
                restarts=int(seen.get("restartCount") or 0),
                last_exit=_exit_of(seen),
            )
        )
    return boxes


def by_pod(measured: Measured) -> list[Consumer]:
    """One row per pod."""
    return [summed(str(Resource.of(pod)), [pod], measured.usage) for pod in measured.pods]


def by_container(measured: Measured) -> list[Consumer]:
    """One row per container."""
    return [consumer(f"{box.pod}/{box.name}", [box]) for pod in measured.pods for box in boxes_of(pod, measured.usage)]


def by_workload(measured: Measured) -> list[Consumer]:
    """One row per top owner."""
    groups: dict[Resource, list[dict[str, Any]]] = {}
    for pod in measured.pods:
        groups.setdefault(measured.owners.top(pod), []).append(pod)
    rows = [summed(str(owner), pods, measured.usage) for owner, pods in groups.items()]
    return [_with_gone(row, gone) for row in rows] if (gone := _gone(measured)) else rows


def _gone(measured: Measured) -> dict[tuple[str, str], Decimal]:
    """Cores of pods that ended within the window, by namespace and the workload that their names speak of.

    Their memory is given back; a sum with that of their successors would count it twice.
    """
    if measured.usage is None or measured.window is None:
        return {}
    present = {f"{Resource.of(pod).namespace}/{Resource.of(pod).name}" for pod in measured.pods}
    found: dict[tuple[str, str], Decimal] = {}
    for place, containers in measured.usage.pods.items():
        if place not in present:
            namespace, _, pod = place.partition("/")
            key = namespace, pod_owner_by_name(pod)
            found[key] = found.get(key, Decimal(0)) + sum((amount.cpu for amount in containers.values()), Decimal(0))
    return found


def _with_gone(row: Consumer, gone: dict[tuple[str, str], Decimal]) -> Consumer:
    namespace, _, name = ["", "", *row.resource.split("/")][-3:]
    cores = gone.get((namespace, name))
    return row if cores is None else row.model_copy(update={"cpu": (row.cpu or 0) + float(cores)})


def by_node(measured: Measured) -> list[Consumer]:
    """One row per node; its limit is what it can allocate, its requests those of its pods."""
    rows: list[Consumer] = []
    for node in measured.nodes:
        name = Resource.of(node)
        own = [pod for pod in measured.pods if (pod.get("spec") or {}).get("nodeName") == name.name]
        row = summed(str(name), own, measured.usage)
        room = amount_of((node.get("status") or {}).get("allocatable"))
        used = measured.usage.nodes.get(name.name) if measured.usage else None
        rows.append(
            row.model_copy(
                update={
                    "cpu": float(used.cpu) if used else None,
                    "memory": used.memory if used else None,
                    "cpu_limit": float(room.cpu),
                    "memory_limit": room.memory,
                    "cpu_percent": percent(used.cpu, room.cpu) if used else None,
                    "memory_percent": percent(used.memory, room.memory) if used else None,
                    "fullest": None,
                    "last_exit": None,
                }
            )
        )
    return rows


def summed(resource: str, pods: list[dict[str, Any]], usage: Usage | None) -> Consumer:
    """The row of several pods together."""
    row = consumer(resource, [box for pod in pods for box in boxes_of(pod, usage)])
    ready = sum(_ready(pod) for pod in pods)
    return row.model_copy(update={"pods": len(pods), "ready": ready})


def consumer(resource: str, boxes: list[Box]) -> Consumer:
    """The row of several containers together. A sum of limits is a limit only when every container has one."""
    measured = [box.used for box in boxes if box.used is not None]
    total = sum(measured, Amount())
    fullest = max(boxes, key=lambda box: _share(box, "memory") or 0, default=None)
    exits = [box.last_exit for box in sorted(boxes, key=lambda box: -box.restarts) if box.last_exit]
    shares = [share for box in boxes if (share := _share(box, "cpu")) is not None]
    return Consumer(
        resource=resource,
        cpu=float(total.cpu) if measured else None,
        memory=total.memory if measured else None,
        cpu_request=_total(boxes, "requests", "cpu", partial=True),
        memory_request=_whole(_total(boxes, "requests", "memory", partial=True)),
        cpu_limit=_total(boxes, "limits", "cpu"),
        memory_limit=_whole(_total(boxes, "limits", "memory")),
        cpu_percent=max(shares, default=None),
        memory_percent=_share(fullest, "memory") if fullest else None,
        fullest=f"{fullest.pod.name}/{fullest.name}" if fullest and _share(fullest, "memory") is not None else None,
        restarts=sum(box.restarts for box in boxes),
        last_exit=exits[0] if exits else None,
    )


def percent(part: Decimal | int, whole: Decimal | int) -> float | None:
    """With one decimal; None of nothing."""
    return round(float(part) * 100 / float(whole), 1) if whole else None


def _share(box: Box, resource: str) -> float | None:
    if box.used is None or resource not in box.limits:
        return None
    limit = amount_of(box.limits)
    return percent(box.used.cpu, limit.cpu) if resource == "cpu" else percent(box.used.memory, limit.memory)


def _total(boxes: Iterable[Box], which: str, resource: str, *, partial: bool = False) -> float | None:
    maps: list[dict[str, Any]] = [getattr(box, which) for box in boxes]
    given = [amount_of(amounts) for amounts in maps if resource in amounts]
    if not given or (len(given) < len(maps) and not partial):
        return None
    total = sum(given, Amount())
    return float(total.cpu) if resource == "cpu" else float(total.memory)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def _exit_of(status: dict[str, Any]) -> str | None:
    for key in ("state", "lastState"):
        ended = (status.get(key) or {}).get("terminated")
        if ended and (ended.get("exitCode") or ended.get("reason") not in (None, "Completed")):
            return f"{ended.get('reason') or 'Error'} (exit code {ended.get('exitCode')})"
    return None
