"""What Prometheus knows of pods over time: averages of a window, series of a workload. Names are cAdvisor's."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from agents.cluster.prometheus import Answer, PrometheusClient, Series, pods_of, step_for
from agents.cluster.resources import Resource
from agents.cluster.usage import Amount, Usage

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
LEAST_RATE = timedelta(minutes=5)
"""A rate needs several scrapes, and they are up to a minute apart."""
MAX_PODS = 40_000
POINTS = 288
"""Of a history: every five minutes of a day."""


@dataclass(frozen=True)
class Averages:
    """Usage of all pods, averaged over a window; None when Prometheus has no such series."""

    usage: Usage | None
    query: str
    problems: list[str] = field(default_factory=list[str])


async def averages(prometheus: PrometheusClient, window: timedelta, namespace: str | None, now: datetime) -> Averages:
    """Cores and bytes per container over the window that ends now. Raises SourceError."""
    place = {"namespace": namespace} if namespace else {}
    selector = prometheus.selector(**place, container="!=", pod="!=")
    span = f"[{duration(max(window, timedelta(minutes=2)))}]"
    by = "sum by (namespace, pod, container)"
    cpu_query, memory_query = f"{by} (rate({CPU}{selector}{span}))", f"{by} (avg_over_time({MEMORY}{selector}{span}))"
    cpu, memory = await asyncio.gather(
        prometheus.instant(cpu_query, now, most=MAX_PODS), prometheus.instant(memory_query, now, most=MAX_PODS)
    )
    pods: dict[str, dict[str, Amount]] = {}
    for series, of_cpu in ((cpu.series, True), (memory.series, False)):
        for one in series:
            value, labels = one.last, one.labels
            if value is None or labels.get("container") == "POD":
                continue
            boxes = pods.setdefault(f"{labels.get('namespace')}/{labels.get('pod')}", {})
            had = boxes.get(labels.get("container", ""), Amount())
            new = Amount(Decimal(str(value)), had.memory) if of_cpu else Amount(had.cpu, int(value))
            boxes[labels.get("container", "")] = new
    problems = [*cpu.warnings, *memory.warnings]
    return Averages(Usage(now, {}, pods) if pods else None, cpu_query, problems)


async def cpu_over_time(
    prometheus: PrometheusClient, resource: Resource, span: timedelta, now: datetime
) -> tuple[list[float], list[float]]:
    """A workload's cores over the span: of all pods together, and of the average pod. Raises SourceError."""
    rate = f"sum by (pod) (rate({CPU}{workload_selector(prometheus, resource)}[{duration(LEAST_RATE)}]))"
    total, average = await asyncio.gather(
        *(prometheus.range(f"{how}({rate})", now - span, now, step_for(span, POINTS)) for how in ("sum", "avg"))
    )
    return _values(total), _values(average)


async def pod_series(
    prometheus: PrometheusClient, resource: Resource, metric: str, span: timedelta, now: datetime
) -> tuple[str, list[Series], list[str]]:
    """The query, cores or bytes of each pod of a workload over the span, and what was left out. Raises SourceError."""
    selector = workload_selector(prometheus, resource)
    step = step_for(span, 120)
    inner = f"rate({CPU}{selector}[{duration(max(step, LEAST_RATE))}])" if metric == "cpu" else f"{MEMORY}{selector}"
    query = f"sum by (pod) ({inner})"
    found = await prometheus.range(query, now - span, now, step)
    return query, found.series, found.warnings


def workload_selector(prometheus: PrometheusClient, resource: Resource) -> str:
    """The containers of a workload's pods."""
    pods = pods_of(resource.kind, resource.name)
    return prometheus.selector(namespace=resource.namespace or "", pod=pods, container="!=")


def duration(span: timedelta) -> str:
    """As PromQL writes it: `5m`, `90s`, `1d`."""
    seconds = max(1, math.ceil(span.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _values(found: Answer) -> list[float]:
    return [value for one in found.series for value in one.values]
