"""`kubeteam migrate`: brings the tables of the configured store up to date."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from agents.runtime.settings import BUILT_IN, Settings, load_settings
from kubeteam.exits import FAILED, Complaint


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate() -> None:
    """Bring all tables of the store up to date. Services do so themselves unless `store.migrate` is false."""
    from sqlalchemy.exc import DBAPIError

    from agents.runtime.migrations import MigrationError

    try:
        asyncio.run(_migrate(load_settings()))
    except (MigrationError, DBAPIError, OSError) as error:
        raise Complaint(f"the store could not be migrated: {error}", FAILED) from error


async def _migrate(settings: Settings) -> None:
    from agents.auditor.audit_tables import TABLES as AUDIT
    from agents.executor.ledger import TABLES as CHANGES
    from agents.runtime.database import Database
    from agents.runtime.migrations import prepare
    from agents.runtime.task_schema import TABLES as TASKS
    from planner.incidents.schema import TABLES as INCIDENTS
    from planner.report.schema import TABLES as REPORTS
    from planner.schema import TABLES as PLANNER

    folder = settings.store.folder.expanduser()
    names = ["planner", *BUILT_IN]
    files = {"planner": PLANNER, "reports": REPORTS, "incidents": INCIDENTS, "changes": CHANGES, "audit-events": AUDIT}
    files |= {f"{name}-tasks": TASKS for name in names}
    for file, tables in files.items():
        if settings.store.url is None and not (folder / f"{file}.db").exists():
            continue  # nobody has used it yet
        database = Database(settings.store.url, Path(folder), file)
        await prepare(database, tables)
        await database.close()
        print(f"{file}: the {tables.name} tables are at {tables.head}")
