"""The seam to Prometheus: what a source of PromQL answers must do, and the answer when none is configured."""

from __future__ import annotations

from typing import Protocol

from agents.metrics.results import Failure, PrometheusAnswer

NOT_CONFIGURED = Failure(
    error_code="NOT_CONFIGURED",
    error_message=(
        "no Prometheus is configured for this cluster, so there is no history; top_resources, analyze_workload_cost "
        "and analyze_workload_autoscaling work from metrics.k8s.io, at one point in time"
    ),
)


class Prometheus(Protocol):
    """A server with Prometheus' HTTP API, for one cluster."""

    async def query(
        self, promql: str, start_time: str | None = None, end_time: str | None = None, step: str | None = None
    ) -> PrometheusAnswer:
        """An instant query, or with both times a range query."""
        ...


async def query_prometheus(
    prometheus: Prometheus | None, promql: str, start_time: str | None, end_time: str | None, step: str | None
) -> PrometheusAnswer:
    """The answer, or that there is nobody to ask: a result and not an error, so that a model turns to other tools."""
    if prometheus is None:
        return PrometheusAnswer(error=NOT_CONFIGURED)
    return await prometheus.query(promql, start_time, end_time, step)
