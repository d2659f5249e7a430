"""Tables are the same however they came to be: made anew, or migrated from any earlier version."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table

from agents.auditor.audit_tables import TABLES as AUDIT
from agents.executor.ledger import TABLES as CHANGES
from agents.runtime import migrations
from agents.runtime.database import Database
from agents.runtime.migrations import MigrationError, Tables, prepare
from agents.runtime.task_schema import TABLES as TASKS
from planner.incidents.schema import TABLES as INCIDENTS
from planner.report.schema import TABLES as REPORTS
from planner.schema import TABLES as PLANNER

ALL = [PLANNER, REPORTS, INCIDENTS, TASKS, CHANGES, AUDIT]


def differences(connection: Connection, tables: Tables) -> list[object]:
    ours = {name for metadata in tables.metadata for name in metadata.tables}

    def counted(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name in ours

    options = {"include_object": counted, "compare_type": False}
    context = MigrationContext.configure(connection, opts=options)
    joined = MetaData()
    for metadata in tables.metadata:
        for table in metadata.tables.values():
            table.to_metadata(joined)
    return list(compare_metadata(context, joined))


@pytest.mark.parametrize("tables", ALL, ids=lambda tables: tables.name)
async def test_models_and_migrations_agree(database_url: str, tables: Tables) -> None:
    database = Database(database_url, Path(), "x")

    def from_nothing(connection: Connection) -> None:
        migrations._upgrade(connection, tables)

    await database.write(from_nothing)
    assert await database.write(lambda connection: migrations.version(connection, tables)) == tables.head
    assert await database.read(lambda connection: differences(connection, tables)) == []
    await database.close()


@pytest.mark.parametrize("tables", ALL, ids=lambda tables: tables.name)
def test_the_head_is_the_newest_migration(tables: Tables) -> None:
    scripts = ScriptDirectory(str(migrations.ENVIRONMENT), version_locations=[str(tables.scripts)])
    assert scripts.get_heads() == [tables.head]


async def test_services_that_start_together_make_the_tables_once(database_url: str) -> None:
    databases = [Database(database_url, Path(), "x") for _ in range(4)]
    await asyncio.gather(*(prepare(database, tables) for database in databases for tables in ALL))
    for database in databases:
        await database.close()


async def test_tables_from_before_versions_were_kept_are_brought_up_to_date(database_url: str) -> None:
    database = Database(database_url, Path(), "x")

    def as_it_was(connection: Connection) -> None:
        migrations._upgrade(connection, PLANNER)
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(migrations.ENVIRONMENT))
        config.set_main_option("version_locations", str(PLANNER.scripts))
        config.set_main_option("path_separator", "newline")
        config.attributes.update(connection=connection, tables=PLANNER)
        command.downgrade(config, "0001")
        Table(PLANNER.version_table, MetaData(), autoload_with=connection).drop(connection)

    await database.write(as_it_was)
    await prepare(database, PLANNER)
    assert await database.read(lambda connection: differences(connection, PLANNER)) == []
    await database.close()


async def test_a_service_that_may_not_migrate_says_what_to_do(database_url: str) -> None:
    database = Database(database_url, Path(), "x")
    with pytest.raises(MigrationError, match="kubeteam migrate"):
        await prepare(database, PLANNER, migrate=False)
    await database.close()
