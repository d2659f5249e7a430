"""More than can be done, and clients that do not listen: refused in time, and nobody else waits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.cards import load_card
from agents.runtime.client import Member
from agents.runtime.findings import SubtaskInput
from agents.runtime.serve import serving
from agents.runtime.service import build_app
from agents.runtime.settings import LimitSettings, Settings
from agents.runtime.updates import Failed
from planner.a2a import PlannerExecutor
from planner.engine import Desk
from planner.http import build_router
from planner.leases import Lease
from planner.request import new_request
from planner.store import Event, Step, Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.team import FakeTeam
from tests.planner.test_http import ask, diagnosis, until
from tests.runtime.scripted import V1, message, rpc

FULL = LimitSettings(requests_at_once=1, requests_per_user=1, queued_requests=2)


def busy() -> FakeTeam:
    team = FakeTeam(diagnoser=diagnosis)
    for member in team.members.values():
        member.gate = asyncio.Event()
    return team


@asynccontextmanager
async def served(
    folder: Path, store: Store, team: FakeTeam, limits: LimitSettings
) -> AsyncIterator[tuple[httpx.AsyncClient, Supervisor]]:
    """A planner on a socket of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = Settings.model_validate(
        {"store": {"folder": folder}, "server": {"public_url": url, "shutdown_grace_seconds": 0.1}}
    )
    supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(limits), limits))

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        await supervisor.start()
        yield
        await supervisor.stop()

    app = build_app(
        load_card("planner", settings),
        PlannerExecutor(supervisor),
        settings,
        name="planner",
        routers=[build_router(supervisor)],
        lifespans=[running],
        resume=True,
        admit=supervisor.admit,
    )
    async with serving([(app, "127.0.0.1", port)]), httpx.AsyncClient(base_url=url, timeout=10) as http:
        yield http, supervisor


async def fill(http: httpx.AsyncClient) -> None:
    """One request at work, and as many waiting as may."""
    for _ in range(2):
        await ask(http, "Why is web down?", user="ann")


def refused(response: httpx.Response) -> str:
    assert response.status_code == 429 and int(response.headers["retry-after"]) >= 1
    return response.text


async def test_beyond_the_queue_a_request_is_refused_with_the_time_to_come_back(tmp_path: Path, store: Store) -> None:
    async with served(tmp_path, store, busy(), FULL) as (http, _):
        await fill(http)
        late = await http.post("/v1/requests", json={"question": "Why is web down?", "user": "ann"})
        assert "requests of ann are waiting already; ask again in" in refused(late)
        assert late.headers["content-type"] == "application/problem+json"
        other = await http.post("/v1/requests", json={"question": "Why is web down?", "user": "bob"})
        assert other.status_code == 202, "one user's queue is not another's"


@pytest.mark.parametrize("method", ["SendMessage", "SendStreamingMessage", "message/send", "message/stream"])
async def test_an_a2a_client_is_refused_the_same_way_and_nothing_is_stored(
    tmp_path: Path, store: Store, method: str
) -> None:
    async with served(tmp_path, store, busy(), FULL) as (http, _):
        await fill(http)
        headers = {**V1, "X-User-Id": "ann"} if "/" not in method else {"X-User-Id": "ann"}
        sent = message("Why is web down?") if "/" not in method else legacy("Why is web down?")
        answer = await http.post("/", json=rpc(method, sent), headers=headers)
        assert "waiting already" in refused(answer) and answer.json()["id"] == rpc(method, {})["id"]
        assert answer.json()["error"]["code"] == -32603
        listed = await http.post("/", json=rpc("ListTasks", {}), headers={**V1, "X-User-Id": "ann"})
        assert listed.json()["result"]["totalSize"] == 0


async def test_it_is_the_same_over_rest_and_a_running_task_can_still_be_looked_at(tmp_path: Path, store: Store) -> None:
    async with served(tmp_path, store, busy(), FULL) as (http, _):
        headers = {**V1, "X-User-Id": "ann"}
        no_wait = {**message("Why is web down?", "m1"), "configuration": {"returnImmediately": True}}
        begun = await http.post("/rest/message:send", json=no_wait, headers=headers)
        assert begun.status_code == 200, begun.text
        # The task is shown before its request is taken on.
        for _ in range(500):
            if (await http.get("/v1/requests")).json()["requests"]:
                break
            await asyncio.sleep(0.01)
        await ask(http, "Why is web down?", user="ann")
        refused(await http.post("/rest/message:send", json=message("Why is web down?", "m2"), headers=headers))
        refused(await http.post("/rest/message:stream", json=message("Why is web down?", "m3"), headers=headers))
        shown = await http.get(f"/rest/tasks/{begun.json()['task']['id']}", headers=headers)
        assert shown.status_code == 200


async def test_the_teams_own_client_waits_and_is_then_taken(tmp_path: Path, store: Store) -> None:
    team = busy()
    async with served(tmp_path, store, team, FULL) as (http, _):
        await fill(http)
        member = Member("planner", str(http.base_url), http, patience=10)
        question = "Why is web down?"
        asking = asyncio.create_task(outcome(member, question))
        await asyncio.sleep(0.3)
        assert not asking.done()
        for each in team.members.values():
            assert each.gate is not None
            each.gate.set()
        assert not isinstance(await asking, Failed)


async def outcome(member: Member, question: str) -> Any:
    subtask = SubtaskInput(question=question)
    return [u async for u in member.run(question, subtask, message_id="m1", user="ann", deadline=20)][-1]


def legacy(text: str) -> dict[str, Any]:
    parts = [{"kind": "text", "text": text}]
    return {"message": {"kind": "message", "role": "user", "messageId": "m1", "parts": parts}}


class Counting(Store):
    """Counts the events that were read for streams."""

    read = 0

    async def news(self, *args: Any, **options: Any) -> tuple[list[Event], bool]:
        found = await super().news(*args, **options)
        Counting.read += len(found[0])
        return found


EVENTS, LINE = 6_000, "x" * 3_000
"""Much more than the sockets' buffers hold."""


async def test_a_client_that_does_not_read_its_events_holds_up_nobody_and_costs_little_memory(tmp_path: Path) -> None:
    store = Counting(f"sqlite+aiosqlite:///{tmp_path / 'planner.db'}")
    await store.open()
    line = ("progress", {"subtask": "s", "specialist": "diagnoser", "text": LINE})
    lease = await store.create(new_request("why", id="r1"), ("request", {"status": "running"}), "elsewhere/1/x")
    assert isinstance(lease, Lease)
    await store.record(lease, Step(events=[line] * EVENTS))
    async with served(tmp_path, store, FakeTeam(diagnoser=diagnosis), LimitSettings()) as (http, _):
        assert http.base_url.port is not None
        deaf = await asyncio.open_connection("127.0.0.1", http.base_url.port, limit=1024)
        deaf[1].write(b"GET /v1/requests/r1/events HTTP/1.1\r\nHost: planner\r\n\r\n")
        await deaf[1].drain()
        for _ in range(3):
            id = await ask(http, "Why is web down?")
            assert (await until(http, id, "answered"))["status"] == "answered"
        assert await read_all(http) >= EVENTS, "another client reads the same events to the end meanwhile"
        assert Counting.read - EVENTS < EVENTS / 2, "what the deaf one does not take is not read for it"
        deaf[1].close()
    await store.close()


async def read_all(http: httpx.AsyncClient) -> int:
    count = 0
    async with http.stream("GET", "/v1/requests/r1/events") as response:
        async for text in response.aiter_lines():
            count += text.startswith("event: progress")
            if count >= EVENTS:
                return count
    return count
