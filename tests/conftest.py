"""Databases for every test that promises something of both."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.postgres import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    """One server per test process."""
    with postgres() as server:
        yield server.url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'kubeteam.db'}"
    server = make_url(request.getfixturevalue("postgres_server"))
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(
        host=server.host, port=server.port, user=server.username, database=server.database
    )
    await connection.execute(f'create database "{name}"')
    await connection.close()
    return server.set(database=name).render_as_string(hide_password=False)
