"""query_prometheus, and which Prometheus a cluster has."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.cluster.prometheus import Answer, PrometheusClient, parse_step
from agents.cluster.times import iso, parse_moment
from agents.metrics.results import Failure, PrometheusAnswer
from agents.runtime.settings import Settings

NOT_CONFIGURED = Failure(
    error_code="NOT_CONFIGURED",
    error_message=(
        "no Prometheus is configured for this cluster (prometheus.CLUSTER.url, or prometheus.default.url), so there is "
        "no history; top_resources, analyze_workload_cost and analyze_workload_autoscaling work from metrics.k8s.io, "
        "at one point in time"
    ),
)


class Servers:
    """The Prometheus of each cluster, opened once; `lifespan` closes the connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[int, PrometheusClient] = {}

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Connections open anew when somebody is still inside."""
        yield
        for client in self._clients.values():
            await client.endpoint.close()

    def of(self, cluster_id: str) -> PrometheusClient | None:
        """The cluster's Prometheus, or None."""
        settings = self._settings.prometheus_of(cluster_id)
        if settings is None:
            return None
        return self._clients.setdefault(id(settings), PrometheusClient(settings))


async def query_prometheus(
    prometheus: PrometheusClient | None, promql: str, start_time: str | None, end_time: str | None, step: str | None
) -> PrometheusAnswer:
    """An instant query, or a range query when `start_time` is given.

    That there is nobody to ask is a result and not an error, so that a model turns to other tools. Raises SourceError,
    and ValueError for times that are none.
    """
    if prometheus is None:
        return PrometheusAnswer(error=NOT_CONFIGURED)
    now = datetime.now(UTC)
    end = parse_moment(end_time, now) if end_time else now
    wanted: timedelta | None = parse_step(step) if step else None
    if start_time:
        return _result(await prometheus.range(promql, parse_moment(start_time, now), end, wanted), promql)
    return _result(await prometheus.instant(promql, end), promql)


def _result(found: Answer, promql: str) -> PrometheusAnswer:
    ranged = found.kind == "matrix"
    rows: list[dict[str, Any]] = []
    for series in found.series:
        points = [[time.timestamp(), f"{value:.10g}"] for time, value in series.points]
        rows.append(
            {"metric": series.labels, "values": points} if ranged else {"metric": series.labels, "value": points[0]}
        )
    return PrometheusAnswer(
        query=promql,
        resultType=found.kind,
        result=rows,
        step=f"{found.step.total_seconds():g}s" if found.step else None,
        observed_at=iso(datetime.now(UTC)),
        warnings=found.warnings,
    )
