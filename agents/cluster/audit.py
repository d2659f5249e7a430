"""Audit events (`audit.k8s.io/v1`): who asked the API server for what, from JSON lines on disk.

Other sources (`audit_loki`, the store behind the auditor's webhook) answer the same `AuditSource`.
"""

from __future__ import annotations

import asyncio
import gzip
import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from agents.cluster.kinds import CATALOGUE
from agents.cluster.times import parse_time

CHANGING = ("create", "update", "patch", "delete", "deletecollection")
_FINAL_STAGES = ("ResponseComplete", "Panic")
_NOISE = frozenset({"events", "leases", "endpoints", "endpointslices", "tokenreviews", "subjectaccessreviews"})
_NOISE_SUBRESOURCES = frozenset({"status", "binding", "token", "log", "finalize", "approval"})
_CONTROL_PLANE = ("system:serviceaccount:kube-system:", "system:node:", "system:kube-", "system:apiserver")


class AuditUnreadable(ValueError):
    """The configured audit log cannot be read; says which path and why."""


@dataclass(frozen=True)
class AuditEvent:
    """One request, when its answer was complete. `raw` is the event as the API server wrote it."""

    raw: dict[str, Any]
    at: datetime

    @property
    def verb(self) -> str:
        """As in RBAC: get, list, create, patch, delete, …"""
        return str(self.raw.get("verb", ""))

    @property
    def user(self) -> str:
        """Who it was, impersonation included."""
        acting = (self.raw.get("user") or {}).get("username", "")
        impersonated = (self.raw.get("impersonatedUser") or {}).get("username")
        return f"{impersonated} (by {acting})" if impersonated else str(acting)

    @property
    def reference(self) -> dict[str, Any]:
        """The objectRef: resource (plural), namespace, name, apiGroup, subresource."""
        return self.raw.get("objectRef") or {}

    @property
    def code(self) -> int:
        """The HTTP status of the answer; 0 when it is not known."""
        return int((self.raw.get("responseStatus") or {}).get("code") or 0)

    @property
    def name(self) -> str:
        """The object's name; one created with generateName is named by the answer."""
        for place in (self.reference, *(self._body(key).get("metadata") or {} for key in _BODIES)):
            if place.get("name"):
                return str(place["name"])
        return ""

    @property
    def resource(self) -> str:
        """`namespace/Kind/name`, with the plural where the kind is not known."""
        plural, group = str(self.reference.get("resource", "")), str(self.reference.get("apiGroup", ""))
        kind = CATALOGUE.find(f"{group}/{plural}") or (None if group else CATALOGUE.find(plural))
        parts = (self.reference.get("namespace"), kind.name if kind else plural, self.name)
        return "/".join(str(part) for part in parts if part)

    @property
    def is_change(self) -> bool:
        """Whether it altered the cluster in a way that people care about: no dry run, no heartbeat, no failure."""
        return (
            self.verb in CHANGING
            and self.code < 400
            and "dryRun=" not in str(self.raw.get("requestURI", ""))
            and self.reference.get("resource") not in _NOISE
            and self.reference.get("subresource") not in _NOISE_SUBRESOURCES
        )

    @property
    def is_denied(self) -> bool:
        """Whether the request was refused for want of rights; not for its content, as admission does."""
        annotations = self.raw.get("annotations") or {}
        decision = annotations.get("authorization.k8s.io/decision")
        return decision == "forbid" or (decision is None and self.code == 403)

    @property
    def by_control_plane(self) -> bool:
        """Whether a controller or a node did it: a consequence, not a decision of somebody."""
        return str((self.raw.get("user") or {}).get("username", "")).startswith(_CONTROL_PLANE)

    def _body(self, key: str) -> dict[str, Any]:
        body = self.raw.get(key)
        return body if isinstance(body, dict) else {}


_BODIES = ("responseObject", "requestObject")


@dataclass(frozen=True)
class AuditFilter:
    """Which events. Texts may end in `*`; empty means any."""

    start: datetime
    end: datetime
    namespace: str | None = None
    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """Plurals, as `plurals` makes them."""
    name: str | None = None
    user: str | None = None
    changes_only: bool = False
    people_only: bool = False
    """Leave out what controllers and nodes did."""
    denied_only: bool = False
    """Only requests that were refused for want of rights."""
    limit: int = 100

    def accepts(self, event: AuditEvent) -> bool:
        """Whether the event is one of them."""
        reference = event.reference
        return (
            self.start <= event.at <= self.end
            and (not self.verbs or event.verb in self.verbs)
            and (not self.resources or reference.get("resource") in self.resources)
            and _like(self.namespace, str(reference.get("namespace") or ""))
            and _like(self.name, event.name)
            and _like(self.user, event.user)
            and (not self.changes_only or event.is_change)
            and (not self.people_only or not event.by_control_plane)
            and (not self.denied_only or event.is_denied)
        )


@dataclass(frozen=True)
class AuditPage:
    """The newest events that match, newest first."""

    events: list[AuditEvent]
    total: int
    """How many matched, shown or not."""
    oldest: datetime | None = None
    """The oldest event of the source: how far back it can know."""
    problems: list[str] = field(default_factory=list)


class AuditSource(Protocol):
    """Where audit events are kept."""

    @property
    def description(self) -> str: ...

    async def find(self, wanted: AuditFilter) -> AuditPage: ...


class Newest:
    """Collects the newest events that a filter accepts, each once, in bounded memory, whatever their order."""

    def __init__(self, wanted: AuditFilter) -> None:
        self._wanted = wanted
        self._kept: list[tuple[datetime, int, AuditEvent]] = []
        self._seen: set[str] = set()
        self._number = 0
        self._total = 0
        self.oldest: datetime | None = None
        """The oldest event that was offered, accepted or not."""

    def offer(self, event: AuditEvent) -> None:
        """One event."""
        self._number += 1
        self.oldest = min(self.oldest, event.at) if self.oldest else event.at
        if not self._wanted.accepts(event) or _repeated(event, self._seen):
            return
        self._total += 1
        heapq.heappush(self._kept, (event.at, self._number, event))
        if len(self._kept) > self._wanted.limit:
            heapq.heappop(self._kept)

    def page(self, problems: list[str], oldest: datetime | None = None) -> AuditPage:
        """What was kept, newest first."""
        events = [event for _, _, event in sorted(self._kept, key=lambda kept: kept[:2], reverse=True)]
        return AuditPage(events, self._total, oldest or self.oldest, problems)


class AuditFiles:
    """A file of JSON lines, or a folder of them (rotated, gzip). Read anew for every question, off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def description(self) -> str:
        """Where the events come from, for evidence."""
        return str(self._path)

    async def find(self, wanted: AuditFilter) -> AuditPage:
        """The newest matching events. Raises AuditUnreadable."""
        return await asyncio.to_thread(self._find, wanted)

    def _find(self, wanted: AuditFilter) -> AuditPage:
        newest, bad = Newest(wanted), 0
        try:
            for line in self._lines(wanted.start):
                event = event_of(line)
                if event is None:
                    bad += bool(line.strip()) and not _other_stage(line)
                else:
                    newest.offer(event)
        except OSError as error:
            raise AuditUnreadable(f"the audit log {self._path} cannot be read: {error}") from error
        return newest.page([f"{bad} lines of the audit log are no audit events"] if bad else [])

    def _lines(self, start: datetime) -> Iterator[bytes]:
        if not self._path.exists():
            raise AuditUnreadable(f"there is no audit log at {self._path} (audit.path)")
        folder = self._path.is_dir()
        paths = sorted(path for path in self._path.iterdir() if path.is_file()) if folder else [self._path]
        for path in paths:
            # A rotated file that was last written before the window holds nothing of it.
            if folder and datetime.fromtimestamp(path.stat().st_mtime, UTC) < start:
                continue
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
                yield from lines


def event_of(line: str | bytes) -> AuditEvent | None:
    """An event from a JSON line; None when it is none, or not the final stage of its request."""
    try:
        return event_from(json.loads(line))
    except ValueError:
        return None


def event_from(raw: Any) -> AuditEvent | None:
    """An event from its JSON; None when it is none, or not the final stage of its request."""
    if not isinstance(raw, dict) or raw.get("kind") != "Event" or raw.get("stage") not in _FINAL_STAGES:
        return None
    at = parse_time(raw.get("requestReceivedTimestamp")) or parse_time(raw.get("stageTimestamp"))
    return AuditEvent(raw, at) if at else None


def plurals(names: str | None) -> tuple[str, ...]:
    """`deploy, Service, pods` as the plurals that events carry; unknown names stay as they are."""
    found: list[str] = []
    for name in (names or "").split(","):
        if name := name.strip():
            kind = CATALOGUE.find(name)
            found.append(kind.plural if kind else name.lower())
    return tuple(found)


def _other_stage(line: bytes) -> bool:
    return b'"RequestReceived"' in line or b'"ResponseStarted"' in line


def _repeated(event: AuditEvent, seen: set[str]) -> bool:
    """Whether the event was read already: a rotation may leave the same events in two files."""
    key = str(event.raw.get("auditID") or "")
    if not key:
        return False
    if key in seen:
        return True
    seen.add(key)
    return False


def _like(pattern: str | None, value: str) -> bool:
    if not pattern or pattern == "*":
        return True
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
