"""query_controlplane_logs: what apiserver, scheduler and controllers logged: from a folder, Loki, or kube-system."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from agents.auditor.component_logs import from_folder, from_loki
from agents.auditor.results import ControlPlaneEntry, ControlPlaneLogs
from agents.cluster.cluster import Cluster
from agents.cluster.errors import NotFound
from agents.cluster.logs import LogFold
from agents.cluster.loki import LokiClient
from agents.cluster.redaction import redact
from agents.cluster.times import iso, parse_moment, parse_time
from agents.runtime.settings import LogSourceSettings

COMPONENTS = {
    "apiserver": "kube-apiserver",
    "kcm": "kube-controller-manager",
    "controller-manager": "kube-controller-manager",
    "controllermanager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
    "ccm": "cloud-controller-manager",
    "etcd": "etcd",
}
NAMESPACE = "kube-system"
MAX_LIMIT = 100
MAX_LINES = 50_000
MAX_MESSAGE = 600
_COMPONENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# I0131 08:00:00.123456       1 file.go:12] message
_KLOG = re.compile(r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.\d+\s+\d+ (\S+)\] (.*)")
_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:\d\d)")


async def query_controlplane_logs(
    cluster: Cluster,
    *,
    component_name: str,
    filter_pattern: str | None = None,
    start_time: str = "24h",
    end_time: str | None = None,
    limit: int = 10,
    source: LogSourceSettings | None = None,
    loki: LokiClient | None = None,
) -> ControlPlaneLogs:
    """The newest lines that match, repeated ones folded.

    Raises NotFound when the component's log is nowhere to be seen, SourceError for Loki, ValueError for the times.
    """
    now = datetime.now(UTC)
    start, end = parse_moment(start_time, now), parse_moment(end_time, now) if end_time else now
    component = COMPONENTS.get(component_name.lower(), component_name.lower())
    if not _COMPONENT.fullmatch(component):
        raise ValueError(f"{component_name!r} is no component; ask for {', '.join(COMPONENTS)}")
    problems: list[str] = []
    if loki is not None:
        lines = from_loki(loki, component, filter_pattern, start, end, problems)
    elif source and source.path and (files := await from_folder(source.path, component)) is not None:
        lines = files
    else:
        lines = _from_pods(cluster, component, await _pods(cluster, component), now, start)
    folds: dict[str, LogFold] = {}
    times: dict[str, datetime | None] = {}
    async for place, line in lines:
        # A line without a time was written together with the one before it.
        times[place] = time = time_of(line, now) or times.get(place)
        if time is None or start <= time <= end:
            if place not in folds:
                folds[place] = LogFold(filter_pattern)
            folds[place].add(line)
    entries = [
        entry_of(component, place, template.last, template.count, now)
        for place, fold in folds.items()
        for template in fold.templates()
    ]
    entries.sort(key=lambda entry: entry.timestamp or start, reverse=True)
    words = f"component={component} filter_pattern={filter_pattern or '*'} from {iso(start)} to {iso(end)}"
    return ControlPlaneLogs(
        query=words, entries=entries[: min(max(limit, 1), MAX_LIMIT)], total=len(entries), problems=problems
    )


async def _pods(cluster: Cluster, component: str) -> list[str]:
    pods = [pod["metadata"]["name"] for pod in await cluster.list("Pod", NAMESPACE) if _runs(pod, component)]
    if not pods:
        raise NotFound(
            f"{component} runs in no pod of {NAMESPACE}; managed clusters keep its log with the provider "
            "(controlplane.loki or controlplane.path point to it)",
            status=404,
        )
    return pods


async def _from_pods(
    cluster: Cluster, component: str, pods: list[str], now: datetime, start: datetime
) -> AsyncIterator[tuple[str, str]]:
    seconds = max(1, int((now - start).total_seconds()))
    for pod in pods:
        async for line in cluster.log_lines(NAMESPACE, pod, since_seconds=seconds, tail_lines=MAX_LINES):
            yield f"{NAMESPACE}/Pod/{pod}", line


def entry_of(component: str, source: str, line: str, count: int, now: datetime) -> ControlPlaneEntry:
    """A line in klog's format, or with an ISO time, or neither."""
    match = _KLOG.match(line)
    return ControlPlaneEntry(
        timestamp=time_of(line, now),
        level=_LEVELS.get(match[1], "") if match else "",
        component=component,
        message=redact(match[6] if match else line)[:MAX_MESSAGE],
        source=source,
        count=count,
    )


def time_of(line: str, now: datetime) -> datetime | None:
    """When a line was written, in klog's format or ISO 8601; klog writes no year: a future date was last year's."""
    if match := _KLOG.match(line):
        _, month, day, clock, _, _ = match.groups()
        time = parse_time(f"{now.year}-{month}-{day}T{clock}Z")
        if time is None or time > now:
            time = parse_time(f"{now.year - 1}-{month}-{day}T{clock}Z")
        return time
    found = _TIME.search(line)
    return parse_time(found[0]) if found else None


def _runs(pod: dict[str, Any], component: str) -> bool:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    return component in (labels.get("component"), labels.get("k8s-app")) or metadata["name"].startswith(component)
