"""Reports are started, kept, read in three forms, and made on schedule, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.findings import Finding
from agents.runtime.settings import ReportSettings, ScheduleSettings, StoreSettings
from planner.report.desk import Reports
from planner.report.http import build_report_router
from planner.report.schedule import due, key_of
from planner.report.store import ReportStore
from planner.supervisor import Supervisor
from tests.planner.conftest import Serve
from tests.planner.report.samples import diagnosed, measured, risk
from tests.planner.team import FakeTeam

NIGHTLY = ScheduleSettings(cron="0 2 * * *", cluster="prod", language="zh")


def team(clusters: Any = ("prod",), **scripts: Any) -> FakeTeam:
    return FakeTeam(clusters, **{"diagnoser": lambda _: diagnosed(risk()), "metrics": lambda _: measured(), **scripts})


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[ReportStore]:
    store = ReportStore(StoreSettings(folder=tmp_path))
    await store.open()
    yield store
    await store.close()


def desk_of(store: ReportStore, supervisor: Supervisor, *schedules: ScheduleSettings) -> Reports:
    return Reports(store, supervisor, ReportSettings(schedules=list(schedules)))


async def client_of(desk: Reports) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(build_report_router(desk))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://planner")


async def until_done(http: httpx.AsyncClient, path: str) -> httpx.Response:
    for _ in range(1000):
        answer = await http.get(path)
        if answer.status_code != 202:
            return answer
        await asyncio.sleep(0.01)
    raise TimeoutError(path)


async def test_a_report_is_started_and_read_in_three_forms(kept: ReportStore, serve: Serve) -> None:
    fakes = team()
    _, supervisor = await serve(fakes)
    http = await client_of(desk_of(kept, supervisor))
    started = await http.post("/v1/reports", json={"cluster_id": "prod"})
    assert started.status_code == 202
    path = started.headers["Location"]
    found = (await until_done(http, path)).json()
    assert found["cluster"] == "prod" and 0 < found["score"] < 100 and found["capacity"]["packing"]
    assert {c.subtask.inputs["wish"] for c in fakes.members["diagnoser"].calls} == {"report"}
    page = await http.get(path, headers={"Accept": "text/html,application/json;q=0.5"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await http.get(f"{path}.html")).text == page.text
    assert (await http.get(f"{path}.md")).text.startswith("# Health report: prod")
    assert (await http.get(f"{path}.json", headers={"Accept": "text/html"})).json() == found
    assert (await http.get(f"{path}/charts/nodes.png")).content.startswith(b"\x89PNG")
    assert (await http.get(f"{path}/charts/other.svg")).status_code == 404


async def test_the_second_report_is_compared_with_the_first(kept: ReportStore, serve: Serve) -> None:
    looks = [diagnosed(risk()), diagnosed(causes=False)]
    _, supervisor = await serve(team(diagnoser=lambda _: looks.pop(0)))
    http = await client_of(desk_of(kept, supervisor))
    found: list[dict[str, Any]] = []
    for _ in range(2):
        started = await http.post("/v1/reports", json={"cluster_id": "prod"})
        found.append((await until_done(http, started.headers["Location"])).json())
    assert found[0]["comparison"] is None
    assert found[1]["comparison"]["previous_id"] == found[0]["id"] and found[1]["comparison"]["delta"] > 0
    assert [point["score"] for point in found[1]["history"]] == [found[0]["score"]]
    first = (await http.get("/v1/reports", params={"limit": 1})).json()
    assert [line["id"] for line in first["reports"]] == [found[1]["id"]]
    rest = (await http.get("/v1/reports", params={"cursor": first["next_cursor"]})).json()
    assert [line["id"] for line in rest["reports"]] == [found[0]["id"]] and rest["next_cursor"] is None


async def test_errors_are_problem_details(kept: ReportStore, serve: Serve) -> None:
    _, supervisor = await serve(team())
    http = await client_of(desk_of(kept, supervisor))
    missing = await http.get("/v1/reports/nope.html")
    assert missing.status_code == 404 and missing.headers["content-type"] == "application/problem+json"
    assert (await http.post("/v1/reports", json={"language": "fr"})).status_code == 422
    assert (await http.get("/v1/reports", params={"cursor": "nope"})).status_code == 400


async def test_a_report_that_cannot_be_made_says_why(kept: ReportStore, serve: Serve) -> None:
    def down(_: Any) -> Finding:
        raise RuntimeError("it is down")

    _, supervisor = await serve(team(diagnoser=down, metrics=down))
    http = await client_of(desk_of(kept, supervisor))
    started = await http.post("/v1/reports", json={"cluster_id": "prod"})
    answer = await until_done(http, started.headers["Location"])
    assert answer.status_code == 409 and "it is down" in answer.json()["detail"]


async def test_nobody_is_asked_back_which_cluster_is_meant(kept: ReportStore, serve: Serve) -> None:
    _, supervisor = await serve(team(clusters=("prod", "test")))
    http = await client_of(desk_of(kept, supervisor))
    started = await http.post("/v1/reports", json={})
    answer = await until_done(http, started.headers["Location"])
    assert answer.status_code == 409 and "prod, test" in answer.json()["detail"]


async def test_a_report_goes_on_after_a_crash_between_its_row_and_its_request(kept: ReportStore, serve: Serve) -> None:
    _, supervisor = await serve(team())
    desk = desk_of(kept, supervisor, NIGHTLY)
    at = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    await desk.tick(at)
    (started,) = await desk.tick(at + timedelta(hours=1, minutes=1))
    http = await client_of(desk)
    found = (await until_done(http, f"/v1/reports/{started.id}")).json()
    assert (found["cluster"], found["language"], found["schedule"]) == ("prod", "zh", NIGHTLY.cron)


async def test_a_due_time_is_reported_once_by_whichever_planner(kept: ReportStore, serve: Serve) -> None:
    _, supervisor = await serve(team())
    desks = [desk_of(kept, supervisor, NIGHTLY) for _ in range(3)]
    at = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    await asyncio.gather(*(desk.tick(at) for desk in desks))
    made = await asyncio.gather(*(desk.tick(at + timedelta(hours=1)) for desk in desks))
    assert sum(map(len, made)) == 1
    # A restart forgets nothing and repeats nothing.
    assert not await desk_of(kept, supervisor, NIGHTLY).tick(at + timedelta(hours=2))
    for desk in desks:
        await asyncio.gather(*desk._following.values())


def test_missed_runs_are_made_up_for_once_and_not_after_half_a_day() -> None:
    day = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    assert due("0 2 * * *", day - timedelta(days=3), day + timedelta(hours=3)) == day
    assert due("0 2 * * *", day, day + timedelta(hours=3)) is None
    assert due("0 2 * * *", day - timedelta(days=3), day + timedelta(hours=15)) is None
    assert due("*/5 * * * *", day - timedelta(minutes=1), day) == day


def test_a_schedule_keeps_its_key_when_others_come_and_go() -> None:
    assert key_of(NIGHTLY) == key_of(NIGHTLY.model_copy())
    assert key_of(NIGHTLY) != key_of(NIGHTLY.model_copy(update={"cluster": "test"}))
