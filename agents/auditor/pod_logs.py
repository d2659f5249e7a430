"""get_pod_logs: what the containers of a pod, or of a workload's pods, wrote; folded to a page and redacted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agents.auditor.results import ContainerLog, PodLogs
from agents.cluster.cluster import Cluster
from agents.cluster.errors import ClusterError, NotFound
from agents.cluster.logs import LogFold, fold
from agents.cluster.redaction import redact
from agents.cluster.resources import Owners
from agents.cluster.times import parse_moment

MAX_PODS = 3
MAX_TAIL = 100_000
PAGE = 6_000
"""Characters of folded log per container."""
MAX_LINE = 400
MAX_ERRORS = 5
_OPENING = re.compile(r"Traceback \(most recent call last\)|\s+(?:at |File )")
"""Lines of a stack trace that say nothing on their own."""


async def get_pod_logs(
    cluster: Cluster,
    *,
    namespace: str,
    name: str,
    container: str | None = None,
    previous: bool = False,
    since: str | None = None,
    tail_lines: int = 2_000,
    filter_pattern: str | None = None,
) -> PodLogs:
    """Logs of a pod, or when no pod is called that, of the workload's pods with the most trouble."""
    seconds = _seconds(since)
    pods, left_out = await _pods(cluster, namespace, name)
    wanted = [(pod, box) for pod in pods for box in _containers(pod) if container in (None, box)]
    if container and not wanted:
        raise ValueError(f"{namespace}/{name} has no container {container!r}")

    async def read(pod: dict[str, Any], box: str) -> ContainerLog:
        pod_name = pod["metadata"]["name"]
        lines = cluster.log_lines(
            namespace,
            pod_name,
            box,
            previous=previous,
            since_seconds=seconds,
            tail_lines=min(max(tail_lines, 1), MAX_TAIL),
        )
        try:
            return _container_log(pod_name, box, previous, await fold(lines, filter_pattern))
        except ClusterError as error:
            return ContainerLog(pod=pod_name, container=box, previous=previous, problem=redact(str(error)))

    logs = await asyncio.gather(*(read(pod, box) for pod, box in wanted))
    return PodLogs(namespace=namespace, name=name, containers=list(logs), left_out=left_out)


async def _pods(cluster: Cluster, namespace: str, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The pods to read, and the names of the others."""
    try:
        return [await cluster.get("Pod", name, namespace)], []
    except NotFound:
        pods, sets, jobs = await asyncio.gather(
            cluster.list("Pod", namespace), cluster.list("ReplicaSet", namespace), cluster.list("Job", namespace)
        )
    owners = Owners([*pods, *sets, *jobs])
    own = sorted((pod for pod in pods if owners.top(pod).name == name), key=trouble, reverse=True)
    if not own:
        raise ValueError(f"there is neither a pod nor a workload with pods called {name!r} in namespace {namespace!r}")
    return own[:MAX_PODS], [pod["metadata"]["name"] for pod in own[MAX_PODS:]]


def trouble(pod: dict[str, Any]) -> tuple[bool, int]:
    """How much a pod's log is worth reading: not ready first, then by restarts."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return not all(status.get("ready") for status in statuses), sum(s.get("restartCount", 0) for s in statuses)


def _containers(pod: dict[str, Any]) -> list[str]:
    spec = pod.get("spec") or {}
    return [box["name"] for key in ("initContainers", "containers") for box in spec.get(key) or []]


def _container_log(pod: str, container: str, previous: bool, folded: LogFold) -> ContainerLog:
    severe = [template for template in folded.templates() if template.severe and not _OPENING.match(template.last)]
    # A program that died said why at the end; one that lives says most often what troubles it.
    severe.sort(key=lambda template: (0 if previous else -template.count, -template.order))
    return ContainerLog(
        pod=pod,
        container=container,
        previous=previous,
        lines=folded.lines,
        matched=folded.matched,
        text=redact(folded.page(PAGE)),
        errors=_short([template.last for template in severe[:MAX_ERRORS]]),
        last_lines=_short(list(folded.tail)[-MAX_ERRORS:]),
    )


def _short(lines: Sequence[str]) -> list[str]:
    return [redact(line)[:MAX_LINE] for line in lines]


def _seconds(since: str | None) -> int | None:
    if not since:
        return None
    now = datetime.now(UTC)
    return max(1, int((now - parse_moment(since, now)).total_seconds()))
