"""Incidents, their signals and the outbox, on SQLite (a file of their own) or PostgreSQL (tables of their own)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from agents.runtime.database import Database
from agents.runtime.migrations import prepare
from agents.runtime.settings import StoreSettings
from planner.incidents.incident import AT_REST, Delivery, Incident, IncidentStatus, Signal
from planner.incidents.intake import Taken, take
from planner.incidents.rows import incident_of, values_of
from planner.incidents.schema import TABLES, incidents, notifications, signals


class UnknownIncident(KeyError):
    """There is no incident of that id."""


class Filters(NamedTuple):
    """Which incidents; what is None covers all."""

    status: str | None = None
    open: bool | None = None
    namespace: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Notice:
    """Something to tell one webhook."""

    occasion: str
    """The same notice is never kept twice for a target."""
    target: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.occasion}\n{self.target}".encode()).hexdigest()


@dataclass(frozen=True)
class Due:
    """A notice on its way."""

    id: str
    body: dict[str, Any]
    attempts: int
    created_at: float


class IncidentStore:
    """What is known of incidents. Safe to use from many tasks, and by several planners on PostgreSQL."""

    def __init__(self, settings: StoreSettings) -> None:
        self._database = Database(settings.url, settings.folder, "incidents")
        self._migrate = settings.migrate
        self._upsert: Any = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert

    async def open(self) -> None:
        """Brings the tables up to date. Raises MigrationError."""
        await prepare(self._database, TABLES, migrate=self._migrate)

    async def close(self) -> None:
        """Lets go of the database."""
        await self._database.close()

    async def take(self, delivery: Delivery, cluster_label: str) -> Taken:
        """Keeps what is new in a delivery."""
        moment = time.time()
        return await self._database.write(lambda connection: take(connection, delivery, moment, cluster_label))

    # -- reading -------------------------------------------------------------------------------------------------

    async def incident(self, id: str) -> Incident:
        """One incident. Raises UnknownIncident."""
        found = await self._incidents(sa.select(incidents).where(incidents.c.id == id))
        if not found:
            raise UnknownIncident(id)
        return found[0]

    async def page(self, limit: int, filters: Filters, before: str | None = None) -> list[Incident]:
        """Incidents, newest first, those after the incident `before`. Raises UnknownIncident."""
        query = sa.select(incidents).order_by(incidents.c.created_at.desc(), incidents.c.id.desc()).limit(limit)
        for column in ("status", "namespace", "cluster"):
            if (wanted := getattr(filters, column)) is not None:
                query = query.where(incidents.c[column] == wanted)
        if filters.open is not None:
            query = query.where(incidents.c.open_key.is_not(None) if filters.open else incidents.c.open_key.is_(None))
        if before is not None:
            place = await self.incident(before)
            at = sa.tuple_(sa.literal(place.created_at.timestamp()), sa.literal(place.id))
            query = query.where(sa.tuple_(incidents.c.created_at, incidents.c.id) < at)
        return await self._incidents(query)

    async def any_active(self) -> bool:
        """Whether there are incidents that are not closed."""
        return await self._database.read(lambda c: c.execute(_ANY_ACTIVE).first() is not None, brief=True)

    async def active(self) -> list[Incident]:
        """Incidents that are not closed, oldest first."""
        query = sa.select(incidents).where(incidents.c.open_key.is_not(None)).order_by(incidents.c.created_at)
        return await self._incidents(query)

    async def signals(self, ids: Sequence[str], limit: int) -> list[Signal]:
        """Signals of incidents, those that fire first, then the newest."""
        query = (
            sa.select(signals.c.data, signals.c.firing)
            .where(signals.c.incident_id.in_(ids))
            .order_by(signals.c.firing.desc(), signals.c.seen_at.desc(), signals.c.fingerprint)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: list(connection.execute(query).all()))
        return [Signal.model_validate_json(row.data).model_copy(update={"firing": row.firing}) for row in rows]

    # -- moving --------------------------------------------------------------------------------------------------

    async def begin_plan(self, batch: Sequence[Incident], request_id: str) -> list[Incident]:
        """Gives open incidents to a plan; those that another planner has taken meanwhile are left out."""
        mine = incidents.c.status == "open", incidents.c.request_id.is_(None)

        def work(connection: Connection) -> list[Incident]:
            taken: list[Incident] = []
            for incident in batch:
                statement = sa.update(incidents).where(incidents.c.id == incident.id, *mine)
                if connection.execute(statement.values(status="diagnosing", request_id=request_id)).rowcount:
                    taken.append(incident.model_copy(update={"status": "diagnosing", "request_id": request_id}))
            return taken

        return await self._database.write(work)

    async def move(
        self, request_id: str, status: IncidentStatus, told: Mapping[str, Any], notices: Sequence[Notice] = ()
    ) -> None:
        """The open incidents of a plan stand elsewhere now, and the outbox holds what there is to tell of it."""
        theirs = sa.and_(incidents.c.request_id == request_id, incidents.c.open_key.is_not(None))

        def work(connection: Connection) -> None:
            rows = connection.execute(sa.select(incidents).where(theirs).with_for_update()).all()
            changed = {"status": status, "changed_at": datetime.now(UTC), **told}
            for incident in map(incident_of, rows):
                values = values_of(incident.model_copy(update=changed))
                connection.execute(sa.update(incidents).where(incidents.c.id == incident.id).values(values))
            self._keep(connection, notices)

        await self._database.write(work)

    async def finish(self, incident: Incident, note: str, notices: Sequence[Notice] = ()) -> bool:
        """Closes an incident that nothing fires for any more. False when something does, or it is not at rest."""
        at = datetime.now(UTC)
        changed = {"status": "resolved", "closed_at": at, "changed_at": at, "note": note or incident.note}
        values = values_of(incident.model_copy(update=changed)) | {"open_key": None}
        quiet = sa.and_(incidents.c.firing == 0, incidents.c.status.in_(AT_REST), incidents.c.open_key.is_not(None))
        statement = sa.update(incidents).where(incidents.c.id == incident.id, quiet).values(values)

        def work(connection: Connection) -> bool:
            if not connection.execute(statement).rowcount:
                return False
            self._keep(connection, notices)
            return True

        return await self._database.write(work)

    async def forget_before(self, moment: float) -> None:
        """Drops what was closed before, and notifications that were over by then."""
        old = sa.select(incidents.c.id).where(incidents.c.open_key.is_(None), incidents.c.closed_at < moment)

        def work(connection: Connection) -> None:
            connection.execute(sa.delete(signals).where(signals.c.incident_id.in_(old)))
            connection.execute(sa.delete(incidents).where(incidents.c.id.in_(old)))
            connection.execute(sa.delete(notifications).where(notifications.c.created_at < moment))

        await self._database.write(work)

    # -- the outbox ----------------------------------------------------------------------------------------------

    def _keep(self, connection: Connection, notices: Sequence[Notice]) -> None:
        at = time.time()
        for notice in notices:
            row = {"id": notice.id, "target": notice.target, "due": at, "attempts": 0, "created_at": at}
            row["body"] = json.dumps(notice.body, ensure_ascii=False)
            connection.execute(self._upsert(notifications).values(row).on_conflict_do_nothing())

    async def next_due(self, target: str, seconds: float = 60.0) -> Due | None:
        """Takes the oldest notice that is due; for so many seconds nobody else sends it."""
        at = time.time()
        query = (
            sa.select(notifications)
            .where(notifications.c.target == target, notifications.c.due <= at)
            .order_by(notifications.c.due, notifications.c.created_at)
            .limit(1)
        )

        def work(connection: Connection) -> Due | None:
            row = connection.execute(query).first()
            if row is None:
                return None
            mine = sa.update(notifications).where(notifications.c.id == row.id, notifications.c.due == row.due)
            if not connection.execute(mine.values(due=at + seconds, attempts=row.attempts + 1)).rowcount:
                return None
            return Due(row.id, json.loads(row.body), row.attempts + 1, row.created_at)

        return await self._database.write(work)

    async def sent(self, id: str, again_at: float | None = None) -> None:
        """A notice is over, or is tried again at a time (seconds since 1970)."""
        statement = sa.update(notifications).where(notifications.c.id == id).values(due=again_at)
        await self._database.write(lambda connection: connection.execute(statement).rowcount)

    async def _incidents(self, query: sa.Executable) -> list[Incident]:
        rows = await self._database.read(lambda connection: list(connection.execute(query).all()))
        return [incident_of(row) for row in rows]


_ANY_ACTIVE = sa.select(sa.literal(1)).where(incidents.c.open_key.is_not(None)).limit(1)
