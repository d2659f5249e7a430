"""The tables behind the task store, for SQLite and PostgreSQL, and the rows that go into them."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from a2a.types import Message, Task
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    event,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agents.runtime.states import TERMINAL

BUSY_MILLISECONDS = 10_000

metadata = MetaData()

tasks = Table(
    "a2a_tasks",
    metadata,
    Column("service", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("context_id", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("service", "id"),
    Index("a2a_tasks_listed", "service", "owner", "updated_ns", "id"),
    Index("a2a_tasks_context", "service", "owner", "context_id", "updated_ns"),
    Index("a2a_tasks_state", "service", "state", "updated_ns"),
)

messages = Table(
    "a2a_messages",
    metadata,
    Column("service", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("task_id", Text, nullable=True),
    Column("reply", LargeBinary, nullable=True),
    PrimaryKeyConstraint("service", "key"),
    Index("a2a_messages_task", "service", "task_id"),
)

push_configs = Table(
    "a2a_push_configs",
    metadata,
    Column("service", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("service", "task_id", "id"),
)


def engine_at(url: str | None, folder: Path, name: str) -> AsyncEngine:
    """An engine for a SQLAlchemy URL, or for the SQLite file `folder/name.db`, whose folder is made."""
    if url is None:
        path = folder.expanduser()
        path.mkdir(parents=True, exist_ok=True)
        url = f"sqlite+aiosqlite:///{path / name}.db"
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=5)
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # NORMAL in WAL mode survives the death of the process; only a power cut may lose the last commits.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_MILLISECONDS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def create(engine: AsyncEngine) -> None:
    """Makes the tables that are missing. Services that share a database may do so at the same moment."""
    for attempt in range(3):
        try:
            async with engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            if attempt == 2:
                raise
            await asyncio.sleep(0.2)


def upsert(engine: AsyncEngine, table: Table) -> Any:
    """INSERT … ON CONFLICT DO UPDATE, in the words of the engine's database."""
    dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


def task_row(service: str, task: Task, owner: str) -> dict[str, Any]:
    """The row of a task as it is now."""
    return {
        "service": service,
        "id": task.id,
        "owner": owner,
        "context_id": task.context_id,
        "state": task.status.state,
        "updated_ns": task.status.timestamp.ToNanoseconds(),
        "blob": task.SerializeToString(),
    }


def message_row(service: str, key: str, owner: str, task_id: str | None, reply: Message | None) -> dict[str, Any]:
    """The row of a message that was answered."""
    blob = None if reply is None else reply.SerializeToString()
    return {"service": service, "key": key, "owner": owner, "task_id": task_id, "reply": blob}


async def forget(engine: AsyncEngine, service: str, before_ns: int) -> int:
    """Deletes tasks that ended before a time, and what belongs to them."""
    old = (tasks.c.service == service) & tasks.c.state.in_(sorted(TERMINAL)) & (tasks.c.updated_ns < before_ns)
    ids = select(tasks.c.id).where(old)
    async with engine.begin() as connection:
        await connection.execute(delete(messages).where(messages.c.service == service, messages.c.task_id.in_(ids)))
        await connection.execute(
            delete(push_configs).where(push_configs.c.service == service, push_configs.c.task_id.in_(ids))
        )
        result = await connection.execute(delete(tasks).where(old))
    return result.rowcount
