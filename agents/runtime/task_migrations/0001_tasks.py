"""Tasks, messages, push configurations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "a2a_tasks",
        _key("service"),
        _key("id"),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("context_id", sa.Text, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_index("a2a_tasks_listed", "a2a_tasks", ["service", "owner", "updated_ns", "id"])
    op.create_index("a2a_tasks_context", "a2a_tasks", ["service", "owner", "context_id", "updated_ns"])
    op.create_index("a2a_tasks_state", "a2a_tasks", ["service", "state", "updated_ns"])
    op.create_table(
        "a2a_messages",
        _key("service"),
        _key("key"),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text, nullable=True),
        sa.Column("reply", sa.LargeBinary, nullable=True),
    )
    op.create_index("a2a_messages_task", "a2a_messages", ["service", "task_id"])
    op.create_table(
        "a2a_push_configs",
        _key("service"),
        _key("task_id"),
        _key("id"),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def downgrade() -> None:
    for table in ("a2a_push_configs", "a2a_messages", "a2a_tasks"):
        op.drop_table(table)
