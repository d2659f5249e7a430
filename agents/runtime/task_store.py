"""Tasks on disk: one row per task, written behind the work with group commit.

A task is one protobuf blob beside the columns that are searched. States change in memory; `put` marks a task as
changed and a single writer commits everything that is marked, so a burst of events costs one write, and what many
tasks wait for costs one commit. What was awaited is in the database (SQLite: WAL, safe against kill -9).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2a.types import ListTasksRequest, ListTasksResponse, Message, Task
from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select
from sqlalchemy.exc import DBAPIError

from agents.runtime import task_ownership as ownership
from agents.runtime import task_tables as t
from agents.runtime.database import BRIEF_ROWS, Database
from agents.runtime.migrations import prepare
from agents.runtime.task_cursor import Cursor
from agents.runtime.task_schema import TABLES
from agents.runtime.worker import new_worker, retire

log = logging.getLogger(__name__)

LAZY_SECONDS = 0.5
"""How long a change that nobody waits for may stay unwritten."""
PAGE = 50

ONE_TASK = select(t.tasks.c.blob).where(
    t.tasks.c.service == bindparam("service"),
    t.tasks.c.id == bindparam("task_id"),
    t.tasks.c.owner == bindparam("owner"),
)
ONE_REVISION = select(t.tasks.c.revision).where(
    t.tasks.c.service == bindparam("service"), t.tasks.c.id == bindparam("task_id")
)
ONE_MESSAGE = select(t.messages.c.task_id, t.messages.c.reply).where(
    t.messages.c.service == bindparam("service"), t.messages.c.key == bindparam("key")
)


class StoreError(RuntimeError):
    """The database refused or is gone; the text says what could not be done."""


class TaskLost(StoreError):
    """Another replica has taken the task over, so this one's word about it does not count."""


@dataclass(frozen=True)
class StoredTask:
    """A task and whose it is."""

    task: Task
    owner: str


@dataclass(frozen=True)
class Answered:
    """What became of a message: the id of its task, or a plain reply."""

    task_id: str | None
    reply: Message | None


class TaskStore:
    """The tasks of one service. Several services may share a database; each sees only its own."""

    def __init__(self, database: Database, service: str, *, lease_seconds: float = 5, migrate: bool = True) -> None:
        self.database = database
        """Shared with the push configurations."""
        self.worker = new_worker()
        """How other replicas know this one."""
        self.lost: Callable[[str], None] = lambda task_id: None
        """Told of tasks that are another replica's now."""
        self.lease_seconds = lease_seconds
        self._migrate = migrate
        self._service = service
        self._beat_due = 0.0
        self._changed: dict[str, StoredTask] = {}
        self._messages: dict[str, tuple[str, str | None, Message | None]] = {}
        self._waiters: list[tuple[str | None, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._writing: dict[str, StoredTask] = {}

    @classmethod
    def at(
        cls, url: str | None, folder: Path, service: str, *, lease_seconds: float = 5, migrate: bool = True
    ) -> TaskStore:
        """The store at a SQLAlchemy URL, or in a SQLite file of the service under `folder`."""
        database = Database(url, folder, f"{service}-tasks")
        return cls(database, service, lease_seconds=lease_seconds, migrate=migrate)

    async def open(self) -> None:
        """Brings the tables up to date and starts the writer. Raises StoreError when the database cannot be reached."""
        try:
            await prepare(self.database, TABLES, migrate=self._migrate)
        except (DBAPIError, OSError) as error:
            raise StoreError(f"the task store at {self.database.shown} cannot be opened: {error}") from error
        self._writer = asyncio.create_task(self._write_forever(), name=f"task writer of {self._service}")

    async def close(self) -> None:
        """Writes what is left and lets go of the database."""
        try:
            await self.flush()
        finally:
            if self._writer is not None:
                self._writer.cancel()
                await asyncio.gather(self._writer, return_exceptions=True)
                self._writer = None
            retire(self.worker)
            await self.database.write(lambda connection: ownership.leave(connection, self.worker))
            await self.database.close()

    # -- writing -------------------------------------------------------------------------------------------------

    def put(self, task: Task, owner: str, *, durable: bool) -> Awaitable[None] | None:
        """Marks a task as changed. It is serialised when it is written, so later changes ride along."""
        self._changed[task.id] = StoredTask(task, owner)
        return self._mark(durable, task.id)

    def put_message(self, key: str, owner: str, task_id: str | None, reply: Message | None) -> None:
        """Remembers what answered a message; written with the next task, or with the next `flush`."""
        self._messages[key] = (owner, task_id, reply)
        self._mark(durable=False, task_id=None)

    async def flush(self) -> None:
        """Waits until everything that is marked now is in the database."""
        if self._changed or self._messages or self._writing:
            await self._mark_durable(None)

    def _mark(self, durable: bool, task_id: str | None) -> Awaitable[None] | None:
        self._wake.set()
        return self._mark_durable(task_id) if durable else None

    def _mark_durable(self, task_id: str | None) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((task_id, waiter))
        self._wake.set()
        self._urgent.set()
        return waiter

    async def _write_forever(self) -> None:
        while True:
            await self._wake.wait()
            if not self._waiters:
                # When nobody waits, all that comes in the meantime is written together.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._urgent.wait(), LAZY_SECONDS)
            self._wake.clear()
            self._urgent.clear()
            await self._write()

    async def _write(self) -> None:
        changed, self._changed = self._changed, {}
        messages, self._messages = self._messages, {}
        waiters, self._waiters = self._waiters, []
        self._writing = changed
        tasks = [t.task_row(self._service, item.task, item.owner, self.worker) for item in changed.values()]
        answered = [t.message_row(self._service, key, *value) for key, value in messages.items()]
        try:
            lost = await self._commit(tasks, answered)
        except Exception as error:
            log.exception("%s tasks of %s could not be stored", len(tasks), self._service)
            failure = StoreError(f"the task store does not write: {error}")
            for _, waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(failure)
            return
        finally:
            self._writing = {}
        for task_id, waiter in waiters:
            if waiter.done():
                continue
            if task_id in lost:
                waiter.set_exception(TaskLost(f"task {task_id} is another replica's now"))
            else:
                waiter.set_result(None)
        for task_id in lost:
            self.lost(task_id)

    async def _commit(self, tasks: list[dict[str, Any]], messages: list[dict[str, Any]]) -> set[str]:
        """Gives the ids of the tasks that are not this worker's."""
        beat = time.monotonic() >= self._beat_due

        def work(connection: Connection) -> set[str]:
            if beat:
                ownership.beat(connection, self.worker, self.lease_seconds)
            lost = _write_messages(connection, self.database.dialect, messages) if messages else set[str]()
            rows = [row for row in tasks if row["id"] not in lost] if lost else tasks
            if rows:
                written = connection.execute(t.guarded(self.database.dialect, self.worker), rows).scalars()
                lost |= {row["id"] for row in rows}.difference(written)
            return lost

        lost = await self.database.write(work, brief=len(tasks) + len(messages) <= BRIEF_ROWS, patient=True)
        if beat:
            self._beat_due = time.monotonic() + self.lease_seconds / 4
        return lost

    # -- several replicas ----------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Says that this worker is alive, unless a write has said so of late."""
        if time.monotonic() >= self._beat_due:
            await self._commit([], [])

    async def adopt(self) -> Sequence[StoredTask]:
        """Takes over what dead workers were working on."""

        def work(connection: Connection) -> Sequence[Row[Any, Any, Any]]:
            dead = ownership.dead(connection, self._service, self.worker)
            return ownership.adopt(connection, self._service, self.worker, dead) if dead else ()

        rows = await self.database.write(work)
        return [StoredTask(Task.FromString(row.blob), row.owner) for row in rows]

    async def acquire(self, task_id: str) -> Task | None:
        """Takes a parked task to continue or end it; None when it is at work, or another was first."""
        await self.flush()
        blob = await self.database.write(lambda c: ownership.acquire(c, self._service, self.worker, task_id))
        return None if blob is None else Task.FromString(blob)

    async def let_go(self, task_id: str) -> None:
        """Undoes `acquire`."""
        await self.database.write(lambda c: ownership.let_go(c, self._service, self.worker, task_id))

    async def ask_cancel(self, task_id: str) -> None:
        """Leaves word for the replica that works on the task."""
        await self.database.write(lambda c: ownership.ask_cancel(c, self._service, task_id))

    async def cancels(self) -> list[str]:
        """Tasks that others asked to be cancelled."""
        return await self.database.read(lambda c: ownership.cancels(c, self._service), brief=True)

    async def cancelled(self, task_ids: Sequence[str]) -> None:
        """They were."""
        await self.database.write(lambda c: ownership.cancelled(c, self._service, task_ids))

    async def revision(self, task_id: str) -> int | None:
        """Goes up with every write of a task; None when there is no such task."""
        asked = {"service": self._service, "task_id": task_id}
        return await self.database.read(lambda c: c.execute(ONE_REVISION, asked).scalar_one_or_none())

    # -- reading -------------------------------------------------------------------------------------------------

    async def get(self, task_id: str, owner: str) -> Task | None:
        """One task of one owner, or None. The copy is the caller's."""
        known = self._changed.get(task_id) or self._writing.get(task_id)
        if known is not None:
            if known.owner != owner:
                return None
            copy = Task()
            copy.CopyFrom(known.task)
            return copy
        found = {"service": self._service, "task_id": task_id, "owner": owner}
        blob = await self.database.read(lambda connection: connection.execute(ONE_TASK, found).scalar_one_or_none())
        return None if blob is None else Task.FromString(blob)

    async def answered(self, key: str) -> Answered | None:
        """What answered the message with this key, or None when it is new."""
        if key in self._messages:
            _, task_id, reply = self._messages[key]
            return Answered(task_id, reply)
        asked = {"service": self._service, "key": key}
        row = await self.database.read(lambda c: c.execute(ONE_MESSAGE, asked).one_or_none(), brief=True)
        if row is None:
            return None
        return Answered(row.task_id, None if row.reply is None else Message.FromString(row.reply))

    async def list(self, params: ListTasksRequest, owner: str) -> ListTasksResponse:
        """A page of the owner's tasks, newest first. Raises InvalidParamsError for a foreign page token."""
        await self.flush()
        size = params.page_size or PAGE
        wanted = [t.tasks.c.service == self._service, t.tasks.c.owner == owner]
        if params.context_id:
            wanted.append(t.tasks.c.context_id == params.context_id)
        if params.status:
            wanted.append(t.tasks.c.state == params.status)
        if params.HasField("status_timestamp_after"):
            # The year 2262 is where nanoseconds no longer fit into the column.
            after_ns = min(params.status_timestamp_after.ToNanoseconds(), 2**63 - 1)
            wanted.append(t.tasks.c.updated_ns >= after_ns)
        total = select(func.count()).select_from(t.tasks).where(*wanted)
        page = select(t.tasks.c.blob, t.tasks.c.updated_ns, t.tasks.c.id).where(*wanted)
        if params.page_token:
            after = Cursor.read(params.page_token)
            same = and_(t.tasks.c.updated_ns == after.updated_ns, t.tasks.c.id < after.task_id)
            page = page.where(or_(t.tasks.c.updated_ns < after.updated_ns, same))
        page = page.order_by(t.tasks.c.updated_ns.desc(), t.tasks.c.id.desc()).limit(size + 1)

        def work(connection: Connection) -> ListTasksResponse:
            return _page(connection.execute(page).all(), size, connection.execute(total).scalar_one())

        return await self.database.read(work)

    async def forget_before(self, age_seconds: float) -> int:
        """Deletes ended tasks that nothing happened to for so long, with their messages; gives their number."""
        before = time.time_ns() - int(age_seconds * 1e9)
        return await self.database.write(lambda connection: t.forget(connection, self._service, before))


def _write_messages(connection: Connection, dialect: str, rows: list[dict[str, Any]]) -> set[str]:
    """Notes answered messages; gives the tasks of those that another replica has answered with a task of its own."""
    written = set(connection.execute(t.unless_known(dialect), rows).scalars())
    known = [row for row in rows if row["key"] not in written]
    if not known:
        return set()
    theirs = select(t.messages.c.key, t.messages.c.task_id).where(
        t.messages.c.service == known[0]["service"], t.messages.c.key.in_([row["key"] for row in known])
    )
    answers = {row.key: row.task_id for row in connection.execute(theirs)}
    return {row["task_id"] for row in known if row["task_id"] and answers[row["key"]] != row["task_id"]}


def _page(rows: Sequence[Row[Any, Any, Any]], size: int, total: int) -> ListTasksResponse:
    shown = rows[:size]
    token = Cursor(shown[-1].updated_ns, shown[-1].id).write() if len(rows) > size else ""
    return ListTasksResponse(
        tasks=[Task.FromString(row.blob) for row in shown], next_page_token=token, page_size=size, total_size=total
    )
