"""Requests, plans, findings and events, on SQLite (default) or PostgreSQL. Every step is stored before it is taken.

All writes to a request that exists go through `record`, which refuses those of a planner whose lease has gone to
another (`leases`). What several tasks write at a time becomes one transaction (`commit`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from agents.runtime.database import BRIEF_ROWS, Database, clock
from agents.runtime.findings import Finding
from agents.runtime.migrations import prepare
from agents.runtime.settings import StoreSettings
from planner import leases
from planner.answer import Answer
from planner.commit import GroupCommit, Refusal
from planner.leases import Candidate, Lease
from planner.measures import observe
from planner.plan import Plan, Subtask
from planner.request import ENDED, Request
from planner.schema import TABLES, events, plans, requests, subtasks

MAX_EVENTS = 500
"""Of one read."""


class UnknownRequest(Refusal, KeyError):
    """There is no request of that id."""


class RequestOver(Refusal):
    """The request has ended meanwhile (it was cancelled), so nothing more is written to it."""


class LeaseLost(Refusal):
    """Another planner has taken the request over, or somebody answered first: this writer is too late."""


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
    reopens: bool = False
    """The request may have been answered: it goes on."""

    def then(self, other: Step) -> Step:
        """Both as one step: what `other` says of the same thing counts."""
        return Step(
            request=other.request or self.request,
            plan=other.plan or self.plan,
            subtasks=tuple({subtask.id: subtask for subtask in (*self.subtasks, *other.subtasks)}.values()),
            findings={**self.findings, **other.findings},
            answer=other.answer or self.answer,
            events=(*self.events, *other.events),
            reopens=self.reopens or other.reopens,
        )


@dataclass(frozen=True)
class Page:
    """Some requests, newest first, and where the next page begins."""

    requests: list[Request]
    next_cursor: str | None


@dataclass(frozen=True)
class Census:
    """What is in the store and has not ended."""

    open: dict[str, int]
    """Requests by status."""
    approvals: int
    """Those that wait for a decision on proposed Actions."""


def store_url(settings: StoreSettings) -> str:
    """The SQLAlchemy URL: the configured one, or `planner.db` in the store's folder (which is made)."""
    if settings.url:
        return settings.url
    folder = Path(settings.folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{folder / 'planner.db'}"


class Store:
    """The planner's memory. Safe to use from many tasks, and by several planners on PostgreSQL.

    `worker` names this planner in leases.
    """

    def __init__(self, url: str, *, lease_seconds: float = 5, migrate: bool = True) -> None:
        self._database = Database(url, Path(), "planner")
        self._migrate = migrate
        self._commit = GroupCommit(self._database)
        self.lease_seconds = lease_seconds
        self._inserts = _inserts(self._database.dialect, lease_seconds)
        self._steps = _steps(self._database.dialect, lease_seconds)

    async def open(self) -> None:
        """Brings the tables up to date. Raises MigrationError, or SQLAlchemy's errors when it cannot be reached."""
        await prepare(self._database, TABLES, migrate=self._migrate)

    async def close(self) -> None:
        await self._commit.drain()
        await self._database.close()

    # -- writing -------------------------------------------------------------------------------------------------

    async def create(
        self, request: Request, first: tuple[str, dict[str, Any]], holder: str | None = None
    ) -> Lease | None:
        """Keeps a new request with its first event, driven by `holder` or by nobody yet. None when it is known."""
        row = {**_request_row(request), "id": request.id, "created_at": request.created_at.timestamp(), "last_event": 1}
        values: dict[str, Any] = {**row, "owner": holder, "epoch": 0 if holder is None else 1}
        statement = self._inserts.unheld if holder is None else self._inserts.held

        def work(connection: Connection) -> Lease | None:
            if connection.execute(statement, values).rowcount == 0:
                return None
            _append(connection, request.id, 1, [first])
            return Lease(request.id, values["epoch"])

        return await self._commit.write(request.id, work)

    async def record(self, lease: Lease, step: Step, *, hand_over: bool = False) -> list[Event]:
        """Makes a step true and keeps the lease, unless the request now waits for a person or has ended; its events.

        `hand_over`: whoever has room drives the request from now on, and the lease is used up. Raises LeaseLost when
        the lease is not the latest, RequestOver when the request has ended, UnknownRequest when there is none.
        """
        last = await self._commit.write(lease.request_id, self._recording(lease, step, hand_over))
        observe(step)
        return [Event(number, *event) for number, event in enumerate(step.events, last - len(step.events) + 1)]

    def _recording(self, lease: Lease, step: Step, hand_over: bool) -> Callable[[Connection], int]:
        values: dict[str, Any] = {"of": lease.request_id, "under": lease.epoch, "count": len(step.events)}
        values["reopens"] = step.reopens
        if step.request is not None:
            values |= {f"new_{key}": value for key, value in _request_row(step.request).items()}
        if step.answer is not None:
            values["new_answer"] = step.answer.model_dump_json()
        parked = step.request is not None and step.request.status not in leases.TO_DO
        fate: Fate = "handed over" if hand_over else "parked" if parked else "kept"
        statement = self._steps[step.request is not None, step.answer is not None, fate]
        changed = [
            {"of": lease.request_id, "which": subtask.id, **_subtask_row(subtask, step.findings.get(subtask.id))}
            for subtask in step.subtasks
        ]
        moved = [row for row in changed if "new_finding" not in row]
        ended = [row for row in changed if "new_finding" in row]

        def work(connection: Connection) -> int:
            last = connection.execute(statement, values).scalar()
            if last is None:
                raise _refusal(connection, lease)
            _append(connection, lease.request_id, last - len(step.events) + 1, step.events)
            if step.plan is not None:
                self._write_plan(connection, lease.request_id, step.plan)
            for change, rows in ((_SUBTASK_MOVED, moved), (_SUBTASK_ENDED, ended)):
                if rows:
                    connection.execute(change, rows)
            return last

        return work

    async def seize(self, request_id: str, holder: str) -> Lease:
        """Takes a request from whoever drives it. Raises RequestOver and UnknownRequest."""

        def work(connection: Connection) -> Lease:
            lease = leases.seize(connection, request_id, holder, self.lease_seconds)
            if lease is None:
                raise _refusal(connection, Lease(request_id, -1))
            return lease

        return await self._commit.write(request_id, work)

    async def candidates(self, holder: str) -> list[Candidate]:
        """Requests with work to do that `holder` does not drive, oldest first."""
        # Often none, and never many that a loaded planner would ask for.
        return await self._database.read(lambda connection: leases.candidates(connection, holder), brief=True)

    async def claim(self, wanted: Sequence[Candidate], holder: str) -> list[Lease]:
        """Takes those of the candidates that nobody took meanwhile."""
        return await self._commit.write("", lambda c: leases.claim(c, wanted, holder, self.lease_seconds))

    async def renew(self, holder: str) -> set[Lease]:
        """Keeps all that the holder drives for another while; gives what that is."""
        return await self._commit.write("", lambda c: leases.renew(c, holder, self.lease_seconds))

    async def release(self, holder: str, ids: Iterable[str] | None = None) -> None:
        """Lets go of some or all that the holder drives."""
        await self._commit.write("", lambda c: leases.release(c, holder, ids))

    async def forget_before(self, moment: float, limit: int = 500) -> int:
        """Deletes requests that ended before a time (seconds since 1970), with all that belongs to them."""
        return await self._database.write(lambda c: _forget(c, moment, limit), patient=True)

    # -- reading -------------------------------------------------------------------------------------------------

    async def request(self, request_id: str) -> Request:
        """Raises UnknownRequest."""
        return (await self.held(request_id))[0]

    async def held(self, request_id: str) -> tuple[Request, Lease]:
        """A request, and what a write has to show that was decided by it. Raises UnknownRequest."""
        row = await self._database.read(lambda c: c.execute(_HELD, {"of": request_id}).first(), brief=True)
        if row is None:
            raise UnknownRequest(request_id)
        return Request.model_validate_json(row.data), Lease(request_id, row.epoch)

    async def answer(self, request_id: str) -> Answer | None:
        """The answer, once there is one."""
        query = sa.select(requests.c.answer).where(requests.c.id == request_id)
        answer = await self._database.read(lambda connection: connection.execute(query).scalar())
        return Answer.model_validate_json(answer) if answer else None

    async def plan(self, request_id: str) -> tuple[Plan | None, dict[str, Finding]]:
        """The plan with its subtasks as they stand, and the findings by subtask id."""
        query = sa.select(plans.c.data).where(plans.c.request_id == request_id)
        parts = (
            sa.select(subtasks.c.id, subtasks.c.data, subtasks.c.finding)
            .where(subtasks.c.request_id == request_id)
            .order_by(subtasks.c.position)
        )

        def work(connection: Connection) -> tuple[str | None, Sequence[sa.Row[Any, Any, Any]]]:
            data = connection.execute(query).scalar()
            return data, connection.execute(parts).all() if data is not None else ()

        data, rows = await self._database.read(work)
        if data is None:
            return None, {}
        plan = Plan.model_validate_json(data)
        plan = plan.model_copy(update={"subtasks": tuple(Subtask.model_validate_json(part.data) for part in rows)})
        return plan, {part.id: Finding.model_validate_json(part.finding) for part in rows if part.finding}

    async def requests(self, limit: int, cursor: str | None = None) -> Page:
        """Requests, newest first. `cursor` is a page's `next_cursor`; raises ValueError for one that is none."""
        query = sa.select(requests.c.data, requests.c.created_at, requests.c.id)
        if cursor:
            created_at, _, id = cursor.partition("_")
            query = query.where(sa.tuple_(requests.c.created_at, requests.c.id) < sa.tuple_(float(created_at), id))
        query = query.order_by(requests.c.created_at.desc(), requests.c.id.desc()).limit(limit + 1)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        more = f"{rows[limit - 1].created_at!r}_{rows[limit - 1].id}" if len(rows) > limit else None
        return Page([Request.model_validate_json(row.data) for row in rows[:limit]], more)

    async def waiting(self) -> dict[str, int]:
        """How many requests of each user nobody drives although there is work to do."""
        query = sa.select(requests.c.user, sa.func.count().label("waiting")).group_by(requests.c.user)
        query = query.where(requests.c.status.in_(leases.TO_DO), requests.c.owner.is_(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.user: row.waiting for row in rows}

    async def events(self, request_id: str, after: int = 0, limit: int = MAX_EVENTS) -> list[Event]:
        """Events with a number above `after`, in order."""
        asked = {"of": request_id, "after": after, "most": limit}
        rows = await self._database.read(lambda connection: connection.execute(_EVENTS, asked).all())
        return [_event(row) for row in rows]

    async def news(self, request_id: str, after: int, most: int = MAX_EVENTS) -> tuple[list[Event], bool]:
        """The next events above `after`, and whether that is all there will ever be. Raises UnknownRequest."""
        asked = {"of": request_id, "after": after, "most": most}

        def work(connection: Connection) -> tuple[sa.Row[Any, Any] | None, Sequence[sa.Row[Any, Any, Any]]]:
            state = connection.execute(_PROGRESS, {"of": request_id}).first()
            if state is None or state.last_event <= after:
                return state, ()
            return state, connection.execute(_EVENTS, asked).all()

        state, rows = await self._database.read(work, brief=most <= BRIEF_ROWS)
        if state is None:
            raise UnknownRequest(request_id)
        last = rows[-1].number if rows else after
        return [_event(row) for row in rows], state.status in ENDED and last >= state.last_event

    async def census(self) -> Census:
        """Counts what has not ended."""
        approval = requests.c.data.like('%"pause":{"kind":"approval"%')  # no text can hold that: its quotes are escaped
        decisions = sa.func.sum(sa.case((approval, 1), else_=0))
        query = sa.select(requests.c.status, sa.func.count().label("open"), decisions.label("approvals"))
        query = query.where(requests.c.status.not_in(ENDED)).group_by(requests.c.status)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return Census({row.status: row.open for row in rows}, sum(row.approvals or 0 for row in rows))

    async def last_event(self, request_id: str) -> int:
        """The number of the newest event. Raises UnknownRequest."""
        return (await self.progress(request_id))[0]

    async def progress(self, request_id: str) -> tuple[int, bool]:
        """The number of the newest event, and whether it was the last. Raises UnknownRequest."""
        row = await self._database.read(lambda c: c.execute(_PROGRESS, {"of": request_id}).first(), brief=True)
        if row is None:
            raise UnknownRequest(request_id)
        return row.last_event, row.status in ENDED

    async def newest_events(self, request_ids: Iterable[str]) -> dict[str, int]:
        """The number of the newest event of each request that there is."""
        query = sa.select(requests.c.id, requests.c.last_event).where(requests.c.id.in_(list(request_ids)))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: row.last_event for row in rows}

    def _write_plan(self, connection: Connection, request_id: str, plan: Plan) -> None:
        row = {"request_id": request_id, "id": plan.id, "data": plan.model_dump_json(exclude={"subtasks"})}
        connection.execute(self._inserts.plan, row)
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
        connection.execute(self._inserts.subtasks, rows)


class _Inserts(NamedTuple):
    """Statements in the words of the database, built once."""

    held: Any
    """A request that its creator drives; `unheld`: that nobody drives yet. Neither, when it is known."""
    unheld: Any
    plan: Any
    """A plan, or its revision."""
    subtasks: Any
    """Those that are new."""


def _inserts(dialect: str, lease_seconds: float) -> _Inserts:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    unheld = insert(requests).on_conflict_do_nothing(index_elements=["id"])
    plan = insert(plans)
    return _Inserts(
        held=unheld.values(lease_until=clock(dialect) + lease_seconds),
        unheld=unheld,
        plan=plan.on_conflict_do_update(index_elements=["request_id"], set_={"data": plan.excluded.data}),
        subtasks=insert(subtasks).on_conflict_do_nothing(index_elements=["request_id", "id"]),
    )


Fate = Literal["kept", "parked", "handed over"]
"""What a step makes of the lease."""


def _steps(dialect: str, lease_seconds: float) -> dict[tuple[bool, bool, Fate], Any]:
    """The one statement that guards every step, built once: by whether it brings a request, an answer, and the fate."""
    column = requests.c
    reopens = sa.bindparam("reopens", type_=sa.Boolean)
    until = clock(dialect) + sa.bindparam("lease_seconds", lease_seconds, sa.Float)
    # As `not_in`, whose list would be put together anew for every step.
    is_open = sa.and_(*(column.status != status for status in ENDED))

    def guard(request: bool, answer: bool, fate: Fate) -> Any:
        values: dict[Any, Any] = {column.last_event: column.last_event + sa.bindparam("count", type_=sa.Integer)}
        names = (*(("status", "user", "data") if request else ()), *(("answer",) if answer else ()))
        values |= {column[name]: sa.bindparam(f"new_{name}", type_=column[name].type) for name in names}
        values |= {column.lease_until: until} if fate == "kept" else {column.owner: None, column.lease_until: 0}
        if fate == "handed over":
            values[column.epoch] = column.epoch + 1
        return (
            sa.update(requests)
            .where(column.id == sa.bindparam("of"), column.epoch == sa.bindparam("under"))
            .where(sa.or_(is_open, sa.and_(reopens, column.status == "answered")))
            .values(values)
            .returning(column.last_event)
        )

    fates: tuple[Fate, ...] = ("kept", "parked", "handed over")
    kinds = itertools.product((False, True), (False, True), fates)
    return {kind: guard(*kind) for kind in kinds}


_HELD = sa.select(requests.c.data, requests.c.epoch).where(requests.c.id == sa.bindparam("of"))
_NEW_EVENTS = sa.insert(events)
_PROGRESS = sa.select(requests.c.last_event, requests.c.status).where(requests.c.id == sa.bindparam("of"))
_EVENTS = (
    sa.select(events.c.number, events.c.type, events.c.data)
    .where(events.c.request_id == sa.bindparam("of"), events.c.number > sa.bindparam("after"))
    .order_by(events.c.number)
    .limit(sa.bindparam("most"))
)


def _event(row: Any) -> Event:
    return Event(row.number, row.type, json.loads(row.data))


_SUBTASK = sa.update(subtasks).where(
    subtasks.c.request_id == sa.bindparam("of"), subtasks.c.id == sa.bindparam("which")
)
_STATE = {"status": sa.bindparam("new_status"), "data": sa.bindparam("new_data")}
_SUBTASK_MOVED = _SUBTASK.values(_STATE)
_SUBTASK_ENDED = _SUBTASK.values({**_STATE, "finding": sa.bindparam("new_finding")})


def _subtask_row(subtask: Subtask, finding: Finding | None) -> dict[str, Any]:
    row = {"new_status": subtask.status, "new_data": subtask.model_dump_json(exclude_defaults=True)}
    return row if finding is None else {**row, "new_finding": finding.model_dump_json(exclude_defaults=True)}


def _request_row(request: Request) -> dict[str, Any]:
    return {"status": request.status, "user": request.user[:200], "data": request.model_dump_json()}


def _append(connection: Connection, request_id: str, first: int, new: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Adds events. Their numbers were taken by updating the request's row, which lets steps happen one by one."""
    rows = [
        {"request_id": request_id, "number": number, "type": type, "data": to_json(data).decode()}
        for number, (type, data) in enumerate(new, first)
    ]
    if rows:
        connection.execute(_NEW_EVENTS, rows)


def _refusal(connection: Connection, lease: Lease) -> Refusal:
    """Why a request did not let itself be written to."""
    status = connection.execute(sa.select(requests.c.status).where(requests.c.id == lease.request_id)).scalar()
    if status is None:
        return UnknownRequest(lease.request_id)
    return RequestOver(lease.request_id) if status in ENDED else LeaseLost(lease.request_id)


def _forget(connection: Connection, moment: float, limit: int) -> int:
    old = sa.select(requests.c.id).where(requests.c.status.in_(ENDED), requests.c.created_at < moment).limit(limit)
    # The requests first: what one of them is asked meanwhile finds nothing, rather than half of it.
    deleted = connection.execute(sa.delete(requests).where(requests.c.id.in_(old)).returning(requests.c.id))
    ids = list(deleted.scalars())
    for table in (events, subtasks, plans):
        connection.execute(sa.delete(table).where(table.c.request_id.in_(ids)))
    return len(ids)
