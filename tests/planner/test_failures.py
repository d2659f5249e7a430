"""Members that are down, slow or talk nonsense cost only their part; a restart loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from agents.runtime.findings import Finding, Usage
from agents.runtime.settings import LimitSettings
from agents.runtime.updates import Failed
from planner import driving
from planner.answer import Answer
from planner.engine import Desk
from planner.leases import Lease
from planner.plan import Plan
from planner.request import Request, new_request
from planner.store import Event, Step, Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.conftest import Serve
from tests.planner.team import Call, FakeTeam, out_of_memory
from tests.planner.test_http import ask, diagnosis, until


def down(call: Call) -> Any:
    return [Failed(f"{call.member}: no connection", "unreachable")]


def broken(call: Call) -> Any:
    raise RuntimeError("the stream is not A2A")


def silent(call: Call) -> Any:
    return []


@pytest.mark.parametrize("trouble", [down, broken, silent])
async def test_a_member_in_trouble_costs_only_its_part(serve: Serve, trouble: Any) -> None:
    client, _ = await serve(FakeTeam(diagnoser=diagnosis, metrics=trouble))
    shown = await until(client, await ask(client, "Why is web down?"), "answered")
    assert shown["root_causes"] and len(shown["missing"]) == 1 and shown["missing"][0].startswith("metrics (")
    assert {s["specialist"]: s["status"] for s in shown["subtasks"]}["metrics"] == "failed"


async def test_a_slow_member_is_left_at_its_deadline_and_its_task_cancelled(serve: Serve) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    team.members["metrics"].gate = asyncio.Event()
    client, _ = await serve(team, LimitSettings(subtask_deadline_seconds=0.05))
    shown = await until(client, await ask(client, "Why is web down?"), "answered")
    assert "no answer within" in shown["missing"][0]
    assert len(team.members["metrics"].cancelled) == 1


async def test_the_requests_deadline_ends_it_with_what_there_is(serve: Serve) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    team.members["metrics"].gate = asyncio.Event()
    client, _ = await serve(team, LimitSettings(request_deadline_seconds=0.3))
    shown = await until(client, await ask(client, "Why is web down?"), "answered")
    assert shown["root_causes"] and any("metrics" in line for line in shown["missing"])


async def test_when_nobody_answers_the_request_fails_and_says_why(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(diagnoser=down, auditor=down, metrics=down))
    shown = await until(client, await ask(client, "Why is web down?"), "failed")
    assert len(shown["missing"]) == 3 and shown["root_causes"] == [] and shown["answer"]


async def test_a_restart_goes_on_without_repeating_what_is_done(store: Store) -> None:
    first = FakeTeam(diagnoser=diagnosis)
    first.members["metrics"].gate = asyncio.Event()
    before = await started(store, first)
    await before.submit(new_request("Why is web down?", id="r1"))
    await told(before, "r1", lambda event: event.data.get("id") == "trace" and event.data["status"] == "done")
    await before.stop()
    assert first.members["metrics"].cancelled == []
    assert (await store.request("r1")).status == "running"
    second = FakeTeam(diagnoser=diagnosis)
    after = await started(store, second)
    await ended(after, "r1")
    shown = await after.view("r1")
    assert shown.status == "answered" and shown.root_causes and shown.missing == []
    assert second.members["diagnoser"].calls == []
    assert [call.message_id for call in second.members["metrics"].calls] == [
        call.message_id for call in first.members["metrics"].calls
    ]
    await after.stop()


async def test_a_request_that_waits_for_a_person_survives_a_restart(store: Store) -> None:
    before = await started(store, FakeTeam(clusters=["prod", "staging"]))
    await before.submit(new_request("Why is web down?", id="r1"))
    await told(before, "r1", lambda event: event.type == "input_required")
    await before.stop()
    after = await started(store, FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis))
    assert (await store.request("r1")).status == "input_required"
    await after.reply("r1", "prod")
    await ended(after, "r1")
    assert (await after.view("r1")).status == "answered"
    await after.stop()


async def test_the_same_id_twice_is_the_same_request(store: Store) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    supervisor = await started(store, team)
    request = new_request("Why is web down?", id="r1")
    await asyncio.gather(supervisor.submit(request), supervisor.submit(request))
    await ended(supervisor, "r1")
    assert len(team.members["diagnoser"].calls) == 1
    await supervisor.stop()


async def test_nothing_is_written_to_a_request_that_has_been_cancelled(store: Store) -> None:
    team = FakeTeam(diagnoser=lambda call: Finding(specialist="diagnoser", root_causes=[out_of_memory()]))
    for member in team.members.values():
        member.gate = asyncio.Event()
    supervisor = await started(store, team)
    await supervisor.submit(new_request("Why is web down?", id="r1"))
    await team.members["diagnoser"].started.wait()
    await supervisor.cancel("r1")
    number = await store.last_event("r1")
    for member in team.members.values():
        assert member.gate is not None
        member.gate.set()
    await asyncio.sleep(0.05)
    assert (await store.request("r1")).status == "cancelled" and await store.last_event("r1") == number
    await supervisor.stop()


class Thoughtful(RunbookStrategy):
    """Writes its answer once it may, unless `error` comes instead."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(LimitSettings())
        self.error = error
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def answer(
        self, request: Request, plan: Plan, findings: Mapping[str, Finding]
    ) -> tuple[Answer, Usage, list[str]]:
        self.asked.set()
        if self.error is not None:
            raise self.error
        await self.may.wait()
        return await super().answer(request, plan, findings)


async def kept(store: Store) -> bool:
    """Whether every subtask of the request is over, with its finding."""
    plan, findings = await store.plan("r1")
    assert plan is not None
    return all(s.status == "done" for s in plan.subtasks) and findings.keys() == {s.id for s in plan.subtasks}


async def answering(store: Store, strategy: Thoughtful) -> Supervisor:
    """A planner that has just begun to put the answer together: its last findings may still wait to be stored."""
    limits = LimitSettings()
    supervisor = Supervisor(Desk(store, Watch(store), FakeTeam(diagnoser=diagnosis), strategy, limits))
    await supervisor.start()
    await supervisor.submit(new_request("Why is web down?", id="r1"))
    await strategy.asked.wait()
    return supervisor


async def test_what_was_found_is_kept_while_the_answer_is_written(store: Store) -> None:
    strategy = Thoughtful()
    supervisor = await answering(store, strategy)
    async with asyncio.timeout(5):
        async for _ in supervisor.desk.watch.events("r1"):
            if await kept(store):
                break
    strategy.may.set()
    await ended(supervisor, "r1")
    await supervisor.stop()


async def test_what_was_found_is_kept_when_the_answer_breaks(store: Store) -> None:
    supervisor = await answering(store, Thoughtful(RuntimeError("a bug in synthesis")))
    await ended(supervisor, "r1")
    assert (await store.request("r1")).status == "failed" and await kept(store)
    await supervisor.stop()


async def test_what_was_found_is_kept_when_the_request_is_cancelled_in_that_moment(store: Store) -> None:
    supervisor = await answering(store, Thoughtful())
    await supervisor.cancel("r1")
    assert (await store.request("r1")).status == "cancelled" and await kept(store)
    await supervisor.stop()


async def test_a_stop_in_that_moment_asks_nobody_again(store: Store) -> None:
    supervisor = await answering(store, Thoughtful())
    await supervisor.stop()
    assert await kept(store)
    second = FakeTeam(diagnoser=diagnosis)
    after = await started(store, second)
    await ended(after, "r1")
    assert {name: len(member.calls) for name, member in second.members.items() if member.calls} == {}
    await after.stop()


@pytest.mark.parametrize("seconds", [0, 0.1], ids=["at once", "while the answer comes"])
async def test_findings_that_the_store_did_not_take_are_asked_for_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(driving, "AWAY_SECONDS", 0.05)
    record, strategy, lost = store.record, Thoughtful(), list[Step]()

    async def away_once(lease: Lease, step: Step, *, hand_over: bool = False) -> list[Event]:
        if strategy.asked.is_set() and not lost:
            lost.append(step)
            strategy.may.set()
            await asyncio.sleep(seconds)
            raise OperationalError("", {}, Exception("server closed the connection"))
        return await record(lease, step, hand_over=hand_over)

    monkeypatch.setattr(store, "record", away_once)
    supervisor = await answering(store, strategy)
    await ended(supervisor, "r1")
    assert lost[0].findings, "it was findings that were lost"
    assert (await store.request("r1")).status == "answered" and await kept(store)
    await supervisor.stop()


async def started(store: Store, team: FakeTeam) -> Supervisor:
    limits = LimitSettings()
    supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(limits), limits))
    await supervisor.start()
    return supervisor


async def ended(supervisor: Supervisor, id: str) -> None:
    async with asyncio.timeout(10):
        async for _ in supervisor.desk.watch.events(id):
            pass


async def told(supervisor: Supervisor, id: str, wanted: Callable[[Event], bool]) -> None:
    async with asyncio.timeout(10):
        async for event in supervisor.desk.watch.events(id):
            if event is not None and wanted(event):
                return
