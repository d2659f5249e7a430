"""Prometheus' HTTP API: instant and range queries whose answers stay small, whatever was asked.

Works with every compatible server (Thanos, Mimir, VictoriaMetrics, managed ones). Reference: the "HTTP API" page of the
Prometheus documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.cluster.endpoint import Endpoint, SourceError
from agents.cluster.redaction import redact, redact_object
from agents.cluster.times import parse_duration
from agents.runtime.settings import PrometheusSettings

MAX_TOTAL_POINTS = 20_000
"""Of all series of an answer together."""
MAX_RANGE = timedelta(days=90)
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


@dataclass(frozen=True)
class Series:
    """One time series. A value can be NaN or infinite, as PromQL's arithmetic gives them."""

    labels: dict[str, str]
    points: list[tuple[datetime, float]]

    @property
    def values(self) -> list[float]:
        """The values that are numbers, oldest first."""
        return [value for _, value in self.points if math.isfinite(value)]

    @property
    def last(self) -> float | None:
        """The newest number."""
        values = self.values
        return values[-1] if values else None


@dataclass(frozen=True)
class Answer:
    """What a query gave. An instant query has one point per series."""

    kind: str
    """`vector`, `matrix`, `scalar` or `string`."""
    series: list[Series]
    step: timedelta | None = None
    warnings: list[str] = field(default_factory=list[str])
    """What was left out, made coarser, or what the server itself warns of."""


class PrometheusClient:
    """One server, for one cluster. Every method raises SourceError."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self.endpoint = Endpoint("Prometheus", settings)
        self._settings = settings

    @property
    def sizing(self) -> timedelta:
        """How much history recommendations of sizes look at."""
        return timedelta(hours=self._settings.sizing_hours)

    def selector(self, **matchers: str) -> str:
        """`{namespace="web",pod=~"api-.+",container!=""}`: keywords are label names; a value may begin with its
        operator (`=~`, `!=`, `!~`). The labels that tell this cluster from others on a shared server are added."""
        parts = [_matcher(name, value) for name, value in {**self._settings.labels, **matchers}.items()]
        return "{" + ",".join(parts) + "}"

    async def instant(self, promql: str, at: datetime | None = None, most: int | None = None) -> Answer:
        """The values at one moment, by default now; of at most `most` series, or as the settings say."""
        query = {"query": promql, "timeout": f"{self._settings.timeout_seconds:g}s"}
        if at is not None:
            query["time"] = _unix(at)
        return self._bounded(_answer(await self._ask("query", query)), most)

    async def range(self, promql: str, start: datetime, end: datetime, step: timedelta | None = None) -> Answer:
        """Values from `start` to `end`, at most `max_points` per series: a finer step is made coarser, and said.

        Raises ValueError when the times are no range.
        """
        if start >= end:
            raise ValueError(
                f"start_time ({start:%Y-%m-%dT%H:%M:%SZ}) must be before end_time ({end:%Y-%m-%dT%H:%M:%SZ})"
            )
        warnings: list[str] = []
        if end - start > MAX_RANGE:
            start = end - MAX_RANGE
            warnings.append(f"only the last {MAX_RANGE.days} days were asked for")
        least = step_for(end - start, self._settings.max_points)
        if step is not None and step < least:
            warnings.append(
                f"the step was made {least.total_seconds():g}s, for at most {self._settings.max_points} points"
            )
        taken = max(step or least, least)
        query = {
            "query": promql,
            "start": _unix(start),
            "end": _unix(end),
            "step": f"{taken.total_seconds():g}",
            "timeout": f"{self._settings.timeout_seconds:g}s",
        }
        found = self._bounded(_answer(await self._ask("query_range", query)))
        return replace(found, step=taken, warnings=[*warnings, *found.warnings])

    async def _ask(self, what: str, query: Mapping[str, str]) -> dict[str, Any]:
        body = await self.endpoint.get(f"/api/v1/{what}", query)
        if not isinstance(body, dict) or body.get("status") != "success" or not isinstance(body.get("data"), dict):
            said = body.get("error") if isinstance(body, dict) else None
            raise SourceError(f"Prometheus gave no result: {redact(str(said or 'an answer of another shape'))[:400]}")
        return body

    def _bounded(self, found: Answer, most: int | None = None) -> Answer:
        series, warnings = found.series, found.warnings
        per_series = max((len(one.points) for one in series), default=1) or 1
        most = most or max(1, min(self._settings.max_series, MAX_TOTAL_POINTS // per_series))
        if len(series) > most:
            warnings = [
                *warnings,
                f"{most} of {len(series)} series are shown; aggregate, or use topk() to choose which",
            ]
            series = series[:most]
        return replace(found, series=series, warnings=warnings)


def step_for(span: timedelta, points: int) -> timedelta:
    """The finest usual step that needs no more than `points` points for the span, ends included."""
    least = span.total_seconds() / max(points - 1, 1)
    return timedelta(seconds=next((step for step in _STEPS if step >= least), math.ceil(least)))


def parse_step(text: str) -> timedelta:
    """`30s`, `5m`, or seconds. Raises ValueError."""
    try:
        seconds = float(text)
        if math.isfinite(seconds) and seconds > 0:
            return timedelta(seconds=seconds)
    except ValueError:
        found = parse_duration(text)
        if found is not None and found > timedelta(0):
            return found
    raise ValueError(f"{text!r} is no step: write 30s, 5m, 1h, or seconds")


def pods_of(kind: str, name: str) -> str:
    """The matcher for the pods of a workload, by the names that Kubernetes makes; exact for a pod."""
    letters, base = "[bcdf-hj-np-tv-xz24-9]", _escaped(name)
    suffix = {
        "Deployment": f"-{letters}{{6,10}}-{letters}{{5}}",
        "StatefulSet": "-[0-9]+",
        "DaemonSet": f"-{letters}{{5}}",
        "ReplicaSet": f"-{letters}{{5}}",
        "Job": f"-({letters}{{5}}|[0-9]+-{letters}{{5}})",
        "CronJob": f"-[0-9]+-{letters}{{5}}",
    }.get(kind)
    return f"={name}" if suffix is None else f"=~{base}{suffix}"


def _matcher(name: str, value: str) -> str:
    operator = next((sign for sign in ("=~", "!~", "!=", "=") if value.startswith(sign)), "")
    text = value.removeprefix(operator).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}{operator or "="}"{text}"'


def _escaped(name: str) -> str:
    return name.replace(".", "[.]")


def _unix(time: datetime) -> str:
    return f"{time.timestamp():.3f}"


def _answer(body: dict[str, Any]) -> Answer:
    data = body["data"]
    kind, result = str(data.get("resultType", "")), data.get("result") or []
    warnings = [redact(str(text))[:300] for key in ("warnings", "infos") for text in body.get(key) or []]
    try:
        if kind in ("scalar", "string"):
            return Answer(kind, [Series({}, [_point(result)])], warnings=warnings)
        series = [
            Series(redact_object(item.get("metric") or {}), [_point(p) for p in item.get("values") or [item["value"]]])
            for item in result
        ]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceError(f"Prometheus answered a {kind or 'result'} of another shape ({error!r})") from error
    return Answer(kind, series, warnings=warnings)


def _point(pair: Any) -> tuple[datetime, float]:
    time, value = pair[0], pair[1]
    try:
        number = float(value)
    except ValueError:  # the result of a string expression
        number = math.nan
    return datetime.fromtimestamp(float(time), UTC), number
