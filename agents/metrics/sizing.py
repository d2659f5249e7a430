"""analyze_workload_cost and analyze_workload_autoscaling: from what a workload uses now to what it should ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from agents.cluster.cluster import ClusterReader
from agents.cluster.errors import ClusterError
from agents.cluster.quantities import format_cpu, format_memory
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.metrics.measure import Box, Measured, boxes_of, consumer, measure
from agents.metrics.results import (
    Autoscaler,
    AutoscalingAdvice,
    ContainerRecommendation,
    Percentiles,
    ResourceAnalysis,
    ResourceMetrics,
    ResourceRecommendation,
    WorkloadAutoscaling,
    WorkloadCost,
)

HEADROOM = 1.3
"""ack-mcp-server's profile factor: 30 % above what is used."""
CPU_STEP, CPU_LEAST = 0.005, 0.010
MEMORY_STEP, MEMORY_LEAST = 2**20, 16 * 2**20
TARGET_PERCENT = 70
RULE = "busiest pod's current usage x 1.3, at least 10m and 16Mi; one moment only: check it against a day of history"


async def analyze_workload_cost(cluster: ClusterReader, resource: Resource) -> WorkloadCost:
    """Requests against usage, and what to request. Raises ValueError when the workload has no running pods."""
    measured, pods = await _pods(cluster, resource)
    boxes = [box for pod in pods for box in boxes_of(pod, measured.usage)]
    row = consumer(str(resource), boxes)
    metrics = ResourceMetrics(
        cpu_usage=row.cpu,
        cpu_request=row.cpu_request,
        cpu_limit=row.cpu_limit,
        cpu_utilization=_ratio(row.cpu, row.cpu_request),
        memory_usage=row.memory,
        memory_request=row.memory_request,
        memory_limit=row.memory_limit,
        memory_utilization=_ratio(row.memory, row.memory_request),
    )
    return WorkloadCost(
        resource=str(resource),
        query=f"kubectl top pods -n {resource.namespace} --containers",
        observed_at=measured.observed_at,
        pods=len(pods),
        resource_metrics=metrics,
        resource_recommendation=ResourceRecommendation(containers=recommended(boxes), rule=RULE),
        problem=redact(measured.problem) if measured.problem else None,
    )


async def analyze_workload_autoscaling(cluster: ClusterReader, resource: Resource) -> WorkloadAutoscaling:
    """How a workload scales, and whether an autoscaler fits. Raises ValueError when it has no running pods."""
    measured, pods = await _pods(cluster, resource)
    boxes = [boxes_of(pod, measured.usage) for pod in pods]
    rows = [consumer("", own) for own in boxes]
    analysis = [
        _analysis("cpu", [row.cpu for row in rows], rows[0].cpu_request),
        _analysis("memory", [row.memory for row in rows], rows[0].memory_request),
    ]
    autoscaler, problem = await _autoscaler(cluster, resource)
    requested = sum(row.cpu_request or 0 for row in rows)
    used = sum(row.cpu or 0 for row in rows)
    average = round(used * 100 / requested, 1) if requested and measured.usage else None
    return WorkloadAutoscaling(
        resource=str(resource),
        observed_at=measured.observed_at,
        replicas=len(pods),
        autoscaler=autoscaler,
        resource_analysis=[found for found in analysis if found is not None],
        hpa_recommendation=advice(resource, len(pods), average, autoscaler),
        problem="; ".join(redact(text) for text in (measured.problem, problem) if text) or None,
    )


def recommended(boxes: Sequence[Box]) -> list[ContainerRecommendation]:
    """One row per container name, from its busiest instance; none for containers that were not measured."""
    rows: list[ContainerRecommendation] = []
    for name in dict.fromkeys(box.name for box in boxes):
        used = [box.used for box in boxes if box.name == name and box.used is not None]
        if not used:
            continue
        asked = next(box.requests for box in boxes if box.name == name)
        cpu = max(float(amount.cpu) for amount in used) * HEADROOM
        memory = max(amount.memory for amount in used) * HEADROOM
        rows.append(
            ContainerRecommendation(
                container_name=name,
                cpu_now=str(asked["cpu"]) if "cpu" in asked else None,
                memory_now=str(asked["memory"]) if "memory" in asked else None,
                cpu_recommended=format_cpu(max(CPU_LEAST, math.ceil(cpu / CPU_STEP - 1e-9) * CPU_STEP)),
                memory_recommended=format_memory(max(MEMORY_LEAST, math.ceil(memory / MEMORY_STEP) * MEMORY_STEP)),
            )
        )
    return rows


def advice(
    resource: Resource, replicas: int, average: float | None, autoscaler: Autoscaler | None
) -> AutoscalingAdvice:
    """What to do about autoscaling; `average` is CPU by request, in percent."""
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
    needed = max(1, math.ceil(replicas * average / TARGET_PERCENT))
    return AutoscalingAdvice(
        recommended=True,
        min_replicas=max(2, min(replicas, needed)),
        max_replicas=max(3, 2 * max(replicas, needed)),
        target_utilization=TARGET_PERCENT,
        average_utilization=average,
        message=f"CPU is at {average:g}% of requests over {replicas} pod(s) right now; judge volatility from history",
    )


async def _pods(cluster: ClusterReader, resource: Resource) -> tuple[Measured, list[dict[str, Any]]]:
    measured = await measure(cluster, resource.namespace)
    pods = [pod for pod in measured.pods if measured.owners.top(pod) == resource]
    if not pods:
        raise ValueError(f"{resource} has no running pods")
    return measured, pods


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


def _ratio(part: float | None, whole: float | None) -> float | None:
    return round(part / whole, 3) if part is not None and whole else None
