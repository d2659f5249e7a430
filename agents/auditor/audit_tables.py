"""The table of audit events as it is now; `migrations` leads here from every earlier version."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from agents.runtime.migrations import Tables

metadata = MetaData()
events = Table(
    "audit_events",
    metadata,
    Column("cluster", Text, nullable=False),
    Column("audit_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("verb", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("is_change", Boolean, nullable=False),
    Column("is_denied", Boolean, nullable=False),
    Column("by_control_plane", Boolean, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("cluster", "audit_id", "stage"),
    Index("audit_events_time", "cluster", "at_us"),
    Index("audit_events_object", "cluster", "resource", "name", "at_us"),
)
"""What is searched for, beside the event itself: JSON, compressed with zlib. `at_us` is microseconds since 1970."""

TABLES = Tables("audit", (metadata,), head="0001", scripts=Path(__file__).parent / "migrations")
