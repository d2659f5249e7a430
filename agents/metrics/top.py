"""top_resources: who uses most, or is closest to its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from agents.cluster.cluster import ClusterReader
from agents.cluster.redaction import redact
from agents.metrics.measure import Measured, by_container, by_node, by_pod, by_workload, measure
from agents.metrics.results import Consumer, TopResources

Grouping = Literal["nodes", "workloads", "pods", "containers"]
Order = Literal["cpu", "memory", "cpu_percent", "memory_percent", "restarts", "trouble"]
MAX_LIMIT = 200

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
) -> TopResources:
    """The rows, biggest first."""
    measured = await measure(cluster, None if group_by == "nodes" else namespace, nodes=group_by == "nodes")
    rows = sorted(_GROUPS[group_by](measured), key=lambda row: (_weight(row, sort_by), row.resource), reverse=True)
    place = f"-n {namespace}" if namespace else "-A"
    return TopResources(
        query=_COMMANDS[group_by].format(place=place),
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
