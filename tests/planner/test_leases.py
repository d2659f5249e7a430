"""Several planners on one store: a request belongs to one at a time, and whoever was too late is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.runtime.findings import Finding
from agents.runtime.settings import LimitSettings
from agents.runtime.worker import retire
from planner.engine import Desk
from planner.leases import Candidate, Lease
from planner.request import new_request
from planner.store import LeaseLost, Step, Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import NotWaiting, Supervisor
from planner.turns import Overloaded, next_in_turn
from planner.watch import Watch
from tests.planner.team import Call, FakeTeam
from tests.planner.test_failures import ended, told
from tests.planner.test_http import diagnosis


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two planners' doors to one database."""
    both = Store(database_url, lease_seconds=1), Store(database_url, lease_seconds=1)
    for store in both:
        await store.open()
    yield both
    for store in both:
        await store.close()


async def planner(store: Store, team: FakeTeam, **limits: int) -> Supervisor:
    settings = LimitSettings.model_validate(limits)
    supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(settings), settings))
    await supervisor.start()
    return supervisor


def held_up() -> FakeTeam:
    team = FakeTeam(diagnoser=diagnosis)
    for member in team.members.values():
        member.gate = asyncio.Event()
    return team


async def die(supervisor: Supervisor, *, seen: bool) -> None:
    """As SIGKILL: nothing is let go of. `seen`: the others are on the same machine and know that it is gone."""
    driving = supervisor._driving
    assert driving._keeper is not None
    driving._keeper.cancel()
    for ride in list(driving._rides.values()):
        assert ride.task is not None
        driving._leave(ride)
    await asyncio.sleep(0)
    if seen:
        retire(driving.worker)


@pytest.mark.parametrize("seen", [True, False])
async def test_another_planner_goes_on_when_the_owner_dies(stores: tuple[Store, Store], seen: bool) -> None:
    first, second = held_up(), FakeTeam(diagnoser=diagnosis)
    one = await planner(stores[0], first)
    await one.submit(new_request("Why is web down?", id="r1"))
    await first.members["diagnoser"].started.wait()
    two = await planner(stores[1], second)
    assert second.members["diagnoser"].calls == []
    await die(one, seen=seen)
    await ended(two, "r1")
    assert (await two.view("r1")).status == "answered"
    assert [sent(call) for call in second.members["diagnoser"].calls] == [
        sent(call) for call in first.members["diagnoser"].calls
    ]
    assert first.members["diagnoser"].cancelled == []
    await two.stop()
    await one.stop()


ORDER = "restart deployment api in prod"


def sent(call: Call) -> tuple[object, ...]:
    """What a member knows a message by: all of it."""
    return call.message_id, call.instruction, call.subtask.model_dump(mode="json"), call.context_id, call.task_id


async def test_a_reply_that_is_sent_again_by_another_planner_is_the_same_to_the_letter(
    stores: tuple[Store, Store],
) -> None:
    def executor(call: Call) -> Finding:
        asks = call.instruction != ORDER
        return Finding(specialist="executor", text="ready", facts={"question": "Which api?"} if asks else {})

    first, second = FakeTeam(executor=executor), FakeTeam(executor=executor)
    one = await planner(stores[0], first)
    await one.submit(new_request("Restart api", id="r1"))
    await told(one, "r1", lambda event: event.type == "input_required")
    member = first.members["executor"]
    member.gate, member.started = asyncio.Event(), asyncio.Event()
    await one.reply("r1", ORDER)
    await member.started.wait()
    await task_noted(one, "r1")
    await die(one, seen=True)
    two = await planner(stores[1], second)
    await ended(two, "r1")
    assert sent(second.members["executor"].calls[0]) == sent(member.calls[-1])
    await asyncio.gather(two.stop(), one.stop())


async def task_noted(supervisor: Supervisor, request_id: str) -> None:
    """Returns when the A2A task of a second turn is in the store."""
    for _ in range(200):
        plan, _ = await supervisor.desk.store.plan(request_id)
        if plan is not None and any(subtask.turn and subtask.task_id for subtask in plan.subtasks):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it was never stored")


async def test_the_late_write_of_an_owner_that_was_paused_is_refused(stores: tuple[Store, Store]) -> None:
    asked = ("request", {"status": "queued"})
    old = await stores[0].create(new_request("why", id="r1"), asked, "paused/1/x")
    assert old is not None
    await asyncio.sleep(1.1)
    seen = await stores[1].candidates("two")
    (new,) = await stores[1].claim(seen, "two")
    assert new.epoch == old.epoch + 1
    with pytest.raises(LeaseLost):
        await stores[0].record(old, Step(events=[("progress", {})]))
    await stores[1].record(new, Step(events=[("progress", {})]))
    assert await stores[0].last_event("r1") == 2
    assert await stores[0].renew("paused/1/x") == set()


async def test_of_many_planners_that_claim_at_once_one_gets_it(stores: tuple[Store, Store]) -> None:
    for number in range(10):
        await stores[0].create(new_request("why", id=f"r{number}"), ("request", {}))
    seen = await stores[0].candidates("one")
    taken = await asyncio.gather(*(stores[n % 2].claim(seen, f"p{n}") for n in range(6)))
    assert sorted(lease.request_id for leases in taken for lease in leases) == [f"r{n}" for n in range(10)]


async def test_a_request_whose_creation_broke_off_after_its_commit_is_driven(stores: tuple[Store, Store]) -> None:
    supervisor = await planner(stores[0], FakeTeam(diagnoser=diagnosis))
    request = new_request("why does shop fail in cluster demo?", id="r1", cluster_id="demo")
    await stores[0].create(request, ("request", {}), supervisor._driving.worker)  # and nobody heard that it was done
    await ended(supervisor, "r1")
    await supervisor.stop()


async def test_a_request_that_waits_for_a_person_is_nobodys_and_is_answered_at_any_planner_once(
    stores: tuple[Store, Store],
) -> None:
    clusters = ["prod", "staging"]
    one = await planner(stores[0], FakeTeam(clusters, diagnoser=diagnosis))
    two = await planner(stores[1], FakeTeam(clusters, diagnoser=diagnosis))
    await one.submit(new_request("Why is web down?", id="r1"))
    await told(two, "r1", lambda event: event.type == "input_required")
    assert await stores[0].renew(one._driving.worker) == set()
    answers = await asyncio.gather(one.reply("r1", "prod"), two.reply("r1", "staging"), return_exceptions=True)
    assert sorted(isinstance(answer, NotWaiting) for answer in answers) == [False, True]
    await ended(one, "r1")
    await asyncio.gather(one.stop(), two.stop())


async def test_a_cancel_at_another_planner_ends_the_request_and_the_members_work(stores: tuple[Store, Store]) -> None:
    team = held_up()
    one, two = await planner(stores[0], team), await planner(stores[1], FakeTeam())
    await one.submit(new_request("Why is web down?", id="r1"))
    await team.members["diagnoser"].started.wait()
    assert (await two.cancel("r1")).status == "cancelled"
    rides = [ride.task for ride in one._driving._rides.values() if ride.task is not None]
    _, late = await asyncio.wait(rides, timeout=5) if rides else (None, set())
    assert not late
    assert (await stores[0].request("r1")).status == "cancelled"
    await asyncio.gather(one.stop(), two.stop())


async def test_a_graceful_stop_hands_over_at_once(stores: tuple[Store, Store]) -> None:
    team = held_up()
    one = await planner(stores[0], team)
    await one.submit(new_request("Why is web down?", id="r1"))
    await team.members["diagnoser"].started.wait()
    await one.stop()
    assert [candidate.owner for candidate in await stores[1].candidates("two")] == [None]


async def test_what_is_too_much_is_queued_and_beyond_that_refused(stores: tuple[Store, Store]) -> None:
    team = held_up()
    one = await planner(stores[0], team, requests_at_once=2, requests_per_user=1, queued_requests=4)
    for number in range(3):
        await one.submit(new_request("Why is web down?", id=f"a{number}", user="ann"))
    assert len(one._driving._rides) == 1
    with pytest.raises(Overloaded) as refused:
        await one.submit(new_request("Why is web down?", id="a3", user="ann"))
    assert refused.value.retry_after >= 1
    await one.submit(new_request("Why is web down?", id="b0", user="bob"))
    assert {ride.user for ride in one._driving._rides.values()} == {"ann", "bob"}
    for member in team.members.values():
        assert member.gate is not None
        member.gate.set()
    for id in ("a0", "a1", "a2", "b0"):
        await ended(one, id)
    await one.stop()


def test_users_take_turns() -> None:
    waiting = [Candidate(f"{user}{n}", user, 0, None, True) for user, n in zip("aaaabbc", range(7), strict=True)]
    chosen = next_in_turn(waiting, {"c": 1}, room=5, per_user=2)
    assert [candidate.request_id for candidate in chosen] == ["a0", "b4", "a1", "b5", "c6"]


async def test_requests_that_ended_long_ago_are_forgotten(stores: tuple[Store, Store]) -> None:
    store = stores[0]
    for id, status in (("old", "answered"), ("waits", "input_required")):
        asked = new_request("why", id=id).model_copy(update={"status": status})
        await store.create(asked, ("request", {}))
    assert await store.forget_before(asked.created_at.timestamp() + 1) == 1
    assert (await store.request("waits")).id == "waits"
    assert await store.events("old") == []
    assert Lease("waits", 0) == (await store.held("waits"))[1]
