"""analyze_workload_autoscaling: how a workload's autoscaler is doing, or whether one would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.cluster.cluster import ClusterReader
from agents.cluster.endpoint import SourceError
from agents.cluster.errors import ClusterError
from agents.cluster.prometheus import PrometheusClient
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.metrics.history import window
from agents.metrics.measure import boxes_of, consumer
from agents.metrics.results import (
    Autoscaler,
    AutoscalingAdvice,
    Percentiles,
    ResourceAnalysis,
    WorkloadAutoscaling,
)
from agents.metrics.sizing import pods_of_workload
from agents.metrics.timeline import cpu_over_time

TARGET_PERCENT = 70
HEADROOM = 1.3
"""The most replicas, by what the greatest load that was seen needs."""


async def analyze_workload_autoscaling(
    cluster: ClusterReader, resource: Resource, prometheus: PrometheusClient | None = None
) -> WorkloadAutoscaling:
    """How a workload scales, and whether an autoscaler fits: by its load over time, or of now without a Prometheus.

    Raises ValueError when it has no running pods.
    """
    measured, pods = await pods_of_workload(cluster, resource, prometheus)
    boxes = [boxes_of(pod, measured.usage) for pod in pods]
    rows = [consumer("", own) for own in boxes]
    analysis = [
        _analysis("cpu", [row.cpu for row in rows], rows[0].cpu_request),
        _analysis("memory", [row.memory for row in rows], rows[0].memory_request),
    ]
    autoscaler, problem = await _autoscaler(cluster, resource)
    load, trouble = await _load(prometheus, resource, rows[0].cpu_request)
    if load is not None:
        analysis[0] = load.analysis
    requested = sum(row.cpu_request or 0 for row in rows)
    used = sum(row.cpu or 0 for row in rows)
    average = round(used * 100 / requested, 1) if requested and measured.usage else None
    over = window(prometheus.sizing) if prometheus is not None and load is not None else None
    return WorkloadAutoscaling(
        resource=str(resource),
        source="prometheus" if load else "metrics.k8s.io",
        point_in_time=load is None,
        window=over,
        observed_at=measured.observed_at,
        replicas=len(pods),
        autoscaler=autoscaler,
        resource_analysis=[found for found in analysis if found is not None],
        hpa_recommendation=advice(resource, len(pods), average, autoscaler, load, over or ""),
        problem="; ".join(redact(text) for text in (measured.problem, problem, trouble) if text) or None,
    )


@dataclass(frozen=True)
class Load:
    """A workload's CPU over time."""

    analysis: ResourceAnalysis
    """Of the average pod."""
    usual: float
    peak: float
    """Pods that the median and the greatest load need at the target."""
    average_percent: float | None


async def _load(
    prometheus: PrometheusClient | None, resource: Resource, request: float | None
) -> tuple[Load | None, str | None]:
    if prometheus is None:
        return None, None
    try:
        total, average = await cpu_over_time(prometheus, resource, prometheus.sizing, datetime.now(UTC))
    except SourceError as error:
        return None, str(error)
    analysis = _analysis("cpu", average, request)
    if analysis is None or not total:
        return None, f"Prometheus knows nothing of {resource} in the last {window(prometheus.sizing)}"
    mean = sum(average) / len(average)
    steep = analysis.percentiles.p95 > 2 * mean
    wanted = (request or 0) * TARGET_PERCENT / 100
    ordered = sorted(total)
    return (
        Load(
            analysis.model_copy(update={"is_volatile": steep}),
            usual=_percentile(ordered, 50) / wanted if wanted else 0,
            peak=ordered[-1] / wanted if wanted else 0,
            average_percent=round(mean * 100 / request, 1) if request else None,
        ),
        None,
    )


def advice(
    resource: Resource,
    replicas: int,
    average: float | None,
    autoscaler: Autoscaler | None,
    load: Load | None = None,
    over: str = "",
) -> AutoscalingAdvice:
    """What to do about autoscaling; `average` is CPU by request right now, in percent; `load` is that of the past."""
    if load is not None and load.average_percent is not None:
        average = load.average_percent
    if autoscaler is not None:
        at_most = autoscaler.current_replicas >= autoscaler.max_replicas
        message = f"{autoscaler.resource} scales it between {autoscaler.min_replicas} and {autoscaler.max_replicas}"
        message += "; it is at its maximum" if at_most else ""
        message += "".join(f"; {problem}" for problem in autoscaler.problems)
        return AutoscalingAdvice(recommended=False, average_utilization=average, message=message)
    if resource.kind not in ("Deployment", "StatefulSet"):
        return AutoscalingAdvice(recommended=False, message=f"a {resource.kind} is not scaled by an autoscaler")
    if average is None:
        text = "no CPU requests or no usage: an autoscaler could compute no utilization; set requests first"
        return AutoscalingAdvice(recommended=False, message=text)
    usual = max(1, math.ceil(load.usual if load else replicas * average / TARGET_PERCENT))
    peak = max(usual, math.ceil(load.peak * HEADROOM)) if load else 2 * max(replicas, usual)
    when = f"over {over}" if load else "right now; judge volatility from history"
    return AutoscalingAdvice(
        recommended=True,
        min_replicas=max(2, usual if load else min(replicas, usual)),
        max_replicas=max(3, peak),
        target_utilization=TARGET_PERCENT,
        average_utilization=average,
        message=f"CPU is at {average:g}% of requests over {replicas} pod(s) {when}",
    )


async def _autoscaler(cluster: ClusterReader, resource: Resource) -> tuple[Autoscaler | None, str | None]:
    try:
        found = await cluster.list("HorizontalPodAutoscaler", resource.namespace)
    except ClusterError as error:
        return None, str(error)
    for raw in found:
        target = (raw.get("spec") or {}).get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (resource.kind, resource.name):
            return autoscaler_of(raw), None
    return None, None


def autoscaler_of(raw: dict[str, Any]) -> Autoscaler:
    """A HorizontalPodAutoscaler, with the conditions that stand in its way."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    current = {_metric_name(metric): metric for metric in status.get("currentMetrics") or [] if metric}
    return Autoscaler(
        resource=str(Resource.of(raw)),
        min_replicas=spec.get("minReplicas") or 1,
        max_replicas=spec.get("maxReplicas") or 1,
        current_replicas=status.get("currentReplicas") or 0,
        desired_replicas=status.get("desiredReplicas") or 0,
        metrics=[_metric_text(metric, current.get(_metric_name(metric))) for metric in spec.get("metrics") or []],
        problems=[
            f"{condition['type']} is {condition['status']}: {condition.get('reason')}: {condition.get('message')}"
            for condition in status.get("conditions") or []
            if _in_the_way(condition)
        ],
    )


def _in_the_way(condition: dict[str, Any]) -> bool:
    if condition.get("type") == "ScalingLimited":
        return condition.get("status") == "True" and condition.get("reason") == "TooManyReplicas"
    return condition.get("status") == "False"


def _metric_name(metric: dict[str, Any]) -> str:
    details = metric.get(metric.get("type", "")[:1].lower() + metric.get("type", "")[1:]) or {}
    return str(details.get("name") or (details.get("metric") or {}).get("name") or metric.get("type"))


def _metric_text(metric: dict[str, Any], current: dict[str, Any] | None) -> str:
    kind = metric.get("type", "")[:1].lower() + metric.get("type", "")[1:]
    target = (metric.get(kind) or {}).get("target") or {}
    value = ((current or {}).get(kind) or {}).get("current") or {}
    if "averageUtilization" in target:
        now = value.get("averageUtilization")
        seen = "unknown" if now is None else f"{now}%"
        return f"{_metric_name(metric)} {seen} of requests, target {target['averageUtilization']}%"
    wanted = target.get("averageValue") or target.get("value")
    return f"{_metric_name(metric)} {value.get('averageValue') or value.get('value') or 'unknown'}, target {wanted}"


def _analysis(name: str, values: Sequence[float | None], request: float | None) -> ResourceAnalysis | None:
    known = sorted(float(value) for value in values if value is not None)
    if not known:
        return None
    average = sum(known) / len(known)
    return ResourceAnalysis(
        resource_type=name,
        pod_request=request,
        is_volatile=known[-1] > 2 * average,
        percentiles=Percentiles(
            min=known[0], max=known[-1], avg=average, p95=_percentile(known, 95), p99=_percentile(known, 99)
        ),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
