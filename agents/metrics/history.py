"""Percentiles of what containers used over time, computed by Prometheus: one number per container and percentile."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from agents.cluster.prometheus import Answer, PrometheusClient, step_for
from agents.metrics.rightsizing import Spreads
from agents.metrics.timeline import CPU, LEAST_RATE, MAX_PODS, MEMORY, duration
from agents.runtime.report_facts import Spread

POINTS = 288
"""Samples that a percentile of CPU is taken of: every five minutes of a day."""
_BY = "by (namespace, pod, container)"
_QUANTILES = ("0.5", "0.95", "0.99")

Key = tuple[str, str, str]


async def spreads(
    client: PrometheusClient, matchers: Mapping[str, str] | None = None, now: datetime | None = None
) -> Spreads:
    """CPU and memory by namespace, pod and container over the client's sizing span; pods that are gone included.

    `matchers` narrow it down, as in `PrometheusClient.selector`. Raises SourceError.
    """
    end = now or datetime.now(UTC)
    cpu_queries, memory_queries = queries(client, **(matchers or {}))
    answers = await asyncio.gather(
        *(client.instant(query, end, most=MAX_PODS) for query in (*cpu_queries, *memory_queries))
    )
    cpu, memory = _spreads(answers[: len(cpu_queries)]), _spreads(answers[len(cpu_queries) :])
    return {key: (cpu[key], memory[key]) for key in cpu.keys() & memory.keys()}


async def covered(client: PrometheusClient, matchers: Mapping[str, str]) -> timedelta:
    """How much of the sizing span there are samples for: a young workload, or a young Prometheus, knows less."""
    step = step_for(client.sizing, POINTS)
    selector = client.selector(**{"pod": "!=", **matchers, "container": "!="})
    rate = f"sum (rate({CPU}{selector}[{duration(LEAST_RATE)}]))"
    counted = f"count_over_time(({rate})[{duration(client.sizing)}:{duration(step)}])"
    answer = await client.instant(counted)
    points = max((one.last or 0 for one in answer.series), default=0)
    return min(client.sizing, points * step)


def queries(client: PrometheusClient, **matchers: str) -> tuple[list[str], list[str]]:
    """The PromQL for CPU and for memory: the percentiles, then the peak."""
    selector = client.selector(**{"pod": "!=", **matchers, "container": "!="})
    span, step = duration(client.sizing), duration(step_for(client.sizing, POINTS))
    rate = f"sum {_BY} (rate({CPU}{selector}[{duration(LEAST_RATE)}]))[{span}:{step}]"
    cpu = [f"quantile_over_time({quantile}, {rate})" for quantile in _QUANTILES]
    memory = [f"max {_BY} (quantile_over_time({quantile}, {MEMORY}{selector}[{span}]))" for quantile in _QUANTILES]
    peaks = f"max_over_time({rate})", f"max {_BY} (max_over_time({MEMORY}{selector}[{span}]))"
    return [*cpu, peaks[0]], [*memory, peaks[1]]


def window(span: timedelta) -> str:
    """As people write it: `24h`, `7d`."""
    hours = span.total_seconds() / 3600
    return f"{hours / 24:g}d" if hours > 48 and hours % 24 == 0 else f"{hours:g}h"


def _spreads(answers: list[Answer] | tuple[Answer, ...]) -> dict[Key, Spread]:
    found: list[dict[Key, float]] = [
        {
            (one.labels.get("namespace", ""), one.labels.get("pod", ""), one.labels.get("container", "")): value
            for one in answer.series
            if (value := one.last) is not None and math.isfinite(value) and one.labels.get("container") != "POD"
        }
        for answer in answers
    ]
    p50, p95, p99, peak = found
    return {
        key: Spread(p50=p50[key], p95=p95[key], p99=p99[key], peak=value)
        for key, value in peak.items()
        if key in p50 and key in p95 and key in p99
    }
