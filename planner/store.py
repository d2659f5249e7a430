"""Requests, plans, findings and events, on SQLite (default) or PostgreSQL. Every step is stored before it is taken.

All writes to a request that exists go through `record`, in one transaction: the one place where a lease's fencing
epoch has to be checked once several planners share the work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from agents.runtime.findings import Finding
from agents.runtime.settings import StoreSettings
from planner.answer import Answer
from planner.plan import Plan, Subtask
from planner.request import ENDED, Request
from planner.schema import events, metadata, plans, requests, subtasks

_Result = TypeVar("_Result")


class UnknownRequest(KeyError):
    """There is no request of that id."""


class RequestOver(RuntimeError):
    """The request has ended meanwhile (it was cancelled), so nothing more is written to it."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a request. `data` is JSON."""

    number: int
    type: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What becomes true at once: the new state, and the events that tell of it."""

    request: Request | None = None
    plan: Plan | None = None
    """A new plan or revision, with all its subtasks."""
    subtasks: Sequence[Subtask] = ()
    """Subtasks of the stored plan in their new state."""
    findings: dict[str, Finding] = field(default_factory=dict)
    """New findings by subtask id."""
    answer: Answer | None = None
    events: Sequence[tuple[str, dict[str, Any]]] = ()
    """Type and data, in order."""


@dataclass(frozen=True)
class Page:
    """Some requests, newest first, and where the next page begins."""

    requests: list[Request]
    next_cursor: str | None


def store_url(settings: StoreSettings) -> str:
    """The SQLAlchemy URL: the configured one, or `planner.db` in the store's folder (which is made)."""
    if settings.url:
        return settings.url
    folder = Path(settings.folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{folder / 'planner.db'}"


class Store:
    """The planner's memory. Safe to use from many tasks at once."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(url)
        self._upsert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        # SQLite has one writer at a time; waiting here is cheaper than waiting for its lock.
        self._turn: AbstractAsyncContextManager[Any] = nullcontext()
        if self._engine.dialect.name == "sqlite":
            self._turn = asyncio.Lock()
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)

    async def open(self) -> None:
        """Creates the tables that are not there."""
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    async def close(self) -> None:
        await self._engine.dispose()

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
        """One transaction. Cancelling the caller lets it finish first: a torn one would keep SQLite locked."""

        async def transaction() -> _Result:
            async with self._turn, self._engine.begin() as connection:
                return await work(connection)

        task = asyncio.create_task(transaction())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def create(self, request: Request, first: tuple[str, dict[str, Any]]) -> bool:
        """Keeps a new request with its first event. False when the id is taken: the request is already known."""

        async def work(connection: AsyncConnection) -> bool:
            row = {**_request_row(request), "id": request.id, "created_at": request.created_at.timestamp()}
            statement = self._upsert(requests).values(row).on_conflict_do_nothing(index_elements=["id"])
            if (await connection.execute(statement)).rowcount == 0:
                return False
            await _append(connection, request.id, [first])
            return True

        return await self._write(work)

    async def record(self, request_id: str, step: Step) -> None:
        """Makes a step true. Raises RequestOver when the request has ended, UnknownRequest when there is none."""

        async def work(connection: AsyncConnection) -> None:
            await _append(connection, request_id, step.events)
            if step.request is not None:
                values = _request_row(step.request)
                if step.answer is not None:
                    values["answer"] = step.answer.model_dump_json()
                await _update(connection, requests, requests.c.id == request_id, values)
            if step.plan is not None:
                await self._write_plan(connection, request_id, step.plan)
            for subtask in step.subtasks:
                where = (subtasks.c.request_id == request_id) & (subtasks.c.id == subtask.id)
                await _update(connection, subtasks, where, _subtask_row(subtask, step.findings.get(subtask.id)))

        await self._write(work)

    async def request(self, request_id: str) -> Request:
        """Raises UnknownRequest."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(requests.c.data).where(requests.c.id == request_id))).first()
        if row is None:
            raise UnknownRequest(request_id)
        return Request.model_validate_json(row.data)

    async def answer(self, request_id: str) -> Answer | None:
        """The answer, once there is one."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(requests.c.answer).where(requests.c.id == request_id))).first()
        return Answer.model_validate_json(row.answer) if row and row.answer else None

    async def plan(self, request_id: str) -> tuple[Plan | None, dict[str, Finding]]:
        """The plan with its subtasks as they stand, and the findings by subtask id."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(plans.c.data).where(plans.c.request_id == request_id))).first()
            if row is None:
                return None, {}
            parts = await connection.execute(
                sa.select(subtasks.c.id, subtasks.c.data, subtasks.c.finding)
                .where(subtasks.c.request_id == request_id)
                .order_by(subtasks.c.position)
            )
            rows = parts.all()
        plan = Plan.model_validate_json(row.data)
        plan = plan.model_copy(update={"subtasks": tuple(Subtask.model_validate_json(part.data) for part in rows)})
        return plan, {part.id: Finding.model_validate_json(part.finding) for part in rows if part.finding}

    async def requests(self, limit: int, cursor: str | None = None) -> Page:
        """Requests, newest first. `cursor` is a page's `next_cursor`; raises ValueError for one that is none."""
        query = sa.select(requests.c.data, requests.c.created_at, requests.c.id)
        if cursor:
            created_at, _, id = cursor.partition("_")
            query = query.where(sa.tuple_(requests.c.created_at, requests.c.id) < sa.tuple_(float(created_at), id))
        query = query.order_by(requests.c.created_at.desc(), requests.c.id.desc()).limit(limit + 1)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        more = f"{rows[limit - 1].created_at!r}_{rows[limit - 1].id}" if len(rows) > limit else None
        return Page([Request.model_validate_json(row.data) for row in rows[:limit]], more)

    async def unfinished(self) -> list[str]:
        """Requests to go on with after a start, oldest first. Those that wait for a person are left waiting."""
        query = sa.select(requests.c.id).where(requests.c.status.in_(("queued", "running")))
        async with self._engine.connect() as connection:
            return list((await connection.execute(query.order_by(requests.c.created_at))).scalars())

    async def events(self, request_id: str, after: int = 0, limit: int = 500) -> list[Event]:
        """Events with a number above `after`, in order."""
        query = (
            sa.select(events.c.number, events.c.type, events.c.data)
            .where(events.c.request_id == request_id, events.c.number > after)
            .order_by(events.c.number)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Event(row.number, row.type, json.loads(row.data)) for row in rows]

    async def last_event(self, request_id: str) -> int:
        """The number of the newest event. Raises UnknownRequest."""
        query = sa.select(requests.c.last_event).where(requests.c.id == request_id)
        async with self._engine.connect() as connection:
            number = (await connection.execute(query)).scalar()
        if number is None:
            raise UnknownRequest(request_id)
        return number

    async def _write_plan(self, connection: AsyncConnection, request_id: str, plan: Plan) -> None:
        row = {"request_id": request_id, "id": plan.id, "data": plan.model_dump_json(exclude={"subtasks"})}
        insert = self._upsert(plans).values(row)
        await connection.execute(
            insert.on_conflict_do_update(index_elements=["request_id"], set_={"data": row["data"]})
        )
        rows = [
            {
                "request_id": request_id,
                "id": subtask.id,
                "position": position,
                "status": subtask.status,
                "data": subtask.model_dump_json(exclude_defaults=True),
            }
            for position, subtask in enumerate(plan.subtasks)
        ]
        statement = self._upsert(subtasks).on_conflict_do_nothing(index_elements=["request_id", "id"])
        await connection.execute(statement, rows)


def _subtask_row(subtask: Subtask, finding: Finding | None) -> dict[str, Any]:
    row = {"status": subtask.status, "data": subtask.model_dump_json(exclude_defaults=True)}
    return row if finding is None else {**row, "finding": finding.model_dump_json(exclude_defaults=True)}


def _request_row(request: Request) -> dict[str, Any]:
    return {"status": request.status, "user": request.user[:200], "data": request.model_dump_json()}


async def _append(connection: AsyncConnection, request_id: str, new: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Numbers and adds events; taking the numbers locks the request's row, so that steps happen one after another."""
    batch = list(new)
    taken = await connection.execute(
        sa.update(requests)
        .where(requests.c.id == request_id, requests.c.status.not_in(ENDED))
        .values(last_event=requests.c.last_event + len(batch))
        .returning(requests.c.last_event)
    )
    last = taken.scalar()
    if last is None:
        known = await connection.execute(sa.select(requests.c.id).where(requests.c.id == request_id))
        raise UnknownRequest(request_id) if known.first() is None else RequestOver(request_id)
    first = last - len(batch) + 1
    rows = [
        {"request_id": request_id, "number": number, "type": type, "data": json.dumps(data, ensure_ascii=False)}
        for number, (type, data) in enumerate(batch, first)
    ]
    if rows:
        await connection.execute(sa.insert(events), rows)


async def _update(connection: AsyncConnection, table: sa.Table, where: Any, values: dict[str, Any]) -> None:
    await connection.execute(sa.update(table).where(where).values(values))


def _configure_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"pragma {pragma}")
