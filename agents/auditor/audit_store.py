"""Audit events that the API server's webhook sent, in SQLite or PostgreSQL, for as long as they are wanted."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from agents.auditor.audit_tables import TABLES, events
from agents.cluster.audit import AuditEvent, AuditFilter, AuditPage, event_from
from agents.cluster.errors import ClusterError
from agents.cluster.redaction import redact_object
from agents.runtime.database import Database
from agents.runtime.migrations import MigrationError, bring_up
from agents.runtime.settings import AuditWebhookSettings, StoreSettings

_SECRET_RESOURCES = ("secrets", "tokenreviews", "serviceaccounts")
_BODIES = ("requestObject", "responseObject")
_ROWS = 200
"""Rows per statement: SQLite bounds the number of parameters."""

T = TypeVar("T")


class AuditStoreError(ClusterError):
    """The database refused or is gone."""


class AuditStore:
    """Events of all clusters. `at(cluster)` is an AuditSource; `add` is idempotent by audit id and stage."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._database: Database | None = None
        self._users = 0

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Opens the database, and closes it when nobody is inside any more. Raises AuditStoreError."""
        self._users += 1
        try:
            if self._database is None:
                self._database = Database(self._settings.url, self._settings.folder, "audit-events")
                await self._do(self._database.write, lambda c: bring_up(c, TABLES, migrate=self._settings.migrate))
            yield
        finally:
            self._users -= 1
            if self._users == 0 and self._database is not None:
                database, self._database = self._database, None
                await database.close()

    def at(self, cluster: str) -> StoredAudit:
        """The events of one cluster, as a source; the empty name is the only cluster's."""
        return StoredAudit(self, cluster)

    async def add(self, cluster: str, items: Sequence[Any]) -> int:
        """Keeps the final stage of every request, once, and says how many items were audit events of any stage.

        Secrets lose their data before they are written.
        """
        rows = [_row(cluster, event) for item in items if (event := event_from(item)) is not None]
        if rows:
            await self._do(self._open.write, lambda connection: _insert(connection, rows))
        return sum(isinstance(item, dict) and item.get("kind") == "Event" for item in items)

    async def expire(self, cluster: str, settings: AuditWebhookSettings, now: datetime) -> int:
        """Removes what is older than the retention, and the oldest beyond the number of events. Returns how many."""
        oldest = _microseconds(now - timedelta(hours=settings.retention_hours))
        return await self._do(
            self._open.write, lambda connection: _expire(connection, cluster, oldest, settings.max_events)
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs a query. Raises AuditStoreError."""
        return await self._do(self._open.read, work)

    @property
    def _open(self) -> Database:
        if self._database is None:
            raise AuditStoreError("the store of audit events is not open")
        return self._database

    async def _do(self, how: Callable[[Callable[[Connection], T]], Any], work: Callable[[Connection], T]) -> T:
        try:
            return await how(work)
        except MigrationError as error:
            raise AuditStoreError(str(error)) from error
        except (DBAPIError, OSError) as error:
            shown = self._database.shown if self._database else "nowhere"
            cause = getattr(error, "orig", None) or error
            raise AuditStoreError(f"the store of audit events at {shown} failed: {cause}") from error


class StoredAudit:
    """The stored events of one cluster."""

    def __init__(self, store: AuditStore, cluster: str) -> None:
        self._store, self._cluster = store, cluster

    @property
    def description(self) -> str:
        """Where the events come from, for evidence."""
        return "audit webhook"

    async def find(self, wanted: AuditFilter) -> AuditPage:
        """The newest matching events. Raises AuditStoreError."""
        matches = _matches(self._cluster, wanted)
        newest = select(events.c.blob).where(*matches).order_by(events.c.at_us.desc()).limit(wanted.limit)

        def work(connection: Connection) -> AuditPage:
            blobs = [row.blob for row in connection.execute(newest)]
            total = connection.execute(select(func.count()).select_from(events).where(*matches)).scalar_one()
            first = connection.execute(
                select(func.min(events.c.at_us)).where(events.c.cluster == self._cluster)
            ).scalar_one()
            found = [event for blob in blobs if (event := event_from(json.loads(zlib.decompress(blob))))]
            return AuditPage(found, total, None if first is None else _time(first))

        return await self._store.read(work)


def _matches(cluster: str, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions: the same decisions as `AuditFilter.accepts`, made when the event was written."""
    e = events.c
    found: list[ColumnElement[bool]] = [
        e.cluster == cluster,
        e.at_us >= _microseconds(wanted.start),
        e.at_us <= _microseconds(wanted.end),
    ]
    if wanted.verbs:
        found.append(e.verb.in_(wanted.verbs))
    if wanted.resources:
        found.append(e.resource.in_(wanted.resources))
    for column, pattern in ((e.namespace, wanted.namespace), (e.name, wanted.name), (e.username, wanted.user)):
        if pattern and pattern.endswith("*"):
            # substr and not LIKE, which does not tell upper from lower case in SQLite.
            prefix = pattern[:-1]
            found.append(func.substr(column, 1, len(prefix)) == prefix)
        elif pattern:
            found.append(column == pattern)
    flags = (
        (wanted.changes_only, e.is_change.is_(True)),
        (wanted.people_only, e.by_control_plane.is_(False)),
        (wanted.denied_only, e.is_denied.is_(True)),
    )
    return [*found, *(condition for asked, condition in flags if asked)]


def _row(cluster: str, event: AuditEvent) -> dict[str, Any]:
    raw = event.raw
    if event.reference.get("resource") in _SECRET_RESOURCES:
        raw = {key: redact_object(value) if key in _BODIES else value for key, value in raw.items()}
    at = _microseconds(event.at)
    return {
        "cluster": cluster,
        "audit_id": str(raw.get("auditID") or f"{at}-{event.verb}-{event.resource}-{event.user}"),
        "stage": str(raw.get("stage")),
        "at_us": at,
        "verb": event.verb,
        "resource": str(event.reference.get("resource") or ""),
        "namespace": str(event.reference.get("namespace") or ""),
        "name": event.name,
        "username": event.user,
        "is_change": event.is_change,
        "is_denied": event.is_denied,
        "by_control_plane": event.by_control_plane,
        "blob": zlib.compress(json.dumps(raw, separators=(",", ":")).encode(), 1),
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for start in range(0, len(rows), _ROWS):
        # SQLite takes a list of values in one statement faster than one by one; both ignore what is there already.
        connection.execute(dialect.insert(events).on_conflict_do_nothing(), rows[start : start + _ROWS])


def _expire(connection: Connection, cluster: str, oldest: int, most: int) -> int:
    own = events.c.cluster == cluster
    gone = connection.execute(delete(events).where(own, events.c.at_us < oldest)).rowcount
    newest = select(events.c.at_us).where(own).order_by(events.c.at_us.desc()).offset(most).limit(1)
    beyond = connection.execute(newest).scalar()
    if beyond is not None:
        gone += connection.execute(delete(events).where(own, events.c.at_us <= beyond)).rowcount
    return gone


def _microseconds(time: datetime) -> int:
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def _time(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
