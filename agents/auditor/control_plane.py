"""query_controlplane_logs: what apiserver, scheduler and controllers logged, from their pods in kube-system."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from agents.auditor.results import ControlPlaneEntry, ControlPlaneLogs
from agents.cluster.cluster import Cluster
from agents.cluster.errors import NotFound
from agents.cluster.logs import fold
from agents.cluster.redaction import redact
from agents.cluster.times import iso, parse_moment, parse_time

COMPONENTS = {
    "apiserver": "kube-apiserver",
    "kcm": "kube-controller-manager",
    "controller-manager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
    "ccm": "cloud-controller-manager",
    "etcd": "etcd",
}
NAMESPACE = "kube-system"
MAX_LIMIT = 100
MAX_LINES = 50_000
MAX_MESSAGE = 600
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
) -> ControlPlaneLogs:
    """The newest lines that match, repeated ones folded. Raises NotFound when the component runs nowhere to be seen."""
    now = datetime.now(UTC)
    start, end = parse_moment(start_time, now), parse_moment(end_time, now) if end_time else now
    component = COMPONENTS.get(component_name.lower(), component_name.lower())
    pods = [pod["metadata"]["name"] for pod in await cluster.list("Pod", NAMESPACE) if _runs(pod, component)]
    if not pods:
        raise NotFound(
            f"{component} runs in no pod of {NAMESPACE}; managed clusters keep its log with the provider", status=404
        )
    entries: list[ControlPlaneEntry] = []
    for pod in pods:
        seconds = max(1, int((now - start).total_seconds()))
        lines = cluster.log_lines(NAMESPACE, pod, since_seconds=seconds, tail_lines=MAX_LINES)
        folded = await fold(lines, filter_pattern)
        entries += [entry_of(component, pod, t.last, t.count, now) for t in folded.templates()]
    inside = [entry for entry in entries if entry.timestamp is None or start <= entry.timestamp <= end]
    inside.sort(key=lambda entry: entry.timestamp or start, reverse=True)
    words = f"component={component} filter_pattern={filter_pattern or '*'} from {iso(start)} to {iso(end)}"
    return ControlPlaneLogs(query=words, entries=inside[: min(max(limit, 1), MAX_LIMIT)], total=len(inside))


def entry_of(component: str, pod: str, line: str, count: int, now: datetime) -> ControlPlaneEntry:
    """A line in klog's format, or with an ISO time, or neither."""
    if match := _KLOG.match(line):
        level, month, day, clock, _, message = match.groups()
        time = parse_time(f"{now.year}-{month}-{day}T{clock}Z")
        # klog writes no year: a date in the future was last year's.
        if time and time > now:
            time = time.replace(year=now.year - 1)
    else:
        found = _TIME.search(line)
        time, level, message = parse_time(found[0]) if found else None, "", line
    return ControlPlaneEntry(
        timestamp=time,
        level=_LEVELS.get(level, ""),
        component=component,
        message=redact(message)[:MAX_MESSAGE],
        source=f"{NAMESPACE}/Pod/{pod}",
        count=count,
    )


def _runs(pod: dict[str, Any], component: str) -> bool:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    return component in (labels.get("component"), labels.get("k8s-app")) or metadata["name"].startswith(component)
