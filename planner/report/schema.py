"""The tables of reports as they are now; `migrations` leads here from every earlier version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from agents.runtime.migrations import Tables

metadata = sa.MetaData()

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("cluster", sa.String(253), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("start", sa.Text, nullable=False),
    sa.Column("data", sa.Text),
    sa.Index("reports_by_age", "created_at", "id"),
    sa.Index("reports_of_cluster", "cluster", "status", "created_at"),
)
"""`start` is JSON of the Start, `data` that of the Report, or of the reason when it failed."""

runs = sa.Table(
    "report_runs",
    metadata,
    sa.Column("schedule", sa.String(64), primary_key=True),
    sa.Column("due", sa.Float, primary_key=True),
    sa.Column("report_id", sa.String(64)),
)
"""One row per schedule and due time: whoever inserts it makes the report, so that several planners make one. The row
without a report is where a schedule began."""

TABLES = Tables("reports", (metadata,), head="0001", scripts=Path(__file__).parent / "migrations")
