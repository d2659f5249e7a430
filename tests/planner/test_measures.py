"""What Prometheus is told of requests, subtasks, approvals and queues; and that no label holds anybody's name."""

from __future__ import annotations

import asyncio
from typing import Any

from prometheus_client import REGISTRY

from agents.runtime.findings import Finding
from agents.runtime.settings import LimitSettings
from planner.measures import Load, measure
from planner.store import Store
from tests.planner.conftest import Serve
from tests.planner.team import Call, FakeTeam, out_of_memory
from tests.planner.test_approvals import ANN, Executor, desk  # noqa: F401 - a fixture
from tests.planner.test_http import ask, until


def value(name: str, **labels: str) -> float:
    """A sample's present value; 0 when it was never touched."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def diagnosis(call: Call) -> Finding:
    return Finding(specialist="diagnoser", root_causes=[out_of_memory()])


async def test_an_answered_request_and_its_subtasks_are_counted_once_with_their_time(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(diagnoser=diagnosis))
    ended = {"status": "answered", "intent": "diagnose"}
    done = {"specialist": "diagnoser", "status": "done"}
    names = {"kubeteam_requests_total": ended, "kubeteam_request_seconds_count": ended}
    names |= {"kubeteam_subtasks_total": done, "kubeteam_subtask_seconds_count": done}
    before = {name: value(name, **labels) for name, labels in names.items()}
    await until(client, await ask(client, "Why does the web fail?"), "answered")
    assert {name: value(name, **labels) - before[name] for name, labels in names.items()} == dict.fromkeys(names, 1)


async def test_a_request_that_is_cancelled_before_there_is_a_plan_has_no_intent(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(clusters=["a", "b"]))
    before = value("kubeteam_requests_total", status="cancelled", intent="none")
    waiting = await ask(client, "Why does the web fail?")
    await until(client, waiting, "input_required")
    assert (await client.delete(f"/v1/requests/{waiting}")).status_code == 200
    assert value("kubeteam_requests_total", status="cancelled", intent="none") == before + 1


async def test_an_approval_waits_until_it_is_decided(desk: Any, store: Store) -> None:  # noqa: F811
    client, _ = await desk(Executor())
    before = value("kubeteam_approvals_decided_total", decision="reject")
    waiting = await ask(client, 'Fix the web, which says "pause":{"kind":"approval"')
    await until(client, waiting, "input_required")
    await measure(store, Load({}, {}))
    assert value("kubeteam_approvals_waiting") == 1
    assert value("kubeteam_requests_open", status="input_required") == 1
    await client.post(f"/v1/requests/{waiting}/approvals", json={"all": "reject"}, headers=ANN)
    await until(client, waiting, "answered")
    await measure(store, Load({}, {}))
    assert value("kubeteam_approvals_waiting") == 0
    assert value("kubeteam_approvals_decided_total", decision="reject") == before + 2  # two Actions


async def test_the_queue_is_told_by_lane_and_by_user_without_their_names(serve: Serve) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    team.members["diagnoser"].gate = asyncio.Event()
    client, supervisor = await serve(team, LimitSettings(requests_at_once=3, requests_per_user=2))
    asked = [await ask(client, "Why does the web fail?", user=user) for user in ("ann", "ann", "ann", "bob", "cid")]
    for _ in range(1000):
        if len(team.members["diagnoser"].calls) == 3:
            break
        await asyncio.sleep(0.01)
    await measure(supervisor.desk.store, supervisor.load())
    names = ("kubeteam_queue_requests", "kubeteam_queue_users", "kubeteam_queue_busiest_user_requests")
    assert [value(name, state="running") for name in names] == [3, 2, 2]
    assert [value(name, state="waiting") for name in names] == [2, 2, 1]
    assert value("kubeteam_lane_subtasks", specialist="diagnoser", state="running") == 3
    team.members["diagnoser"].gate.set()
    for id in asked:
        await until(client, id, "answered")
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    held = {word for sample in samples for word in sample.labels.values()}
    assert not held & {"ann", "bob", "cid", "front/Deployment/web", *asked}


async def test_a_store_that_is_away_leaves_the_gauges_as_they_were(serve: Serve) -> None:
    _, supervisor = await serve(FakeTeam())

    class Away:
        async def census(self) -> None:
            raise ConnectionRefusedError

    await measure(Away(), supervisor.load())  # type: ignore[arg-type]
