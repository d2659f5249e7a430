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
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2a.types import ListTasksRequest, ListTasksResponse, Message, Task
from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select
from sqlalchemy.exc import DBAPIError

from agents.runtime import task_tables as t
from agents.runtime.database import Database
from agents.runtime.states import OPEN
from agents.runtime.task_cursor import Cursor

log = logging.getLogger(__name__)

LAZY_SECONDS = 0.1
"""How long a change that nobody waits for may stay unwritten."""
ATTEMPTS = 4
PAGE = 50

ONE_TASK = select(t.tasks.c.blob).where(
    t.tasks.c.service == bindparam("service"),
    t.tasks.c.id == bindparam("task_id"),
    t.tasks.c.owner == bindparam("owner"),
)
ONE_MESSAGE = select(t.messages.c.task_id, t.messages.c.reply).where(
    t.messages.c.service == bindparam("service"), t.messages.c.key == bindparam("key")
)


class StoreError(RuntimeError):
    """The database refused or is gone; the text says what could not be done."""


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

    def __init__(self, database: Database, service: str) -> None:
        self.database = database
        """Shared with the push configurations."""
        self._service = service
        self._changed: dict[str, StoredTask] = {}
        self._messages: dict[str, tuple[str, str | None, Message | None]] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._writing: dict[str, StoredTask] = {}

    @classmethod
    def at(cls, url: str | None, folder: Path, service: str) -> TaskStore:
        """The store at a SQLAlchemy URL, or in a SQLite file of the service under `folder`."""
        return cls(Database(url, folder, f"{service}-tasks"), service)

    async def open(self) -> None:
        """Creates the tables and starts the writer. Raises StoreError when the database cannot be reached."""
        try:
            await t.create(self.database)
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
            await self.database.close()

    # -- writing -------------------------------------------------------------------------------------------------

    def put(self, task: Task, owner: str, *, durable: bool) -> Awaitable[None] | None:
        """Marks a task as changed. It is serialised when it is written, so later changes ride along."""
        self._changed[task.id] = StoredTask(task, owner)
        return self._mark(durable)

    def put_message(self, key: str, owner: str, task_id: str | None, reply: Message | None) -> None:
        """Remembers what answered a message; written with the next task, or with the next `flush`."""
        self._messages[key] = (owner, task_id, reply)
        self._mark(durable=False)

    async def flush(self) -> None:
        """Waits until everything that is marked now is in the database."""
        if self._changed or self._messages or self._writing:
            await self._mark_durable()

    def _mark(self, durable: bool) -> Awaitable[None] | None:
        self._wake.set()
        return self._mark_durable() if durable else None

    def _mark_durable(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
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
        tasks = [t.task_row(self._service, item.task, item.owner) for item in changed.values()]
        answered = [t.message_row(self._service, key, *value) for key, value in messages.items()]
        try:
            await self._commit(tasks, answered)
        except Exception as error:
            log.exception("%s tasks of %s could not be stored", len(tasks), self._service)
            failure = StoreError(f"the task store does not write: {error}")
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(failure)
            return
        finally:
            self._writing = {}
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _commit(self, tasks: list[dict[str, Any]], messages: list[dict[str, Any]]) -> None:
        def work(connection: Connection) -> None:
            for table, rows in ((t.tasks, tasks), (t.messages, messages)):
                if rows:
                    connection.execute(t.upsert(self.database.dialect, table), rows)

        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self.database.write(work)
                return
            except (DBAPIError, OSError) as error:
                if attempt == ATTEMPTS:
                    raise
                log.warning("the task store of %s failed, trying again: %s", self._service, error)
                await asyncio.sleep(0.2 * 2**attempt)

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
        row = await self.database.read(lambda connection: connection.execute(ONE_MESSAGE, asked).one_or_none())
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
            wanted.append(t.tasks.c.updated_ns >= params.status_timestamp_after.ToNanoseconds())
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

    async def open_tasks(self) -> Sequence[StoredTask]:
        """Tasks that were submitted or working when the service was last stopped."""
        query = select(t.tasks.c.blob, t.tasks.c.owner).where(
            t.tasks.c.service == self._service, t.tasks.c.state.in_(sorted(OPEN))
        )
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [StoredTask(Task.FromString(row.blob), row.owner) for row in rows]

    async def forget_before(self, age_seconds: float) -> int:
        """Deletes ended tasks that nothing happened to for so long, with their messages; gives their number."""
        before = time.time_ns() - int(age_seconds * 1e9)
        return await self.database.write(lambda connection: t.forget(connection, self._service, before))


def _page(rows: Sequence[Row[Any, Any, Any]], size: int, total: int) -> ListTasksResponse:
    shown = rows[:size]
    token = Cursor(shown[-1].updated_ns, shown[-1].id).write() if len(rows) > size else ""
    return ListTasksResponse(
        tasks=[Task.FromString(row.blob) for row in shown], next_page_token=token, page_size=size, total_size=total
    )
