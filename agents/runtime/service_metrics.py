"""Prometheus metrics of every service. They are labelled by service, because a process may hold several."""

from __future__ import annotations

from typing import Any

import prometheus_client
from prometheus_client.metrics import MetricWrapperBase


class _Labelled(MetricWrapperBase):
    """Finds the metric of some labels that it has made before without checking them again, as every use would."""

    def labels(self, *labelvalues: Any, **labelkwargs: Any) -> Any:
        return self._metrics.get(labelvalues) or super().labels(*labelvalues, **labelkwargs)


class Counter(_Labelled, prometheus_client.Counter):
    """Counts up."""


class Gauge(_Labelled, prometheus_client.Gauge):
    """Goes up and down."""


class Histogram(_Labelled, prometheus_client.Histogram):
    """Observes."""


REQUESTS = Counter("kubeteam_http_requests_total", "HTTP requests", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "kubeteam_http_request_seconds",
    "Time to the end of an HTTP response, streams included",
    ["service", "route"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300),
)
TASKS = Counter("kubeteam_a2a_task_runs_total", "A2A task runs by the state that they ended in", ["service", "state"])
TASKS_RUNNING = Gauge("kubeteam_a2a_tasks_running", "A2A tasks that an executor works on", ["service"])
TASK_SECONDS = Histogram(
    "kubeteam_a2a_task_run_seconds",
    "Time from a message to the end of the executor's run",
    ["service", "state"],
    buckets=(0.05, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600),
)
PUSHES = Counter("kubeteam_a2a_pushes_total", "Push notifications by outcome", ["service", "outcome"])
TOOL_CALLS = Counter("kubeteam_tool_calls_total", "Tool calls by outcome", ["service", "tool", "outcome"])
TOOL_SECONDS = Histogram(
    "kubeteam_tool_call_seconds",
    "Duration of tool calls",
    ["service", "tool"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60),
)
MODEL_CALLS = Counter("kubeteam_model_calls_total", "Model calls by outcome", ["service", "model", "outcome"])
MODEL_SECONDS = Histogram(
    "kubeteam_model_call_seconds",
    "Duration of model calls, with all their tries",
    ["service", "model"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
MODEL_TOKENS = Counter(
    "kubeteam_model_tokens_total", "Tokens that models read and wrote", ["service", "model", "direction"]
)
KAGENT_RECORDS = Counter("kubeteam_kagent_records_total", "Tasks told to kagent's controller", ["service", "result"])
