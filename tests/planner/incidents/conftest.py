from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.findings import Finding
from agents.runtime.settings import Settings
from planner.engine import Desk
from planner.http import build_router
from planner.incidents.desk import Incidents
from planner.incidents.http import build_incident_router
from planner.incidents.outbox import Outbox
from planner.incidents.store import IncidentStore
from planner.store import Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.incidents.samples import TOKEN
from tests.planner.team import FakeTeam, out_of_memory


class House(NamedTuple):
    """A planner with incidents over a team of fakes."""

    http: httpx.AsyncClient
    desk: Incidents
    team: FakeTeam

    async def post(self, body: Any, token: str = TOKEN, path: str = "/v1/alerts", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.http.post(path, headers=headers, **({"json": body} if body is not None else {}), **more)

    async def incidents(self, **filters: Any) -> list[dict[str, Any]]:
        return (await self.http.get("/v1/incidents", params=filters)).json()["incidents"]

    async def until(self, *statuses: str, count: int = 1) -> list[dict[str, Any]]:
        """The incidents, once `count` of them are in one of the states."""
        found: list[dict[str, Any]] = []
        for _ in range(500):
            found = await self.incidents(limit=200)
            if sum(incident["status"] in statuses for incident in found) == count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {count} {statuses}: {[(i['status'], i.get('note', '')) for i in found]}")


Start = Callable[..., Awaitable[House]]


def diagnosed(call: Any) -> Finding:
    return Finding(specialist="diagnoser", root_causes=[out_of_memory()])


def prepared(call: Any) -> Finding:
    """The executor's dry run of what it was given."""
    given = [dict(action) for action in call.subtask.inputs.get("actions", ())]
    made = [
        {"action": a, "proposal": f"p{n}", "digest": f"{n}" * 64, "diff": "-64Mi\n+512Mi"} for n, a in enumerate(given)
    ]
    return Finding(specialist="executor", facts={"proposals": made})


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a planner; calling it again is a second one on the same store, or after `stop` a restart."""
    async with AsyncExitStack() as stack:

        async def begin(team: FakeTeam | None = None, **alerts: Any) -> House:
            team = team or FakeTeam(["prod"], diagnoser=diagnosed, executor=prepared)
            settings = Settings.model_validate(
                {
                    "store": {"folder": tmp_path},
                    "alerts": {"token": TOKEN, **alerts},
                    "server": {"public_url": "http://p"},
                }
            )
            store = Store(f"sqlite+aiosqlite:///{tmp_path / 'planner.db'}")
            await store.open()
            stack.push_async_callback(store.close)
            supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(settings.limits), settings.limits))
            await supervisor.start()
            stack.push_async_callback(supervisor.stop)
            desk = Incidents(IncidentStore(settings.store), supervisor, settings)
            desk.outbox = Outbox(desk.store, settings.alerts.notify, first_wait=0.02)
            await desk.open()
            stack.push_async_callback(desk.close)
            app = FastAPI()
            app.include_router(build_incident_router(desk))
            app.include_router(build_router(supervisor))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://planner")
            return House(await stack.enter_async_context(client), desk, team)

        yield begin
