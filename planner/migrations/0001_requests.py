"""Requests, plans, subtasks, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("status", sa.String(20), nullable=False, index=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("last_event", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("requests_by_age", "requests", ["created_at", "id"])
    op.create_table(
        "plans",
        _request(),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "subtasks",
        _request(),
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("finding", sa.Text),
    )
    op.create_table(
        "events",
        _request(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )


def _request() -> sa.Column[str]:
    return sa.Column("request_id", sa.String(64), sa.ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)


def downgrade() -> None:
    for table in ("events", "subtasks", "plans", "requests"):
        op.drop_table(table)
