"""One door to SQLite and PostgreSQL: work is a plain function over a SQLAlchemy connection, run off the event loop.

SQLite is driven from two threads of its own, one that writes and one that reads, with one hop per piece of work; the
usual asyncio drivers hop once per call, which cost more than the work. Work of a few rows is done without any hop, on
the event loop, unless the database is locked. PostgreSQL is driven by asyncpg.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, Float, create_engine, event, literal_column, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

BUSY_MILLISECONDS = 10_000
PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0, 3.0)
"""Seconds between the tries of work that waits for a database to come back."""
BRIEF_ROWS = 10
"""So many may hold up everybody else for the moment it takes to write them."""
CHECKPOINT_WRITES = 50
"""Brief writes until SQLite is given the opportunity to move its log into the file."""

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Connection], T]


def engine_at(url: str | None, folder: Path, name: str) -> AsyncEngine:
    """A plain asyncio engine for the same choice of databases, for work that awaits in the middle of a transaction."""
    parsed = _url(url, folder, name)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_pre_ping=True, pool_size=5, max_overflow=5)
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"))
    event.listen(engine.sync_engine, "connect", _prepare)
    return engine


def _url(url: str | None, folder: Path, name: str) -> URL:
    if url is not None:
        return make_url(url)
    path = folder.expanduser()
    path.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(path / f"{name}.db"))


AWAY_STATES = ("08", "40", "53", "57")
"""Classes of SQLSTATE: no connection, undone for the sake of others, no room, and a server that stops or starts."""
PASSING_STATES = ("25006", "55P03")
"""A primary that has just become a replica, and a lock that was not to be had."""


def passing(error: BaseException) -> bool:
    """Whether the database is away or busy, rather than the work wrong."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    away = error.connection_invalidated or state[:2] in AWAY_STATES or state in PASSING_STATES
    # A statement that was prepared before the tables were migrated: prepared anew it will do.
    away = away or type(error.orig).__name__ == "InvalidCachedStatementError"
    # asyncpg, whose connection breaks off in the middle of a statement, speaks of an internal error.
    lost = isinstance(error, InternalError) and not state
    return away or lost or isinstance(error, OperationalError | InterfaceError)


def clock(dialect: str) -> ColumnElement[float]:
    """The database's own time in seconds since 1970: leases of several machines are measured by one clock."""
    if dialect == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Float)
    return literal_column("extract(epoch from clock_timestamp())::float8", Float)


class Database:
    """A database by SQLAlchemy URL, or the SQLite file `folder/name.db`, whose folder is made."""

    def __init__(self, url: str | None, folder: Path, name: str) -> None:
        parsed = _url(url, folder, name)
        self.dialect = parsed.get_backend_name()
        self.shown = parsed.render_as_string(hide_password=True)
        self._local: _Sqlite | None = None
        self._remote: AsyncEngine | None = None
        if self.dialect == "sqlite":
            memory = parsed.database in (None, "", ":memory:")
            self._local = _Sqlite(parsed.set(drivername="sqlite"), memory=memory)
        else:
            self._remote = create_async_engine(parsed, pool_pre_ping=True, pool_size=5, max_overflow=5)

    async def write(self, work: Work[T], *, brief: bool = False, patient: bool = False) -> T:
        """Runs the work in a transaction. Raises what it raises, and SQLAlchemy's DBAPIError.

        `brief`: it touches a few rows by their keys. `patient`: a database that is being restarted is waited for, some
        ten seconds. Either may run the work twice, also after a commit whose fate is unknown.
        """
        for pause in PAUSES if patient else ():
            try:
                return await self._write(work, brief)
            except (DBAPIError, OSError) as error:
                if not passing(error):
                    raise
                log.warning("%s does not answer, trying again: %s", self.shown, error)
            await asyncio.sleep(pause)
        return await self._write(work, brief)

    async def _write(self, work: Work[T], brief: bool) -> T:
        if self._local is not None:
            return await self._local.write(work, brief=brief)
        assert self._remote is not None
        async with self._remote.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Work[T], *, brief: bool = False) -> T:
        """Runs the work on a connection of its own, so that it does not wait behind writes. `brief`: see `write`.

        The work reads its results to the end: one that is left open would hide from SQLite what is written later.
        """
        if self._local is not None:
            return await self._local.read(work, brief=brief)
        assert self._remote is not None
        async with self._remote.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Lets go of all connections."""
        if self._local is not None:
            await self._local.close()
        if self._remote is not None:
            await self._remote.dispose()


class _Sqlite:
    """Two threads and a connection for brief work; for a database in memory one thread that does it all."""

    def __init__(self, url: URL, *, memory: bool) -> None:
        options = {"poolclass": StaticPool} if memory else {}
        self._engine: Engine = create_engine(url, connect_args={"check_same_thread": False}, **options)
        event.listen(self._engine, "connect", _prepare)
        self._writer = _Thread(self._engine, "sqlite-writer")
        self._reader = self._writer if memory else _Thread(self._engine, "sqlite-reader")
        self._brief: Connection | None = None
        """Opened by the first write in the thread, which also sees to it that the file is there."""
        self._may_open_brief = not memory
        self._brief_writes = 0
        self._thread_writes = 0
        """Those under way."""

    async def write(self, work: Work[T], *, brief: bool) -> T:
        if brief and self._brief is not None and not self._thread_writes and self._brief_writes < CHECKPOINT_WRITES:
            try:
                done = self._at_once(self._brief, work)
                self._brief_writes += 1
                return done
            except OperationalError as error:
                if not _is_locked(error):
                    raise
        return await self._write_in_thread(work)

    async def _write_in_thread(self, work: Work[T]) -> T:
        """What waits for locks and for the disk. After so many brief writes, which wait for neither, two come here: the
        first moves the log into the file when it is long enough, the second begins the log anew. Brief writes meanwhile
        come here as well: a log that grows is never begun anew.
        """
        self._brief_writes = 0 if self._brief_writes > CHECKPOINT_WRITES else self._brief_writes + 1
        self._thread_writes += 1
        try:
            done = await self._writer.run(work)
            if self._may_open_brief:
                self._may_open_brief = False
                self._brief = await self._writer.call(self._open_brief)
            return done
        finally:
            self._thread_writes -= 1

    async def read(self, work: Work[T], *, brief: bool) -> T:
        if brief and self._brief is not None:
            try:
                return self._at_once(self._brief, work)
            except OperationalError as error:
                if not _is_locked(error):
                    raise
        return await self._reader.run(work)

    def _at_once(self, connection: Connection, work: Work[T]) -> T:
        with connection.begin():
            return work(connection)

    def _open_brief(self) -> Connection:
        connection = self._engine.connect()
        # Whoever holds the event loop waits for nobody: neither for another writer nor for a checkpoint.
        for pragma in ("busy_timeout=0", "wal_autocheckpoint=0"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.commit()
        return connection

    async def close(self) -> None:
        self._may_open_brief = False
        brief, self._brief = self._brief, None
        if brief is not None:
            brief.close()
        await asyncio.to_thread(self._close_threads)

    def _close_threads(self) -> None:
        for thread in {self._writer, self._reader}:
            thread.close()
        self._engine.dispose()


def _is_locked(error: OperationalError) -> bool:
    return "locked" in str(error)


class _Thread:
    """A thread with a connection of its own, which it keeps: fetching one from the pool cost as much as the work."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._executor = ThreadPoolExecutor(1, name)
        self._connection: Connection | None = None

    async def run(self, work: Work[T]) -> T:
        return await self.call(lambda: self._in_transaction(work))

    async def call(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, act)

    def _in_transaction(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            return work(self._connection)

    def close(self) -> None:
        self._executor.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    _write_ahead(cursor)
    # In WAL mode this survives the death of the process; only a power cut may lose the last commits.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """WAL mode. Whoever comes while another switches a new file to it is refused at once, whatever the timeout."""
    patience = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return
