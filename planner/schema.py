"""The planner's tables as they are now; `migrations` leads here from every earlier version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from agents.runtime.migrations import Tables

metadata = sa.MetaData()

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("user", sa.String(200), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("last_event", sa.Integer, nullable=False, server_default="0"),
    sa.Column("owner", sa.String(300)),
    sa.Column("lease_until", sa.Float, nullable=False, server_default="0"),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    sa.Index("requests_by_age", "created_at", "id"),
    sa.Index("requests_to_do", "status", "created_at"),
)
"""`data` and `answer` are JSON of Request and Answer; the other columns are what is searched by.

`owner` drives the request until `lease_until` (the database's clock, seconds since 1970); nobody does while a person is
waited for. `epoch` counts the owners: a write under an earlier epoch is refused.
"""

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("data", sa.Text, nullable=False),
)
"""`data` is JSON of the Plan without its subtasks."""

subtasks = sa.Table(
    "subtasks",
    metadata,
    sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("finding", sa.Text),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("type", sa.String(20), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
"""Append-only; numbers run from 1 per request without gaps."""

TABLES = Tables("planner", (metadata,), head="0002", scripts=Path(__file__).parent / "migrations")
