"""Alembic's environment: `agents.runtime.migrations` hands over the connection and the tables."""

from __future__ import annotations

from alembic import context

from agents.runtime.migrations import Tables

tables: Tables = context.config.attributes["tables"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=list(tables.metadata),
    version_table=tables.version_table,
    render_as_batch=True,
)
context.run_migrations()
