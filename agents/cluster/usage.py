"""What nodes and pods use right now, from metrics.k8s.io: a point in time, no history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents.cluster.quantities import cpu_cores, memory_bytes
from agents.cluster.times import parse_time


@dataclass(frozen=True)
class Amount:
    """CPU in cores, memory in bytes."""

    cpu: Decimal = Decimal(0)
    memory: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpu + other.cpu, self.memory + other.memory)


@dataclass(frozen=True)
class Usage:
    """Usage of a whole cluster at one moment."""

    observed_at: datetime
    """The oldest of the measurements in it."""
    nodes: dict[str, Amount] = field(default_factory=dict)
    pods: dict[str, dict[str, Amount]] = field(default_factory=dict)
    """`namespace/pod` to container to amount."""

    def pod(self, namespace: str, name: str) -> Amount | None:
        """The sum over a pod's containers; None when it was not measured."""
        containers = self.pods.get(f"{namespace}/{name}")
        return None if containers is None else sum(containers.values(), Amount())


def usage_of(nodes: Iterable[dict[str, Any]], pods: Iterable[dict[str, Any]]) -> Usage:
    """Usage from the items of NodeMetricsList and PodMetricsList."""
    nodes, pods = list(nodes), list(pods)
    times = [time for item in (*nodes, *pods) if (time := parse_time(item.get("timestamp")))]
    return Usage(
        observed_at=min(times, default=datetime.now(UTC)),
        nodes={item["metadata"]["name"]: amount_of(item.get("usage")) for item in nodes},
        pods={
            f"{item['metadata']['namespace']}/{item['metadata']['name']}": {
                container["name"]: amount_of(container.get("usage")) for container in item.get("containers") or []
            }
            for item in pods
        },
    )


def amount_of(resources: dict[str, Any] | None) -> Amount:
    """An Amount from a map of quantities such as `{"cpu": "120m", "memory": "64Mi"}`."""
    resources = resources or {}
    return Amount(cpu_cores(resources.get("cpu", 0)), memory_bytes(resources.get("memory", 0)))
