from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.settings import LimitSettings
from planner.engine import Desk
from planner.http import build_router
from planner.store import Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.team import FakeTeam

Serve = Callable[..., Awaitable[tuple[httpx.AsyncClient, Supervisor]]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'planner.db'}")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def serve(store: Store) -> AsyncIterator[Serve]:
    """Starts a planner over a fake team; calling it again is a restart on the same store."""
    async with AsyncExitStack() as stack:

        async def start(team: FakeTeam, limits: LimitSettings | None = None) -> tuple[httpx.AsyncClient, Supervisor]:
            limits = limits or LimitSettings()
            supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(limits), limits))
            await supervisor.start()
            stack.push_async_callback(supervisor.stop)
            app = FastAPI()
            app.include_router(build_router(supervisor))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://planner")
            return await stack.enter_async_context(client), supervisor

        yield start
