"""What the planner remembers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agents.runtime.database import BRIEF_ROWS
from agents.runtime.findings import Finding
from agents.runtime.settings import StoreSettings
from planner.answer import Answer
from planner.leases import Lease
from planner.plan import Plan, Subtask
from planner.request import new_request
from planner.store import MAX_EVENTS, RequestOver, Step, Store, UnknownRequest, store_url
from planner.watch import Watch
from tests.planner.team import out_of_memory

ASKED = ("request", {"status": "queued"})
REQUEST = new_request("Why is web down?", id="r1")
SUBTASKS = tuple(Subtask(id=id, specialist="diagnoser", title=id, instruction="look") for id in ("b", "a"))
FIRST = Lease("r1", 0)
"""Nobody has driven it yet."""
PLAN = Plan(id="p1", request_id="r1", goal="g", subtasks=SUBTASKS)


async def test_a_plan_comes_back_as_it_was_with_states_findings_and_order(store: Store) -> None:
    await store.create(REQUEST, ASKED)
    await store.record(FIRST, Step(plan=PLAN))
    done = SUBTASKS[1].model_copy(update={"status": "done"})
    finding = Finding(specialist="diagnoser", root_causes=[out_of_memory()])
    await store.record(FIRST, Step(subtasks=[done], findings={"a": finding}))
    assert await store.plan("r1") == (PLAN.with_subtask(done), {"a": finding})
    grown = PLAN.with_subtask(done).extended([Subtask(id="c", specialist="x", title="c", instruction="look")])
    await store.record(FIRST, Step(plan=grown))
    assert (await store.plan("r1"))[0] == grown


async def test_events_are_numbered_without_gaps_whoever_writes_them(store: Store) -> None:
    await store.create(REQUEST, ASKED)
    await asyncio.gather(*(store.record(FIRST, Step(events=[("progress", {"n": n})])) for n in range(20)))
    events = await store.events("r1")
    assert [event.number for event in events] == list(range(1, 22))
    assert sorted(event.data["n"] for event in events[1:]) == list(range(20))
    assert await store.events("r1", after=19) == events[19:]


@pytest.mark.parametrize("count", [1, BRIEF_ROWS, BRIEF_ROWS + 1, BRIEF_ROWS + MAX_EVENTS, 2 * MAX_EVENTS])
async def test_who_comes_late_is_told_everything_in_order(store: Store, count: int) -> None:
    await store.create(REQUEST, ASKED)
    ended = REQUEST.model_copy(update={"status": "answered"})
    await store.record(FIRST, Step(request=ended, events=[("progress", {})] * (count - 1)))
    told = [event async for event in Watch(store).events("r1") if event is not None]
    assert [event.number for event in told] == list(range(1, count + 1))


async def test_a_step_is_all_or_nothing_and_none_is_taken_after_the_end(store: Store) -> None:
    await store.create(REQUEST, ASKED)
    ended = REQUEST.model_copy(update={"status": "answered"})
    await store.record(FIRST, Step(request=ended, answer=Answer(text="yes"), events=[("answer", {})]))
    with pytest.raises(RequestOver):
        await store.record(FIRST, Step(request=REQUEST, events=[ASKED]))
    assert (await store.request("r1")).status == "answered" and await store.last_event("r1") == 2
    answer = await store.answer("r1")
    assert answer is not None and answer.text == "yes"


async def test_a_cancelled_writer_leaves_no_torn_step_and_no_lock(store: Store) -> None:
    await store.create(REQUEST, ASKED)
    for n in range(20):
        writing = asyncio.create_task(store.record(FIRST, Step(plan=PLAN, events=[("progress", {"n": n})])))
        await asyncio.sleep(0.0005 * n)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    async with asyncio.timeout(5):
        await store.record(FIRST, Step(events=[("progress", {})]))
    events = await store.events("r1")
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def test_what_is_unfinished_is_told_oldest_first_and_what_waits_is_not(store: Store) -> None:
    for id, status in (("r1", "queued"), ("r2", "running"), ("r3", "input_required")):
        await store.create(new_request("why", id=id).model_copy(update={"status": status}), ASKED)
    assert [candidate.request_id for candidate in await store.candidates("me")] == ["r1", "r2"]


async def test_an_unknown_request_is_an_error_everywhere(store: Store) -> None:
    for call in (store.request("x"), store.last_event("x"), store.record(Lease("x", 0), Step())):
        with pytest.raises(UnknownRequest):
            await call


def test_the_store_is_a_file_of_its_own_unless_a_url_says_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    assert store_url(StoreSettings(folder=folder)) == f"sqlite+aiosqlite:///{folder}/planner.db" and folder.is_dir()
    assert store_url(StoreSettings(url="postgresql+asyncpg://db/x")) == "postgresql+asyncpg://db/x"
