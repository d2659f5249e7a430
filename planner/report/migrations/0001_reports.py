"""Reports and the runs of their schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("cluster", sa.String(253), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("start", sa.Text, nullable=False),
        sa.Column("data", sa.Text),
    )
    op.create_index("reports_by_age", "reports", ["created_at", "id"])
    op.create_index("reports_of_cluster", "reports", ["cluster", "status", "created_at"])
    op.create_table(
        "report_runs",
        sa.Column("schedule", sa.String(64), primary_key=True),
        sa.Column("due", sa.Float, primary_key=True),
        sa.Column("report_id", sa.String(64)),
    )
