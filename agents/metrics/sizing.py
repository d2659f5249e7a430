"""analyze_workload_cost: what a workload asks for, what it uses, and what it should ask for, by one rule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agents.cluster.cluster import ClusterReader
from agents.cluster.endpoint import SourceError
from agents.cluster.prometheus import PrometheusClient, pods_of
from agents.cluster.quantities import format_cpu, format_memory
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.metrics.history import covered, queries, spreads, window
from agents.metrics.measure import Box, Measured, boxes_of, consumer, measure
from agents.metrics.results import (
    ContainerRecommendation,
    Percentiles,
    ResourceMetrics,
    ResourceRecommendation,
    WorkloadCost,
)
from agents.metrics.rightsizing import HISTORY, MOMENT, Spreads, joined, sizings
from agents.runtime.findings import Language
from agents.runtime.report_facts import Sizing, Spread


async def analyze_workload_cost(
    cluster: ClusterReader, resource: Resource, prometheus: PrometheusClient | None = None, language: Language = "en"
) -> WorkloadCost:
    """Requests and limits against usage: percentiles over time when a Prometheus knows the workload, else of now.

    Raises ValueError when the workload has no running pods.
    """
    measured, pods = await pods_of_workload(cluster, resource, prometheus)
    boxes = [box for pod in pods for box in boxes_of(pod, measured.usage)]
    past, over, query, problem = await _past(prometheus, resource, boxes)
    rows = sizings(resource, boxes, past, language)
    problems = [redact(text) for text in (measured.problem, problem) if text]
    return WorkloadCost(
        resource=str(resource),
        query=query or f"kubectl top pods -n {resource.namespace} --containers",
        source="prometheus" if past else "metrics.k8s.io",
        point_in_time=not past,
        window=over or None,
        observed_at=measured.observed_at,
        pods=len(pods),
        resource_metrics=_metrics(boxes),
        resource_recommendation=ResourceRecommendation(
            containers=[_recommended(row, history=bool(past)) for row in rows],
            resource_recommendation_status="history" if past else "point_in_time",
            rule=(HISTORY if past else MOMENT).words(language, over),
        ),
        problem="; ".join(problems) or None,
    )


async def pods_of_workload(
    cluster: ClusterReader, resource: Resource, prometheus: PrometheusClient | None = None
) -> tuple[Measured, list[dict[str, Any]]]:
    """The workload's running pods. Raises ValueError when there are none."""
    measured = await measure(cluster, resource.namespace, prometheus=prometheus)
    pods = [pod for pod in measured.pods if resource in (measured.owners.top(pod), Resource.of(pod))]
    if not pods:
        raise ValueError(f"{resource} has no running pods")
    return measured, pods


async def _past(
    prometheus: PrometheusClient | None, resource: Resource, boxes: Sequence[Box]
) -> tuple[Spreads, str, str, str | None]:
    """Percentiles of the workload's containers over all its pods, how much history they are of, the query of one of
    them, and what went wrong. Pods of before a rollout count as well."""
    if prometheus is None:
        return {}, "", "", None
    place = {"namespace": resource.namespace or "", "pod": pods_of(resource.kind, resource.name)}
    try:
        found, span = await asyncio.gather(spreads(prometheus, place), covered(prometheus, place))
    except SourceError as error:
        return {}, "", "", str(error)
    if not found:
        return {}, "", "", f"Prometheus knows nothing of {resource} in the last {window(prometheus.sizing)}"
    by_container = {name: [pair for key, pair in found.items() if key[2] == name] for name in {k[2] for k in found}}
    past: dict[tuple[str, str, str], tuple[Spread, Spread]] = {}
    for box in boxes:
        pairs = by_container.get(box.name, [])
        cpu, memory = joined([cpu for cpu, _ in pairs]), joined([memory for _, memory in pairs])
        if cpu is not None and memory is not None:
            past[box.pod.namespace or "", box.pod.name, box.name] = cpu, memory
    hours = timedelta(hours=round(span / timedelta(hours=1), 1))
    _, memory_queries = queries(prometheus, **place)
    return past, window(hours), memory_queries[2], None


def _metrics(boxes: list[Box]) -> ResourceMetrics:
    row = consumer("", boxes)
    return ResourceMetrics(
        cpu_usage=row.cpu,
        cpu_request=row.cpu_request,
        cpu_limit=row.cpu_limit,
        cpu_utilization=_ratio(row.cpu, row.cpu_request),
        memory_usage=row.memory,
        memory_request=row.memory_request,
        memory_limit=row.memory_limit,
        memory_utilization=_ratio(row.memory, row.memory_request),
    )


def _recommended(row: Sizing, *, history: bool) -> ContainerRecommendation:
    return ContainerRecommendation(
        container_name=row.container,
        verdict=row.verdict,
        cpu_now=_cpu(row.cpu_request),
        memory_now=_memory(row.memory_request),
        cpu_limit_now=_cpu(row.cpu_limit),
        memory_limit_now=_memory(row.memory_limit),
        cpu_recommended=format_cpu(row.cpu_request_advised),
        memory_recommended=format_memory(row.memory_request_advised),
        cpu_limit_recommended=_cpu(row.cpu_limit_advised),
        memory_limit_recommended=_memory(row.memory_limit_advised),
        cpu_percentiles=_percentiles(row.cpu) if history else None,
        memory_percentiles=_percentiles(row.memory) if history else None,
        notes=row.notes,
    )


def _percentiles(spread: Spread) -> Percentiles:
    return Percentiles(max=spread.peak, p50=spread.p50, p95=spread.p95, p99=spread.p99)


def _cpu(value: float | None) -> str | None:
    return None if value is None else format_cpu(round(value, 3))


def _memory(value: int | None) -> str | None:
    return None if value is None else format_memory(value)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return round(part / whole, 3) if part is not None and whole else None
