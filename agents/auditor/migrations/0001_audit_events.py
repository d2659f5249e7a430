"""Events that the API server's webhook sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("audit_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("is_change", sa.Boolean, nullable=False),
        sa.Column("is_denied", sa.Boolean, nullable=False),
        sa.Column("by_control_plane", sa.Boolean, nullable=False),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "audit_id", "stage"),
    )
    op.create_index("audit_events_time", "audit_events", ["cluster", "at_us"])
    op.create_index("audit_events_object", "audit_events", ["cluster", "resource", "name", "at_us"])


def downgrade() -> None:
    op.drop_table("audit_events")
