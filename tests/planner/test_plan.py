"""The rules of the plan graph, for any graph."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.plan import OVER, Plan, PlanError, Subtask, check, cyclic

MEMBERS = ("diagnoser", "auditor")


def subtask(id: str, *depends_on: str, **changed: object) -> Subtask:
    return Subtask(id=id, specialist="diagnoser", title=id, instruction="look", depends_on=depends_on).model_copy(
        update=changed
    )


def plan(*subtasks: Subtask) -> Plan:
    return Plan(id="p", request_id="r", goal="g", subtasks=subtasks)


def problems(*subtasks: Subtask, max_subtasks: int = 1000, max_depth: int = 3) -> tuple[str, ...]:
    with pytest.raises(PlanError) as caught:
        check(plan(*subtasks), MEMBERS, max_subtasks=max_subtasks, max_depth=max_depth)
    return caught.value.problems


@st.composite
def acyclic(draw: st.DrawFn) -> Plan:
    """Any graph whose edges point to earlier subtasks, told in any order."""
    count = draw(st.integers(1, 12))
    subtasks = [
        subtask(f"s{n}", *(f"s{d}" for d in draw(st.sets(st.integers(0, n - 1), max_size=3)))) if n else subtask("s0")
        for n in range(count)
    ]
    return plan(*draw(st.permutations(subtasks)))


@given(acyclic(), st.integers(), st.integers(0, 3))
def test_any_acyclic_plan_runs_to_its_end_each_subtask_once_after_what_it_needs(
    graph: Plan, seed: int, failures: int
) -> None:
    chance = random.Random(seed)
    check(graph, MEMBERS, max_subtasks=1000, max_depth=3)
    ran: list[str] = []
    while True:
        for hopeless in graph.hopeless():
            graph = graph.with_subtask(hopeless.model_copy(update={"status": "skipped"}))
        ready = graph.ready()
        if not ready and not graph.hopeless():
            break
        for chosen in chance.sample(ready, chance.randint(1, len(ready))) if ready else []:
            assert chosen.id not in ran
            assert all(graph.subtask(id).status in OVER for id in chosen.depends_on)
            ran.append(chosen.id)
            status = "failed" if chance.random() < failures / 4 else "done"
            graph = graph.with_subtask(chosen.model_copy(update={"status": status}))
    assert graph.over
    skipped = {s.id for s in graph.subtasks if s.status == "skipped"}
    assert len(ran) + len(skipped) == len(graph.subtasks)
    for id in skipped:
        assert all(graph.subtask(d).status in ("failed", "skipped") for d in graph.subtask(id).depends_on)


@given(acyclic(), st.data())
def test_a_cycle_is_always_found_and_names_who_is_on_it(graph: Plan, data: st.DataObject) -> None:
    first, last = data.draw(st.sampled_from(graph.subtasks)), data.draw(st.sampled_from(graph.subtasks))
    through = first.model_copy(update={"depends_on": (*first.depends_on, last.id)})
    looped = graph.with_subtask(through)
    reaches = last.id == first.id or first.id in _ancestors(graph, last.id)
    assert (first.id in cyclic(looped.subtasks)) == reaches


def _ancestors(graph: Plan, id: str) -> set[str]:
    found: set[str] = set()
    todo = [id]
    while todo:
        for dependency in graph.subtask(todo.pop()).depends_on:
            if dependency not in found:
                found.add(dependency)
                todo.append(dependency)
    return found


def test_a_broken_plan_names_every_broken_rule() -> None:
    found = problems(subtask("a", specialist="nobody"), subtask("a", "b"), subtask("c", instruction=" "))
    text = "\n".join(found)
    assert "'nobody'" in text and "used twice: a" in text and "'b'" in text and "c: it has no instruction" in text


def test_a_plan_has_bounds() -> None:
    assert "2 are allowed" in problems(subtask("a"), subtask("b"), subtask("c"), max_subtasks=2)[0]
    assert "deeper than 1" in problems(subtask("a", depth=2), max_depth=1)[0]
    assert problems() == ("it has no subtasks",)


def test_a_subtask_runs_when_at_least_one_of_its_dependencies_brought_something() -> None:
    mixed = plan(subtask("a", status="failed"), subtask("b", status="done"), subtask("c", "a", "b"), subtask("d", "a"))
    assert [s.id for s in mixed.ready()] == ["c"]
    assert [s.id for s in mixed.hopeless()] == ["d"]


def test_the_message_id_is_the_same_for_every_attempt_and_differs_by_turn_and_subtask() -> None:
    graph = plan(subtask("a"), subtask("b"))
    a, b = graph.subtasks
    assert graph.message_id(a) == graph.message_id(a.model_copy(update={"status": "running"}))
    again = a.model_copy(update={"turn": 1})
    assert len({graph.message_id(a), graph.message_id(b), graph.message_id(again)}) == 3
