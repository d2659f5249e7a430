"""Which tasks the controller still has to hear of: one row per task, in the task store's own database.

A row holds no copy of the task. What is sent is the task as it is then, so a hundred events cost one row and one
request, and after a restart nothing is lost that the task store has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, PrimaryKeyConstraint, Table, Text, delete, select

from agents.runtime.database import Database
from agents.runtime.task_tables import metadata, upsert

waiting = Table(
    "kagent_outbox",
    metadata,
    Column("service", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    PrimaryKeyConstraint("service", "task_id"),
)


@dataclass(frozen=True)
class Entry:
    """A task that the controller does not have as it is."""

    task_id: str
    owner: str
    source: str
    """`agent` when another agent asked: its conversation must be made known first."""
    since_ns: int
    """When it began to wait, in nanoseconds since 1970."""


class OutboxTable:
    """The rows of one service."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
        self._service = service

    async def save(self, entries: Sequence[Entry], done: Sequence[str]) -> None:
        """Keeps entries, and forgets the tasks in `done`, in one transaction."""
        rows = [{"service": self._service, **vars(entry)} for entry in entries]

        def work(connection: Connection) -> None:
            if rows:
                connection.execute(upsert(self._database.dialect, waiting), rows)
            if done:
                mine = waiting.c.service == self._service
                connection.execute(delete(waiting).where(mine, waiting.c.task_id.in_(done)))

        await self._database.write(work)

    async def all(self) -> list[Entry]:
        """Everything that waits, oldest first."""
        query = select(waiting).where(waiting.c.service == self._service).order_by(waiting.c.since_ns)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Entry(row.task_id, row.owner, row.source, row.since_ns) for row in rows]
