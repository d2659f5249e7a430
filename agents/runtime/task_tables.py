"""The tables behind the task store, for SQLite and PostgreSQL, and the rows that go into them."""

from __future__ import annotations

import functools
from typing import Any

from a2a.types import Message, Task
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from agents.runtime.states import TERMINAL, is_settled

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
    Column("worker", Text, nullable=True),
    Column("revision", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("service", "id"),
    Index("a2a_tasks_listed", "service", "owner", "updated_ns", "id"),
    Index("a2a_tasks_context", "service", "owner", "context_id", "updated_ns"),
    Index("a2a_tasks_state", "service", "state", "updated_ns"),
    # Only tasks that somebody works on: a handful, however many there are.
    Index(
        "a2a_tasks_worker",
        "service",
        "worker",
        sqlite_where=text("worker IS NOT NULL"),
        postgresql_where=text("worker IS NOT NULL"),
    ),
)
"""`worker` is the process that works on the task; others' writes to it are refused. `revision` counts the writes."""

workers = Table(
    "a2a_workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("alive_until", Float, nullable=False),
)
"""Processes that may be alive, by the database's clock."""

cancels = Table(
    "a2a_cancels",
    metadata,
    Column("service", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
)
"""Tasks that somebody asked another process to cancel."""

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


@functools.cache
def upsert(dialect: str, table: Table) -> Any:
    """INSERT … ON CONFLICT DO UPDATE, in the words of the database."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)


@functools.cache
def guarded(dialect: str, worker: str) -> Any:
    """Writes tasks that are new, or that the worker has; gives the ids of those that it did write."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(tasks)
    changed = {c.name: insert.excluded[c.name] for c in tasks.columns if c.name not in ("service", "id", "revision")}
    return insert.on_conflict_do_update(
        index_elements=["service", "id"],
        set_={**changed, "revision": tasks.c.revision + 1},
        where=tasks.c.worker == worker,
    ).returning(tasks.c.id)


@functools.cache
def unless_known(dialect: str) -> Any:
    """Writes answered messages that are new; gives their keys."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(messages)
    return insert.on_conflict_do_nothing(index_elements=["service", "key"]).returning(messages.c.key)


def task_row(service: str, task: Task, owner: str, worker: str) -> dict[str, Any]:
    """The row of a task as it is now; nobody works on one that is settled."""
    return {
        "service": service,
        "id": task.id,
        "owner": owner,
        "context_id": task.context_id,
        "state": task.status.state,
        "updated_ns": task.status.timestamp.ToNanoseconds(),
        "blob": task.SerializeToString(),
        "worker": None if is_settled(task) else worker,
    }


def message_row(service: str, key: str, owner: str, task_id: str | None, reply: Message | None) -> dict[str, Any]:
    """The row of a message that was answered."""
    blob = None if reply is None else reply.SerializeToString()
    return {"service": service, "key": key, "owner": owner, "task_id": task_id, "reply": blob}


def forget(connection: Connection, service: str, before_ns: int) -> int:
    """Deletes tasks that ended before a time, and what belongs to them; gives their number."""
    old = (tasks.c.service == service) & tasks.c.state.in_(sorted(TERMINAL)) & (tasks.c.updated_ns < before_ns)
    ids = select(tasks.c.id).where(old)
    for table in (messages, push_configs):
        connection.execute(delete(table).where(table.c.service == service, table.c.task_id.in_(ids)))
    return connection.execute(delete(tasks).where(old)).rowcount
