"""SQLite as we drive it: brief work on the event loop, everything else in threads."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from agents.runtime.database import CHECKPOINT_WRITES, Database

FILE = "it.db"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(None, tmp_path, "it")
    await database.write(lambda c: c.execute(text("create table notes (id integer primary key, words text)")))
    yield database
    await database.close()


def note(words: str = "x", id: int | None = None):
    def work(connection: Connection) -> str:
        connection.execute(text("insert into notes values (:id, :words)"), {"id": id, "words": words})
        return threading.current_thread().name

    return work


def count(connection: Connection) -> int:
    return connection.execute(text("select count(*) from notes")).scalar_one()


async def test_brief_work_needs_no_thread(database: Database) -> None:
    assert await database.write(note(), brief=True) == threading.current_thread().name
    assert (await database.write(note())).startswith("sqlite-writer")
    assert await database.read(count, brief=True) == await database.read(count) == 2


async def test_brief_work_that_finds_the_database_locked_waits_in_a_thread(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("begin immediate")
    writing = asyncio.create_task(database.write(note(), brief=True))
    await asyncio.sleep(0.05)
    assert not writing.done(), "the event loop went on meanwhile"
    assert await database.read(count, brief=True) == 0
    other.execute("commit")
    other.close()
    assert (await writing).startswith("sqlite-writer")
    assert await database.read(count, brief=True) == 1


async def test_brief_work_that_fails_leaves_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        note(id=7)(connection)
        note(id=7)(connection)

    with pytest.raises(IntegrityError):
        await database.write(work, brief=True)
    assert await database.read(count, brief=True) == 0


async def test_writing_without_a_pause_does_not_let_the_log_grow(database: Database, tmp_path: Path) -> None:
    async def write() -> None:
        for _ in range(12 * CHECKPOINT_WRITES):
            await database.write(note("y" * 20_000), brief=True)

    writers = [asyncio.create_task(write()) for _ in range(2)]
    sizes = list[int]()
    while not all(writer.done() for writer in writers):
        sizes.append((tmp_path / f"{FILE}-wal").stat().st_size)
        await asyncio.sleep(0.005)
    await asyncio.gather(*writers)
    assert (tmp_path / FILE).stat().st_size > 20 * 2**20
    assert max(sizes) < 10 * 2**20


async def test_what_is_written_after_closing_is_refused(tmp_path: Path) -> None:
    database = Database(None, tmp_path, "it")
    await database.write(lambda c: c.execute(text("create table notes (id integer primary key, words text)")))
    await database.close()
    with pytest.raises(RuntimeError):
        await database.write(note(), brief=True)


async def test_a_database_in_memory_has_but_one_connection(tmp_path: Path) -> None:
    database = Database("sqlite://", tmp_path, "it")
    await database.write(lambda c: c.execute(text("create table notes (id integer primary key, words text)")))
    assert (await database.write(note(), brief=True)).startswith("sqlite-writer")
    assert await database.read(count, brief=True) == 1
    await database.close()
