"""All tables of a service's tasks, whoever defines them, at their version."""

from __future__ import annotations

from pathlib import Path

from agents.runtime.kagent import outbox_table
from agents.runtime.migrations import Tables

TABLES = Tables("tasks", (outbox_table.metadata,), head="0003", scripts=Path(__file__).parent / "task_migrations")
