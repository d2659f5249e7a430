"""Reports and the runs of schedules, on SQLite (a file of their own) or PostgreSQL (tables of their own)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from agents.runtime.database import Database
from agents.runtime.findings import Language, Wire
from agents.runtime.migrations import prepare
from agents.runtime.settings import StoreSettings
from planner.report.report import Report, ScorePoint
from planner.report.schema import TABLES, reports, runs

Status = Literal["running", "done", "failed"]
MAX_HISTORY = 60
"""Scores of earlier reports that a report shows."""


class UnknownReport(KeyError):
    """There is no report of that id."""


class Start(Wire):
    """What a report was ordered with."""

    id: str
    request_id: str
    cluster: str | None = None
    language: Language = "en"
    user: str = "anonymous"
    schedule: str | None = None
    created_at: datetime


@dataclass(frozen=True)
class Entry:
    """One report as it is kept."""

    start: Start
    status: Status
    cluster: str
    score: float | None = None
    report: Report | None = None
    reason: str | None = None
    """Why it failed."""


class ReportStore:
    """What is known of reports. Safe to use from many tasks, and by several planners on PostgreSQL."""

    def __init__(self, settings: StoreSettings) -> None:
        self._database = Database(settings.url, settings.folder, "reports")
        self._migrate = settings.migrate
        self._insert: Any = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert

    async def open(self) -> None:
        """Brings the tables up to date. Raises MigrationError."""
        await prepare(self._database, TABLES, migrate=self._migrate)

    async def close(self) -> None:
        """Lets go of the database."""
        await self._database.close()

    async def create(self, start: Start, run: tuple[str, datetime] | None = None) -> bool:
        """Keeps a report that begins. With `run` (schedule and due time) only when nobody has made that run yet."""

        def work(connection: Connection) -> bool:
            if run is not None and not self._take(connection, run, start.id):
                return False
            row = {"id": start.id, "request_id": start.request_id, "cluster": start.cluster or "", "status": "running"}
            row |= {"created_at": start.created_at.timestamp(), "start": start.model_dump_json()}
            connection.execute(sa.insert(reports).values(row))
            return True

        return await self._database.write(work)

    async def last_run(self, schedule: str, since: datetime) -> datetime:
        """When the schedule was due last; for a new one `since`, which is noted so that a restart does not forget."""

        def work(connection: Connection) -> float:
            query = sa.select(sa.func.max(runs.c.due)).where(runs.c.schedule == schedule)
            found = connection.execute(query).scalar()
            if found is None:
                self._take(connection, (schedule, since), None)
                found = since.timestamp()
            return found

        return datetime.fromtimestamp(await self._database.write(work), UTC)

    async def finish(self, id: str, outcome: Report | str, cluster: str = "") -> bool:
        """Keeps the Report, or the reason why there is none. False when somebody else has finished it already."""
        if isinstance(outcome, Report):
            values = {"status": "done", "data": outcome.model_dump_json(exclude_defaults=True), "score": outcome.score}
            values["cluster"] = outcome.cluster
        else:
            values = {"status": "failed", "data": json.dumps({"reason": outcome}, ensure_ascii=False)}
            values |= {"cluster": cluster} if cluster else {}

        def work(connection: Connection) -> bool:
            statement = sa.update(reports).where(reports.c.id == id, reports.c.status == "running").values(values)
            return connection.execute(statement).rowcount > 0

        return await self._database.write(work)

    async def entry(self, id: str) -> Entry:
        """One report. Raises UnknownReport."""
        found = await self._rows(sa.select(reports).where(reports.c.id == id))
        if not found:
            raise UnknownReport(id)
        return _entry(found[0])

    async def page(self, limit: int, cluster: str | None = None, before: str | None = None) -> list[Entry]:
        """Reports without their content, newest first, those after the report `before`. Raises UnknownReport."""
        columns = [column for column in reports.c if column.name != "data"]
        query = sa.select(*columns).order_by(reports.c.created_at.desc(), reports.c.id.desc()).limit(limit)
        if cluster is not None:
            query = query.where(reports.c.cluster == cluster)
        if before is not None:
            place = (await self.entry(before)).start
            query = query.where(
                sa.tuple_(reports.c.created_at, reports.c.id)
                < sa.tuple_(sa.literal(place.created_at.timestamp()), sa.literal(place.id))
            )
        return [_entry(row) for row in await self._rows(query)]

    async def running(self) -> list[Start]:
        """Reports that are not finished."""
        query = sa.select(reports.c.start).where(reports.c.status == "running").order_by(reports.c.created_at)
        return [Start.model_validate_json(row.start) for row in await self._rows(query)]

    async def earlier(self, cluster: str, than: datetime) -> tuple[Report | None, list[ScorePoint]]:
        """The last report of the cluster before a moment, and the scores up to then, oldest first."""
        mine = sa.and_(
            reports.c.cluster == cluster, reports.c.status == "done", reports.c.created_at < than.timestamp()
        )
        newest = reports.c.created_at.desc()
        last = await self._rows(sa.select(reports).where(mine).order_by(newest).limit(1))
        scored = sa.select(reports.c.created_at, reports.c.score).where(mine, reports.c.score.is_not(None))
        points = await self._rows(scored.order_by(newest).limit(MAX_HISTORY))
        history = [ScorePoint(at=datetime.fromtimestamp(p.created_at, UTC), score=p.score) for p in reversed(points)]
        return (_entry(last[0]).report if last else None), history

    async def forget_before(self, moment: datetime) -> None:
        """Drops what is older. A schedule's newest run stays: it says where to go on."""

        def work(connection: Connection) -> None:
            at = moment.timestamp()
            connection.execute(sa.delete(reports).where(reports.c.created_at < at, reports.c.status != "running"))
            other = runs.alias()
            kept = sa.select(sa.func.max(other.c.due)).where(other.c.schedule == runs.c.schedule).scalar_subquery()
            connection.execute(sa.delete(runs).where(runs.c.due < at, runs.c.due < kept))

        await self._database.write(work)

    async def _rows(self, query: sa.Executable) -> list[Any]:
        return await self._database.read(lambda connection: list(connection.execute(query).all()))

    def _take(self, connection: Connection, run: tuple[str, datetime], report_id: str | None) -> bool:
        row = {"schedule": run[0], "due": run[1].timestamp(), "report_id": report_id}
        return connection.execute(self._insert(runs).values(row).on_conflict_do_nothing()).rowcount > 0


def _entry(row: Any) -> Entry:
    data: str | None = getattr(row, "data", None)
    report, reason = None, None
    if data and row.status == "done":
        try:
            report = Report.model_validate_json(data)
        except ValidationError as error:
            reason = f"the stored report cannot be read by this version: {error.error_count()} field(s) differ"
    elif data:
        reason = str(json.loads(data).get("reason", ""))
    return Entry(Start.model_validate_json(row.start), row.status, row.cluster, row.score, report, reason)
