"""The journal of changes: append-only, every entry carrying the hash of the one before. Knows no Kubernetes.

The executor writes what was proposed, decided, applied and seen; the planner and the command line read it. A changed,
removed or inserted entry breaks the chain; `verify` says where. Keep a copy of the last hash elsewhere to notice a
shortened or wholly rewritten chain.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, event, func, insert, make_url, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from agents.runtime.settings import Settings

metadata = MetaData()

entries = Table(
    "change_journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("data", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

START = "0" * 64
"""What the first entry has as the hash of the one before."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    seq: int
    """1, 2, 3, … without gaps."""
    at: str
    event: str
    """`proposed`, `refused`, `approved`, `rejected`, `applying`, `applied`, `failed`, `verified`, `undone`, …"""
    subject: str
    """The proposal that it is about."""
    data: dict[str, Any]
    previous: str
    hash: str

    def proper_hash(self) -> str:
        """SHA-256 over everything else in the entry."""
        fields = [self.seq, self.at, self.event, self.subject, self.data, self.previous]
        return hashlib.sha256(_json(fields).encode()).hexdigest()


def changes_engine(settings: Settings) -> AsyncEngine:
    """The database of the ledger and the journal: `store.url`, or the file `changes.db`."""
    url = settings.store.url
    if url is None:
        folder = settings.store.folder.expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / 'changes.db'}"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return serialized(create_async_engine(parsed.set(drivername="sqlite+aiosqlite")))
    return create_async_engine(parsed, pool_pre_ping=True, pool_size=5, max_overflow=5)


def serialized(engine: AsyncEngine) -> AsyncEngine:
    """SQLite takes its write lock when a transaction begins, so that none fails half-way, and syncs every commit."""
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _no_hidden_begin)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


async def append(connection: AsyncConnection, name: str, subject: str, data: dict[str, Any], at: datetime) -> Entry:
    """Adds an entry within the caller's transaction, so that what happened and its entry are stored together."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE change_journal IN EXCLUSIVE MODE"))
    last = (await connection.execute(select(entries).order_by(entries.c.seq.desc()).limit(1))).mappings().first()
    seq, previous = (int(last["seq"]) + 1, str(last["hash"])) if last else (1, START)
    entry = Entry(seq, at.isoformat(), name, subject, data, previous, "")
    digest = entry.proper_hash()
    row = {"seq": seq, "at": entry.at, "event": name, "subject": subject, "data": _json(data)}
    await connection.execute(insert(entries).values(**row, previous=previous, hash=digest))
    return Entry(seq, entry.at, name, subject, data, previous, digest)


async def read(engine: AsyncEngine, *, after: int = 0, limit: int = 100, subject: str | None = None) -> list[Entry]:
    """Entries in order, from the one after `after`."""
    query = select(entries).where(entries.c.seq > after).order_by(entries.c.seq).limit(limit)
    if subject is not None:
        query = query.where(entries.c.subject == subject)
    async with engine.connect() as connection:
        return [_entry(row) for row in (await connection.execute(query)).mappings()]


async def count(engine: AsyncEngine) -> int:
    """How many entries there are."""
    async with engine.connect() as connection:
        return int((await connection.execute(select(func.count()).select_from(entries))).scalar_one())


async def verify(engine: AsyncEngine, *, page: int = 500) -> tuple[int, str, str | None]:
    """Checks the whole chain: how many entries are good, the last good hash, and what is wrong (None: nothing)."""
    seq, head = 0, START
    while batch := await read(engine, after=seq, limit=page):
        problem = check(batch, seq, head)
        if problem is not None:
            return seq, head, problem
        seq, head = batch[-1].seq, batch[-1].hash
    return seq, head, None


def check(batch: Sequence[Entry], seq: int, head: str) -> str | None:
    """What is wrong with entries that follow entry `seq` with hash `head`; None when nothing is."""
    for entry in batch:
        if entry.seq != seq + 1:
            return f"entry {seq + 1} is missing"
        if entry.previous != head:
            return f"entry {entry.seq} does not follow entry {seq}: one of them was replaced"
        if entry.proper_hash() != entry.hash:
            return f"entry {entry.seq} was altered"
        seq, head = entry.seq, entry.hash
    return None


def _entry(row: Any) -> Entry:
    values = {**row, "data": json.loads(row["data"])}
    return Entry(**values)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _no_hidden_begin(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin a transaction late, and without the lock
    # FULL: what has been written down about a change must survive a power cut as well.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
