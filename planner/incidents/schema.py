"""The tables of incidents as they are now; `migrations` leads here from every earlier version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from agents.runtime.migrations import Tables

metadata = sa.MetaData()

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("open_key", sa.String(64), unique=True),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("cluster", sa.String(253)),
    sa.Column("namespace", sa.String(253)),
    sa.Column("request_id", sa.String(64)),
    sa.Column("firing", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("closed_at", sa.Float),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("incidents_by_age", "created_at", "id"),
    sa.Index("incidents_of_request", "request_id"),
)
"""`open_key` is the group's digest while the incident is open, so that a group has but one; `data` is JSON of the
Incident, and the columns beside it win."""

signals = sa.Table(
    "incident_signals",
    metadata,
    sa.Column("source", sa.String(20), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("starts", sa.BigInteger, primary_key=True),
    sa.Column("incident_id", sa.String(64), nullable=False),
    sa.Column("firing", sa.Boolean, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Index("signals_of_incident", "incident_id", "firing"),
)
"""One row per alert and start, however often it is sent. `seen_at` is when it began or ended here."""

notifications = sa.Table(
    "incident_notifications",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("target", sa.String(64), nullable=False),
    sa.Column("due", sa.Float),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("notifications_due", "target", "due"),
)
"""The outbox: `id` is the digest of occasion and target, so that nothing is kept twice; `due` is NULL at the end."""

TABLES = Tables("incidents", (metadata,), head="0001", scripts=Path(__file__).parent / "migrations")
