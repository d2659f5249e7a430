"""query_audit_log and list_denied_requests: from the tools' parameters to entries that are small and redacted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agents.auditor.results import AuditEntry, AuditLog, DeniedRequest, DeniedRequests
from agents.cluster.audit import CHANGING, AuditEvent, AuditFilter, AuditSource, plurals
from agents.cluster.changes import fields_of, last_known_object
from agents.cluster.redaction import redact, redact_object
from agents.cluster.times import parse_moment

MAX_LIMIT = 100
MAX_OBJECT = 4_000
"""Characters of JSON; a larger request or response object is left out, its fields are not."""
MAX_DENIED = 5_000
MAX_REASON = 300
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


async def list_denied_requests(
    source: AuditSource,
    *,
    namespace: str | None = None,
    user: str | None = None,
    start_time: str = "24h",
    end_time: str | None = None,
    limit: int = 20,
) -> DeniedRequests:
    """Requests that were refused for want of rights, alike ones as one, the most frequent first."""
    now = datetime.now(UTC)
    wanted = AuditFilter(
        start=parse_moment(start_time, now),
        end=parse_moment(end_time, now) if end_time else now,
        namespace=namespace,
        user=user,
        denied_only=True,
        limit=MAX_DENIED,
    )
    page = await source.find(wanted)
    groups: dict[tuple[str, ...], list[AuditEvent]] = {}
    for event in page.events:
        key = (event.user, event.verb, _type_of(event), str(event.reference.get("namespace") or ""))
        groups.setdefault(key, []).append(event)
    alike = sorted(groups.values(), key=lambda events: (len(events), events[0].at), reverse=True)
    words = _words(namespace, wanted, start_time, end_time)
    return DeniedRequests(
        query=f"{words} response_code=403",
        requests=[_denied(events) for events in alike[: min(max(limit, 1), MAX_LIMIT)]],
        total=page.total,
        log_begins_at=page.oldest,
        problems=page.problems,
    )


def _denied(events: Sequence[AuditEvent]) -> DeniedRequest:
    """One row for events that differ in time, newest first, and perhaps in the object's name."""
    newest, names = events[0], {event.name for event in events}
    status, annotations = newest.raw.get("responseStatus") or {}, newest.raw.get("annotations") or {}
    reason = status.get("message") or annotations.get("authorization.k8s.io/reason") or status.get("reason") or ""
    return DeniedRequest(
        user=newest.user,
        verb=newest.verb,
        resource_type=_type_of(newest) or str(newest.raw.get("requestURI") or "").partition("?")[0],
        namespace=newest.reference.get("namespace"),
        resource_name=names.pop() if len(names) == 1 else None,
        count=len(events),
        first_seen=events[-1].at,
        last_seen=newest.at,
        reason=redact(str(reason))[:MAX_REASON],
    )


def _type_of(event: AuditEvent) -> str:
    subresource = event.reference.get("subresource")
    return f"{event.reference.get('resource', '')}{f'/{subresource}' if subresource else ''}"


def _entry(event: AuditEvent) -> AuditEntry:
    status = event.raw.get("responseStatus") or {}
    reference = event.reference
    return AuditEntry(
        timestamp=event.at,
        verb=event.verb,
        resource_type=_type_of(event),
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
