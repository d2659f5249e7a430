"""top_resources: who uses most, or is closest to its limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from agents.cluster.cluster import ClusterReader
from agents.cluster.prometheus import PrometheusClient
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.cluster.times import parse_duration
from agents.metrics.measure import Measured, by_container, by_node, by_pod, by_workload, measure
from agents.metrics.results import Consumer, TopResources

Grouping = Literal["nodes", "workloads", "pods", "containers"]
Order = Literal["cpu", "memory", "cpu_percent", "memory_percent", "restarts", "trouble"]
MAX_LIMIT = 200
MAX_NAMESPACES = 1_000

_GROUPS: dict[Grouping, Callable[[Measured], list[Consumer]]] = {
    "nodes": by_node,
    "workloads": by_workload,
    "pods": by_pod,
    "containers": by_container,
}
_COMMANDS: dict[Grouping, str] = {
    "nodes": "kubectl top nodes",
    "workloads": "kubectl top pods {place}",
    "pods": "kubectl top pods {place}",
    "containers": "kubectl top pods {place} --containers",
}


async def top_resources(
    cluster: ClusterReader,
    *,
    group_by: Grouping = "workloads",
    namespace: str | None = None,
    sort_by: Order = "cpu",
    limit: int = 10,
    window: str | None = None,
    prometheus: PrometheusClient | None = None,
) -> TopResources:
    """The rows, biggest first: right now, or on average over the window. Raises ValueError for no window."""
    span = parse_duration(window) if window else None
    if window and (span is None or span <= timedelta(0)):
        raise ValueError(f"{window!r} is no window: write 5m, 1h, 24h")
    nodes = group_by == "nodes"
    measured = await measure(cluster, None if nodes else namespace, nodes=nodes, prometheus=prometheus, window=span)
    rows = sorted(_GROUPS[group_by](measured), key=lambda row: (_weight(row, sort_by), row.resource), reverse=True)
    place = f"-n {namespace}" if namespace else "-A"
    averaged = measured.window if not nodes else None
    return TopResources(
        query=measured.query if averaged else _COMMANDS[group_by].format(place=place),
        source="prometheus" if averaged else "metrics.k8s.io",
        point_in_time=averaged is None,
        window=averaged,
        namespaces=sorted({str(Resource.of(pod).namespace) for pod in measured.pods})[:MAX_NAMESPACES],
        observed_at=measured.observed_at,
        total=len(rows),
        consumers=rows[: min(max(limit, 1), MAX_LIMIT)],
        problem=redact(measured.problem) if measured.problem else None,
    )


def strained(row: Consumer) -> bool:
    """Whether a row deserves attention: it restarts, is not ready, or is nearly at a limit."""
    unready = row.ready is not None and row.ready < row.pods and not row.resource.startswith("Node/")
    return row.restarts > 0 or unready or (row.memory_percent or 0) >= 85 or (row.cpu_percent or 0) >= 90


def _weight(row: Consumer, order: Order) -> tuple[float, ...]:
    if order == "trouble":
        unready = row.pods - row.ready if row.ready is not None else 0
        pressure = max(row.memory_percent or 0, row.cpu_percent or 0)
        return float(strained(row)), float(unready), float(row.restarts), pressure
    return (float(getattr(row, order) or 0),)
