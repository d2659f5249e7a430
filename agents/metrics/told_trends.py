"""Trends in the metrics analyst's answer: a sentence, numbers, a small chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from agents.cluster.quantities import format_cpu, format_memory
from agents.metrics.results import PodTrend, WorkloadTrend
from agents.metrics.wording import say
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Evidence, Language

MAX_PODS = 5


class Trends:
    """What analyze_workload_trend found."""

    def __init__(self, turn: Turn) -> None:
        self._language: Language = turn.subtask.language
        self._found = results_of(turn.results, "analyze_workload_trend", WorkloadTrend)

    @property
    def problems(self) -> list[str]:
        """Why trends are missing or not whole, in the asker's language where the reason is ours."""
        return [self._problem(found) for found in self._found if found.problem]

    def text(self) -> str:
        """A sentence per workload, then its pods."""
        return "\n\n".join(part for found in self._found for part in self._parts(found))

    def evidence(self) -> Iterable[Evidence]:
        """One fact per pod."""
        for found in self._found:
            for pod in found.pods[:MAX_PODS]:
                numbers = f"{_shown(found, pod.first)} -> {_shown(found, pod.last)} over {found.window}"
                line = f"{_signed(found, pod.per_hour)}/h, R2 {pod.fit:.2f}, {pod.verdict}"
                yield Evidence(
                    source=f"prometheus ({found.window})",
                    query=found.query,
                    observed_at=found.observed_at,
                    excerpt=f"{found.resource} {found.metric} of {pod.pod}: {numbers} ({line})",
                )

    def facts(self) -> list[dict[str, Any]]:
        """For other subtasks."""
        return [found.model_dump(mode="json", exclude_none=True) for found in self._found]

    def _parts(self, found: WorkloadTrend) -> Iterable[str]:
        yield self._sentence(found)
        if not found.pods:
            return
        rows = [line for pod in found.pods[:MAX_PODS] for line in self._rows(found, pod)]
        yield "\n".join((f"### {say('trend_heading', self._language)}: `{found.resource}`", *rows))
        width = max(len(pod.pod) for pod in found.pods[:MAX_PODS])
        charts = [f"{pod.pod:<{width}}  {pod.chart}" for pod in found.pods[:MAX_PODS]]
        yield "\n".join(("```text", *charts, "```"))
        yield f"Prometheus: `{found.query}`"

    def _sentence(self, found: WorkloadTrend) -> str:
        what = say(found.metric, self._language).strip()
        about: dict[str, Any] = {"what": what, "resource": found.resource, "window": found.window}
        if found.verdict == "too_short" or not found.pods:
            reason = self._problem(found) if found.problem else say("trend_short", self._language)
            return say("trend_too_short", self._language, problem=reason, **about)
        own = [pod for pod in found.pods if pod.verdict == found.verdict] or found.pods
        steepest = max(own, key=lambda pod: abs(pod.per_hour))
        limit = ""
        if found.hours_to_limit is not None and found.limit is not None:
            limit = say("to_limit", self._language, limit=_shown(found, found.limit), hours=found.hours_to_limit)
        about |= {"pod": steepest.pod, "per_hour": _shown(found, abs(steepest.per_hour)), "limit": limit}
        return say(f"trend_{found.verdict}", self._language, **about)

    def _rows(self, found: WorkloadTrend, pod: PodTrend) -> Iterable[str]:
        yield say(
            "trend_row",
            self._language,
            pod=pod.pod,
            first=_shown(found, pod.first),
            last=_shown(found, pod.last),
            max=_shown(found, pod.max),
            slope=_signed(found, pod.per_hour),
            fit=pod.fit,
            window=found.window,
            verdict=say(pod.verdict, self._language),
        )
        if pod.restarts:
            yield f"  - {say('restarted', self._language, count=pod.restarts)}"

    def _problem(self, found: WorkloadTrend) -> str:
        return found.problem or "" if found.query else say("trend_needs", self._language)


def _shown(found: WorkloadTrend, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if found.metric == "cpu":
        return format_cpu(round(value, 3))
    # Trends move by less than whole units of a large quantity.
    return f"{value / 2**20:.1f}Mi" if abs(value) < 10 * 2**30 else format_memory(value)


def _signed(found: WorkloadTrend, value: float) -> str:
    return f"{'-' if value < 0 else '+'}{_shown(found, abs(value))}"
