"""Several replicas serve one service's tasks: who works on a task, who is alive, what is to be cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("a2a_tasks", sa.Column("worker", sa.Text))
    op.add_column("a2a_tasks", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    # Tasks at work have a worker from now on; these were left by a process that is gone.
    op.execute("update a2a_tasks set worker = '' where state in (0, 1, 2)")
    running = sa.text("worker IS NOT NULL")
    op.create_index(
        "a2a_tasks_worker", "a2a_tasks", ["service", "worker"], sqlite_where=running, postgresql_where=running
    )
    op.create_table(
        "a2a_workers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("alive_until", sa.Float, nullable=False),
    )
    op.create_table(
        "a2a_cancels",
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("task_id", sa.Text, primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("a2a_cancels")
    op.drop_table("a2a_workers")
    op.drop_index("a2a_tasks_worker", "a2a_tasks")
    op.drop_column("a2a_tasks", "revision")
    op.drop_column("a2a_tasks", "worker")
