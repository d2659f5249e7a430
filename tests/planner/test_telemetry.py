"""What travels with a subtask: the asker's trace, also after a planner's death or a wait, ids, and kagent's lineage."""

from __future__ import annotations

import uuid

import pytest

from agents.runtime import tracing
from agents.runtime.settings import Settings
from planner.request import new_request
from planner.store import Store
from tests.planner.team import Call, FakeTeam
from tests.planner.test_a2a import planner as a2a_planner
from tests.planner.test_a2a import run, settings  # noqa: F401 - a fixture
from tests.planner.test_failures import ended
from tests.planner.test_http import diagnosis
from tests.planner.test_leases import die, held_up, planner, stores  # noqa: F401 - a fixture

PLACE = tracing.Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "shop=checkout")
HEADERS = {"traceparent": PLACE.traceparent, "tracestate": PLACE.tracestate}


def calls(team: FakeTeam) -> list[Call]:
    return [call for member in team.members.values() for call in member.calls]


async def test_a_planner_that_takes_a_request_over_stays_in_its_trace(stores: tuple[Store, Store]) -> None:  # noqa: F811
    first, second = held_up(), FakeTeam(diagnoser=diagnosis)
    one = await planner(stores[0], first)
    with tracing.joined(PLACE):
        await one.submit(new_request("Why is web down?", id="r1"))
    await first.members["diagnoser"].started.wait()
    two = await planner(stores[1], second)
    await die(one, seen=True)
    await ended(two, "r1")
    for call in (*calls(first), *calls(second)):
        assert {name: call.headers.get(name) for name in HEADERS} == HEADERS
    assert len(calls(second)) >= len(calls(first)) > 0
    await two.stop()
    await one.stop()


async def test_requests_of_nobodys_trace_get_none_from_their_neighbours(stores: tuple[Store, Store]) -> None:  # noqa: F811
    team = FakeTeam(diagnoser=diagnosis)
    one = await planner(stores[0], team)
    with tracing.joined(PLACE):
        await one.submit(new_request("Why is web down?", id="traced"))
    await one.submit(new_request("Why is web down?", id="untraced"))
    await ended(one, "traced")
    await ended(one, "untraced")
    found = {call.subtask.request_id: "traceparent" in call.headers for call in calls(team)}
    assert found == {"traced": True, "untraced": False}
    await one.stop()


async def test_a_subtask_bears_the_ids_by_which_logs_are_found(stores: tuple[Store, Store]) -> None:  # noqa: F811
    team = FakeTeam(diagnoser=diagnosis)
    one = await planner(stores[0], team)
    await one.submit(new_request("Why is web down?", id="r1"))
    await ended(one, "r1")
    plan, _ = await stores[0].plan("r1")
    assert plan is not None
    told = {(call.subtask.request_id, call.subtask.plan_id, call.subtask.subtask_id) for call in calls(team)}
    assert told == {("r1", plan.id, subtask.id) for subtask in plan.subtasks}
    await one.stop()


@pytest.mark.parametrize("root", [None, "the-persons-own"])
async def test_a_subtasks_conversation_tells_which_ones_it_descends_from(
    settings: Settings,  # noqa: F811
    store: Store,
    root: str | None,
) -> None:
    team, mine = FakeTeam(diagnoser=diagnosis), str(uuid.uuid4())
    async with a2a_planner(settings, store, team) as (member, _):
        headers = {"x-kagent-root-context-id": root} if root else {}
        await run(member, "Why is web down?", message_id="m1", context_id=mine, headers=headers)
    assert calls(team)
    for call in calls(team):
        assert call.headers == {"x-kagent-parent-context-id": mine, "x-kagent-root-context-id": root or mine}
