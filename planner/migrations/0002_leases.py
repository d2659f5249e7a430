"""Several planners share the work: a lease with a fencing epoch per request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("requests", sa.Column("owner", sa.String(300)))
    op.add_column("requests", sa.Column("lease_until", sa.Float, nullable=False, server_default="0"))
    op.add_column("requests", sa.Column("epoch", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("ix_requests_status", "requests")
    op.create_index("requests_to_do", "requests", ["status", "created_at"])


def downgrade() -> None:
    op.drop_index("requests_to_do", "requests")
    op.create_index("ix_requests_status", "requests", ["status"])
    for column in ("owner", "lease_until", "epoch"):
        op.drop_column("requests", column)
