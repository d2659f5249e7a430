"""Tables are brought up to date when a service opens them: made when there are none, else migrated with Alembic.

Alembic is imported only when there is something to migrate: a start with current tables costs one small query.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from agents.runtime.database import Database

ENVIRONMENT = Path(__file__).parent / "alembic"
BASELINE = "0001"
"""What tables are that were made before versions were kept."""


class MigrationError(RuntimeError):
    """The tables are not those of this version; the text says what to do."""


@dataclass(frozen=True)
class Tables:
    """Tables that belong together, with their history."""

    name: str
    """Their version is kept in the table `kubeteam_{name}_version`."""
    metadata: tuple[MetaData, ...]
    head: str
    """The newest migration."""
    scripts: Path
    """The folder of migrations."""

    @property
    def version_table(self) -> str:
        return f"kubeteam_{self.name}_version"


async def prepare(database: Database, tables: Tables, *, migrate: bool = True) -> None:
    """Brings the tables up to date, or with `migrate=False` only looks. Raises MigrationError."""
    await database.write(lambda connection: bring_up(connection, tables, migrate=migrate))


def bring_up(connection: Connection, tables: Tables, *, migrate: bool = True) -> None:
    """The same within the caller's transaction. Several processes may do so at the same moment."""
    if version(connection, tables) == tables.head:
        return
    if not migrate:
        raise MigrationError(
            f"the {tables.name} tables are at version {version(connection, tables) or 'none'}, and this kubeteam needs "
            f"{tables.head}: run `kubeteam migrate`"
        )
    _lock(connection, tables)
    found = version(connection, tables)
    if found == tables.head:
        return
    if found is None and not _there(connection, tables):
        for metadata in tables.metadata:
            metadata.create_all(connection)
        _stamp(connection, tables, tables.head)
        return
    if found is None:
        _stamp(connection, tables, BASELINE)
    _upgrade(connection, tables)


def version(connection: Connection, tables: Tables) -> str | None:
    """Which migration the tables are at; None when that was never noted."""
    if not inspect(connection).has_table(tables.version_table):
        return None
    return connection.execute(select(_versions(tables).c.version_num)).scalar()


def _versions(tables: Tables) -> Table:
    return Table(tables.version_table, MetaData(), Column("version_num", String(32), primary_key=True))


def _there(connection: Connection, tables: Tables) -> bool:
    known = set(inspect(connection).get_table_names())
    return any(name in known for metadata in tables.metadata for name in metadata.tables)


def _stamp(connection: Connection, tables: Tables, number: str) -> None:
    table = _versions(tables)
    table.create(connection, checkfirst=True)
    connection.execute(table.delete())
    connection.execute(table.insert().values(version_num=number))


def _lock(connection: Connection, tables: Tables) -> None:
    """Until the transaction ends, nobody else brings these tables up to date."""
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(tables.version_table.encode())
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key})
    elif not getattr(connection.connection.driver_connection, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection, tables: Tables) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(tables.scripts))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, tables=tables)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise MigrationError(
            f"the {tables.name} tables are at version {version(connection, tables)}, which this kubeteam does not know "
            f"(it knows {tables.head} and older): was it downgraded? {error}"
        ) from error
