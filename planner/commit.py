"""Group commit: what is to be written while a transaction runs goes into the next one, together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from agents.runtime.database import BRIEF_ROWS, Database, passing

BATCH = 200

T = TypeVar("T")


class Refusal(Exception):
    """A write that does not apply. It is decided before anything is written, so its neighbours stand."""


@dataclass
class _Write:
    key: str
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit:
    """Writes to one database, in the order in which they were asked for within a key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Write] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, key: str, work: Callable[[Connection], T]) -> T:
        """Returns when the work is durable, with its result. Raises its Refusal, or what the database raised.

        A caller that is cancelled meanwhile does not undo it: what was begun becomes true.
        """
        write = _Write(key, work)
        self._waiting.append(write)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="group commit")
        return await asyncio.shield(write.done)

    async def drain(self) -> None:
        """Waits until nothing is left to write."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                # One order for all: two planners that lock the same rows cannot wait for each other.
                batch.sort(key=lambda write: write.key)
                try:
                    outcomes = await self._commit(batch)
                except Exception as error:
                    outcomes = await self._one_by_one(batch, error)
                for write, outcome in zip(batch, outcomes, strict=True):
                    _settle(write, outcome)
        finally:
            self._writer = None

    async def _one_by_one(self, batch: list[_Write], error: Exception) -> list[Any]:
        """After a failure: what is wrong with one write must not fail its neighbours."""
        if len(batch) == 1 or passing(error):
            return [error] * len(batch)
        outcomes: list[Any] = []
        for write in batch:
            try:
                outcomes += await self._commit([write])
            except Exception as own:
                outcomes.append(own)
        return outcomes

    async def _commit(self, batch: list[_Write]) -> list[Any]:
        def transaction(connection: Connection) -> list[Any]:
            return [_outcome(write, connection) for write in batch]

        return await self._database.write(transaction, brief=len(batch) <= BRIEF_ROWS, patient=True)


def _outcome(write: _Write, connection: Connection) -> Any:
    try:
        return write.work(connection)
    except Refusal as refusal:
        return refusal


def _settle(write: _Write, outcome: Any) -> None:
    if write.done.done():
        return
    if isinstance(outcome, BaseException):
        write.done.set_exception(outcome)
        write.done.exception()  # its caller may be gone
    else:
        write.done.set_result(outcome)
