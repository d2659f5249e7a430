"""list_events: what the cluster reported, newest first, with counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from agents.auditor.results import EventEntry, EventList
from agents.cluster.cluster import ClusterReader
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.cluster.times import parse_moment, parse_time

MAX_LIMIT = 200
MAX_READ = 5_000
"""A cluster in trouble has tens of thousands of events; they live for an hour, and kubectl would read them all."""
MAX_MESSAGE = 600
_POD_IDENTITY = re.compile(r"_[a-z0-9-]+\([0-9a-f-]{36}\)?")
"""The kubelet names a pod `name_namespace(uid)`; the name is enough."""


async def list_events(
    cluster: ClusterReader,
    *,
    namespace: str | None = None,
    resource: str | None = None,
    event_type: str | None = None,
    since: str = "24h",
    limit: int = 50,
) -> EventList:
    """Events about a resource (`namespace/Kind/name`, or a name), of a namespace, or of the cluster."""
    start = parse_moment(since, datetime.now(UTC))
    target = _target(resource, namespace)
    namespace = (target.namespace if target else None) or namespace
    selector = _selector(target, event_type)
    found = [
        entry
        for raw in await cluster.list("Event", namespace, field_selector=selector, limit=MAX_READ)
        if (entry := entry_of(raw)).last_seen >= start
    ]
    found.sort(key=lambda entry: entry.last_seen, reverse=True)
    return EventList(
        query=_command(namespace, selector), total=len(found), events=found[: min(max(limit, 1), MAX_LIMIT)]
    )


def entry_of(raw: dict[str, Any]) -> EventEntry:
    """An event of core/v1, in the old form (count, lastTimestamp) or the new one (series, eventTime)."""
    metadata, about, series = raw.get("metadata") or {}, raw.get("involvedObject") or {}, raw.get("series") or {}
    times = [
        parse_time(value)
        for value in (
            series.get("lastObservedTime"),
            raw.get("lastTimestamp"),
            raw.get("eventTime"),
            raw.get("firstTimestamp"),
            metadata.get("creationTimestamp"),
        )
    ]
    last = next((time for time in times if time), datetime.fromtimestamp(0, UTC))
    resource = Resource(about.get("kind", ""), about.get("name", ""), about.get("namespace"))
    return EventEntry(
        type=raw.get("type") or "Normal",
        reason=raw.get("reason") or "",
        resource=str(resource),
        message=_POD_IDENTITY.sub("", redact(str(raw.get("message") or "")))[:MAX_MESSAGE],
        count=series.get("count") or raw.get("count") or 1,
        first_seen=parse_time(raw.get("firstTimestamp")) or parse_time(raw.get("eventTime")),
        last_seen=last,
        source=(raw.get("source") or {}).get("component") or raw.get("reportingComponent") or "",
    )


def _target(resource: str | None, namespace: str | None) -> Resource | None:
    if not resource:
        return None
    if "/" not in resource:
        return Resource("", resource, namespace)
    return Resource.parse(resource)


def _selector(target: Resource | None, event_type: str | None) -> str | None:
    parts = [
        f"type={event_type}" if event_type else "",
        f"involvedObject.kind={target.kind}" if target and target.kind else "",
        f"involvedObject.name={target.name}" if target else "",
    ]
    return ",".join(part for part in parts if part) or None


def _command(namespace: str | None, selector: str | None) -> str:
    place = f"-n {namespace}" if namespace else "-A"
    return f"kubectl get events {place}" + (f" --field-selector {selector}" if selector else "")
