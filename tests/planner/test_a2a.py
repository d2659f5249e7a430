"""A2A clients ask the planner: over the wire, with the team's own client."""

from __future__ import annotations

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
from agents.runtime.service import build_app
from agents.runtime.settings import LimitSettings, Settings
from agents.runtime.updates import Completed, InputRequired, Progress, TaskStarted
from planner.a2a import PlannerExecutor
from planner.engine import Desk
from planner.http import build_router
from planner.store import Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.team import FakeTeam
from tests.planner.test_http import diagnosis

URL = "http://planner:8080"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"store": {"folder": tmp_path}, "server": {"public_url": URL}})


@asynccontextmanager
async def planner(settings: Settings, store: Store, team: FakeTeam) -> AsyncIterator[tuple[Member, httpx.AsyncClient]]:
    limits = LimitSettings()
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
    )
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=URL) as http:
        yield Member("planner", URL, http), http


async def run(member: Member, text: str, **options: Any) -> list[Any]:
    subtask = SubtaskInput(question=text, **options.pop("subtask", {}))
    return [update async for update in member.run(text, subtask, deadline=10, **options)]


async def test_an_a2a_client_gets_progress_the_answer_and_the_merged_finding(settings: Settings, store: Store) -> None:
    async with planner(settings, store, FakeTeam(diagnoser=diagnosis)) as (member, http):
        updates = await run(member, "Why is web down?", message_id="m1", user="bob")
        started = next(update for update in updates if isinstance(update, TaskStarted))
        assert any(isinstance(update, Progress) and "diagnoser" in update.text for update in updates)
        finding = updates[-1].finding
        assert finding.root_causes[0].resource == "front/Deployment/web" and finding.specialist == "planner"
        assert finding.text.startswith("**Root cause: `front/Deployment/web`**")
        shown = (await http.get(f"/v1/requests/{started.task_id}")).json()
        assert (shown["status"], shown["user"]) == ("answered", "bob")


async def test_a_clarification_is_input_required_and_continues_the_same_task(settings: Settings, store: Store) -> None:
    async with planner(settings, store, FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis)) as (member, _):
        updates = await run(member, "Why is web down?", message_id="m1")
        started = next(update for update in updates if isinstance(update, TaskStarted))
        assert isinstance(updates[-1], InputRequired) and "prod, staging" in updates[-1].text
        ids = {"task_id": started.task_id, "context_id": started.context_id}
        again = await run(member, "neither", message_id="m2", **ids)
        assert isinstance(again[-1], InputRequired)
        last = (await run(member, "staging", message_id="m3", **ids))[-1]
        assert isinstance(last, Completed) and last.finding.root_causes
        assert (await store.request(started.task_id)).cluster_id == "staging"


async def test_a_subtask_part_names_cluster_and_language(settings: Settings, store: Store) -> None:
    async with planner(settings, store, FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis)) as (member, _):
        named = {"cluster_id": "prod", "language": "zh"}
        last = (await run(member, "Why is web down?", message_id="m1", subtask=named))[-1]
        assert isinstance(last, Completed) and last.finding.text.startswith("**根因：")


async def test_cancelling_the_a2a_task_cancels_the_request(settings: Settings, store: Store) -> None:
    async with planner(settings, store, FakeTeam(clusters=["prod", "staging"])) as (member, _):
        updates = await run(member, "Why is web down?", message_id="m1")
        started = next(update for update in updates if isinstance(update, TaskStarted))
        await member.cancel(started.task_id)
        assert (await store.request(started.task_id)).status == "cancelled"
