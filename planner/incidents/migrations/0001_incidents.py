"""Incidents, their signals, and the outbox of notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "incidents",
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
    )
    op.create_index("incidents_by_age", "incidents", ["created_at", "id"])
    op.create_index("incidents_of_request", "incidents", ["request_id"])
    op.create_table(
        "incident_signals",
        sa.Column("source", sa.String(20), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("starts", sa.BigInteger, primary_key=True),
        sa.Column("incident_id", sa.String(64), nullable=False),
        sa.Column("firing", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("signals_of_incident", "incident_signals", ["incident_id", "firing"])
    op.create_table(
        "incident_notifications",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("due", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("notifications_due", "incident_notifications", ["target", "due"])
