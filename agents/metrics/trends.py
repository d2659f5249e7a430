"""analyze_workload_trend: whether the CPU or the memory of a workload's pods grows, with numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.cluster.cluster import ClusterReader
from agents.cluster.prometheus import PrometheusClient, Series
from agents.cluster.resources import Resource
from agents.cluster.times import parse_duration
from agents.metrics.chart import sparkline
from agents.metrics.measure import boxes_of, consumer, measure
from agents.metrics.results import PodTrend, WorkloadTrend
from agents.metrics.timeline import LEAST_RATE, duration, pod_series
from agents.metrics.trend import Line, line_of

METRICS = ("memory", "cpu")
MAX_PODS = 20
STALE = timedelta(minutes=10)
"""A pod whose series ended so long ago is gone."""


async def analyze_workload_trend(
    cluster: ClusterReader, prometheus: PrometheusClient | None, resource: Resource, metric: str, window: str
) -> WorkloadTrend:
    """The trend of every pod over the window. Raises ValueError for a metric or a window that is none, SourceError."""
    if metric not in METRICS:
        raise ValueError(f"metric is memory or cpu, not {metric!r}")
    span = parse_duration(window)
    if span is None or span < LEAST_RATE:
        raise ValueError(f"{window!r} is no time to see a trend in: write 30m, 1h, 24h, 7d; at least 5m")
    now = datetime.now(UTC)
    if prometheus is None:
        text = "a trend needs a Prometheus, and none is configured for this cluster (prometheus.default.url)"
        return WorkloadTrend(
            resource=str(resource), metric=metric, verdict="too_short", window=window, observed_at=now, problem=text
        )
    query, series, warnings = await pod_series(prometheus, resource, metric, span, now)
    limit = await _limit(cluster, resource, metric)
    return trend_of(resource, metric, duration(span), query, series, limit, now, warnings)


def trend_of(
    resource: Resource,
    metric: str,
    window: str,
    query: str,
    series: list[Series],
    limit: float | None,
    now: datetime,
    warnings: list[str],
) -> WorkloadTrend:
    """What the series add up to; pods that still run first, the steepest first."""
    lines = [(one, line_of(one.points)) for one in series if one.values]
    living = [(one, line) for one, line in lines if now - one.points[-1][0] <= STALE]
    ranked = sorted(living or lines, key=lambda item: -item[1].per_hour)
    problem = "; ".join(warnings) or None
    if not ranked:
        problem = f"Prometheus has no {metric} of {resource} in the last {window}"
    hours = [left for _, line in living if (left := line.hours_to(limit)) is not None]
    return WorkloadTrend(
        resource=str(resource),
        metric=metric,
        verdict=_together([line for _, line in ranked]),
        window=window,
        query=query,
        observed_at=now,
        limit=limit,
        hours_to_limit=round(min(hours), 1) if hours else None,
        pods=[_pod(one, line, limit) for one, line in ranked[:MAX_PODS]],
        left_out=max(0, len(lines) - MAX_PODS) if living else max(0, len(ranked) - MAX_PODS),
        problem=problem,
    )


def _together(lines: list[Line]) -> str:
    for verdict in ("growing", "unclear", "falling", "steady"):
        if any(line.verdict == verdict for line in lines):
            return verdict
    return "too_short"


def _pod(series: Series, line: Line, limit: float | None) -> PodTrend:
    return PodTrend(
        pod=series.labels.get("pod", ""),
        verdict=line.verdict,
        first=line.first,
        last=line.last,
        max=max(series.values),
        per_hour=line.per_hour,
        fit=round(line.fit, 2),
        restarts=line.restarts,
        chart=sparkline([value for _, value in series.points], top=limit),
    )


async def _limit(cluster: ClusterReader, resource: Resource, metric: str) -> float | None:
    """Of one pod; None when a container has none."""
    measured = await measure(cluster, resource.namespace)
    for pod in measured.pods:
        if resource in (measured.owners.top(pod), Resource.of(pod)):
            row = consumer("", boxes_of(pod, None))
            return row.cpu_limit if metric == "cpu" else row.memory_limit
    return None
