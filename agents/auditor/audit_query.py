"""query_audit_log: from the tool's parameters to entries that are small, redacted and say what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agents.auditor.results import AuditEntry, AuditLog
from agents.cluster.audit import CHANGING, AuditEvent, AuditFilter, AuditSource, plurals
from agents.cluster.changes import fields_of, last_known_object
from agents.cluster.redaction import redact_object
from agents.cluster.times import parse_moment

MAX_LIMIT = 100
MAX_OBJECT = 4_000
"""Characters of JSON; a larger request or response object is left out, its fields are not."""
MAX_DELETIONS = 5
"""For so many of the newest deletions the last known object is looked up: each costs a pass over the log."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def query_audit_log(
    source: AuditSource,
    *,
    namespace: str | None = None,
    verbs: str | None = None,
    resource_types: str | None = None,
    resource_name: str | None = None,
    user: str | None = None,
    start_time: str = "24h",
    end_time: str | None = None,
    limit: int = 10,
) -> AuditLog:
    """The newest matching entries. Raises ValueError for times that are none, AuditUnreadable for the log."""
    now = datetime.now(UTC)
    wanted_verbs = tuple(verb.strip().lower() for verb in (verbs or "").split(",") if verb.strip())
    # Who asks for changes at large means decisions, not the heartbeats and the controllers' echo of them.
    at_large = bool(wanted_verbs) and set(wanted_verbs) <= set(CHANGING) and not (resource_types or resource_name)
    wanted = AuditFilter(
        start=parse_moment(start_time, now),
        end=parse_moment(end_time, now) if end_time else now,
        namespace=namespace,
        verbs=wanted_verbs,
        resources=plurals(resource_types),
        name=resource_name,
        user=user,
        changes_only=at_large,
        people_only=at_large and not user,
        limit=min(max(limit, 1), MAX_LIMIT),
    )
    page = await source.find(wanted)
    entries = [_entry(event) for event in page.events]
    await _add_last_known(source, page.events, entries)
    return AuditLog(
        query=_words(namespace, wanted, start_time, end_time),
        entries=entries,
        total=page.total,
        log_begins_at=page.oldest,
        problems=page.problems,
    )


def _entry(event: AuditEvent) -> AuditEntry:
    status = event.raw.get("responseStatus") or {}
    reference = event.reference
    subresource = reference.get("subresource")
    return AuditEntry(
        timestamp=event.at,
        verb=event.verb,
        resource_type=f"{reference.get('resource', '')}{f'/{subresource}' if subresource else ''}",
        resource_name=event.name or None,
        namespace=reference.get("namespace"),
        user=event.user,
        source_ips=event.raw.get("sourceIPs") or [],
        user_agent=event.raw.get("userAgent"),
        response_code=event.code or None,
        response_status=status.get("reason") or status.get("status"),
        request_uri=str(redact_object(event.raw.get("requestURI") or "")),
        request_object=_small(event.raw.get("requestObject")),
        response_object=_small(event.raw.get("responseObject")),
        resource=event.resource,
        is_change=event.is_change,
        by_control_plane=event.by_control_plane,
        fields=fields_of(event),
    )


async def _add_last_known(source: AuditSource, events: Sequence[AuditEvent], entries: list[AuditEntry]) -> None:
    deletions = [number for number, event in enumerate(events) if event.verb == "delete" and event.is_change]
    for number in deletions[:MAX_DELETIONS]:
        event = events[number]
        history = AuditFilter(
            start=_EPOCH,
            end=event.at,
            namespace=event.reference.get("namespace"),
            resources=(str(event.reference.get("resource")),),
            name=event.name,
            limit=MAX_LIMIT,
        )
        page = await source.find(replace(history, verbs=(*CHANGING, "get")))
        if known := last_known_object(reversed(page.events)):
            entries[number] = entries[number].model_copy(update={"last_known_object": _small(known)})


def _small(body: Any) -> Any:
    if not isinstance(body, dict | list):
        return None
    closed = redact_object(body)
    if isinstance(closed, dict) and isinstance(closed.get("metadata"), dict):
        closed["metadata"] = {key: value for key, value in closed["metadata"].items() if key != "managedFields"}
    return closed if len(json.dumps(closed)) <= MAX_OBJECT else None


def _words(namespace: str | None, wanted: AuditFilter, start: str, end: str | None) -> str:
    parts = {
        "namespace": namespace,
        "verbs": ",".join(wanted.verbs),
        "resource_types": ",".join(wanted.resources),
        "resource_name": wanted.name,
        "user": wanted.user,
        "start_time": start,
        "end_time": end,
    }
    shown = " ".join(f"{key}={value}" for key, value in parts.items() if value)
    return f"{shown} (without heartbeats and the control plane's own writes)" if wanted.people_only else shown
