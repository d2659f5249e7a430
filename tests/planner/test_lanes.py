"""How much work each specialist gets at a time, whose turn it is, and what happens while it is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents.runtime.findings import Finding
from agents.runtime.settings import LimitSettings
from agents.runtime.updates import Failed
from planner import lanes as lanes_module
from planner.lanes import AWAY_SECONDS, Lanes
from planner.request import new_request
from tests.planner.conftest import Serve
from tests.planner.team import Call, FakeTeam
from tests.planner.test_failures import ended


async def test_a_lane_is_no_wider_than_it_is_and_requests_take_turns() -> None:
    lanes, order, working = Lanes(2), list[str](), 0

    async def work(request_id: str) -> None:
        nonlocal working
        async with lanes.turn("diagnoser", request_id):
            working += 1
            assert working <= 2
            order.append(request_id)
            await asyncio.sleep(0.001)
            working -= 1

    await asyncio.gather(*(work("large") for _ in range(20)), *(work("small") for _ in range(3)), work("tiny"))
    assert order.index("tiny") < 6, "a request with one subtask does not wait for another's twenty"
    assert [name for name in order[:10] if name == "small"] == ["small"] * 3


async def test_specialists_do_not_hold_up_each_other() -> None:
    lanes = Lanes(1)
    async with lanes.turn("diagnoser", "r1"), asyncio.timeout(1), lanes.turn("auditor", "r1"):
        pass


async def test_whoever_gives_up_waiting_passes_its_place_on() -> None:
    lanes = Lanes(1)
    async with asyncio.timeout(1):
        async with lanes.turn("diagnoser", "r1"):
            waiting = [asyncio.create_task(_hold(lanes, f"r{n}")) for n in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
        assert await asyncio.gather(*waiting[1:]) == [None, None]


async def _hold(lanes: Lanes, request_id: str) -> None:
    async with lanes.turn("diagnoser", request_id):
        await asyncio.sleep(0)


async def test_a_specialist_that_stays_away_is_left_alone_and_asked_again_after_a_rest(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_module, "REST_SECONDS", 0.2)
    away = True

    def auditor(call: Call) -> Any:
        return [Failed("auditor is not reachable", "unreachable")] if away else Finding(specialist="auditor")

    team = FakeTeam(auditor=auditor)
    _, supervisor = await serve(team, LimitSettings())

    async def ask(id: str) -> list[str]:
        await supervisor.submit(new_request("Who changed web in shop?", id=id))
        await ended(supervisor, id)
        return [line for line in (await supervisor.view(id)).missing if "auditor" in line]

    asked = team.members["auditor"].calls
    assert "not reachable" in (await ask("r1"))[0]
    assert "could not be reached for some time" in (await ask("r2"))[0]
    assert len(asked) == 1, "nobody waits for it a second time"
    away = False
    await asyncio.sleep(0.25)
    assert await ask("r3") == [] and await ask("r4") == []
    assert len(asked) == 3


def test_a_specialist_that_is_started_again_is_waited_for_once() -> None:
    lanes = Lanes(1)
    assert lanes.patience("diagnoser") == AWAY_SECONDS
    lanes.heard("diagnoser", reached=False)
    assert lanes.patience("diagnoser") == 0
    lanes.heard("diagnoser", reached=True)
    assert lanes.patience("diagnoser") == AWAY_SECONDS
