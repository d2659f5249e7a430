"""From an order to a healthy cluster: proposed, approved by a person, applied once, diagnosed again, journaled."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from typing import Any

import httpx
import pytest

from agents.runtime import journal
from kubeteam.planner_client import PlannerClient
from kubeteam.team import RunningTeam
from tests.end_to_end.conftest import started_again, team_on_the_incident

pytestmark = pytest.mark.xdist_group("repair")
ORDER = "fix checkout"
ONCE = {"proposed": 1, "approved": 1, "applying": 1, "applied": 1, "verified": 1}


async def until(planner: PlannerClient, request_id: str, *statuses: str) -> dict[str, Any]:
    for _ in range(600):
        result = await planner.show(request_id)
        if result["status"] in statuses:
            return result
        await asyncio.sleep(0.1)
    raise AssertionError(f"request {request_id} never became {statuses}")


async def proposed(planner: PlannerClient, order: str = ORDER) -> dict[str, Any]:
    return await until(planner, await planner.ask(order), "input_required")


async def events_of(planner: PlannerClient) -> Counter[str]:
    """The journal's events, after its chain was checked."""
    entries = [journal.Entry(**entry) for entry in (await planner.journal(0, 500))["entries"]]
    assert journal.check(entries, 0, journal.START) is None
    return Counter(entry.event for entry in entries)


async def journaled(planner: PlannerClient, event: str) -> None:
    for _ in range(200):
        if (await events_of(planner))[event]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{event} was never journaled")


def kill(team: RunningTeam, name: str) -> None:
    process = team.processes[name]
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)


async def test_an_order_goes_from_the_incident_to_healthy_and_words_alone_change_nothing() -> None:
    async with (
        team_on_the_incident() as (team, _),
        PlannerClient(team.url, "ann") as ann,
        PlannerClient(team.url) as nobody,
    ):
        waiting = await proposed(ann)
        (action,) = waiting["input_required"]["actions"]
        assert "memory: 512Mi" in action["proposal"]["diff"] and action["proposal"]["way_back"]
        request_id = waiting["id"]
        async with httpx.AsyncClient(base_url=team.url) as http:
            yes = await http.post(f"/v1/requests/{request_id}/reply", json={"text": "yes"})
            assert yes.status_code == 422 and "kubeteam approve" in yes.json()["detail"]
            anonymous = await http.post(f"/v1/requests/{request_id}/approvals", json={"all": "approve"})
            assert anonymous.status_code == 403
        assert "approved" not in await events_of(nobody)

        taken = await asyncio.gather(*(ann.decide(request_id, {"all": "approve", "reason": "go"}) for _ in range(3)))
        assert {answer["id"] for answer in taken} == {request_id}
        done = await until(ann, request_id, "answered", "failed")
        assert done["answer"].startswith("**Fixed"), done["answer"]
        assert "Decided by ann: go" in done["answer"] and "No fault is found any more" in done["answer"]
        (action,) = [a for a in done["actions"] if "outcome" in a]
        assert (action["outcome"]["status"], action["outcome"]["verdict"]) == ("applied", "fixed")
        assert await events_of(ann) == ONCE
        healthy = await until(ann, await ann.ask("Is anything wrong with checkout?"), "answered")
        assert healthy["root_causes"] == []


async def test_the_proposals_of_an_answered_question_can_be_approved_or_rejected_afterwards() -> None:
    async with team_on_the_incident() as (team, _), PlannerClient(team.url, "ann") as ann:
        answered = await until(ann, await ann.ask("Why do checkouts fail?"), "answered", "input_required")
        assert answered["status"] == "answered" and answered["input_required"] is None
        proposal = next(a["proposal"] for a in answered["actions"] if a.get("proposal"))
        decision = {"digest": proposal["digest"], "decision": "reject", "reason": "not on a Friday"}
        await ann.decide(answered["id"], {"decisions": [decision]})
        ended = await until(ann, answered["id"], "answered")
        assert "not on a Friday" in ended["answer"] and ended["answer"].startswith("**Rejected")
        assert await events_of(ann) == {"proposed": 1, "rejected": 1}


async def test_a_planner_killed_between_approval_and_apply_applies_once_after_its_restart() -> None:
    async with team_on_the_incident() as (team, settings), PlannerClient(team.url, "ann") as ann:
        request_id = (await proposed(ann))["id"]
        executor = team.processes["executor"].pid
        assert executor
        os.kill(executor, signal.SIGSTOP)  # so that nothing is applied before the planner is dead
        await ann.decide(request_id, {"all": "approve"})
        kill(team, "planner")
        os.kill(executor, signal.SIGCONT)
        async with started_again("planner", settings), PlannerClient(team.url, "ann") as again:
            done = await until(again, request_id, "answered", "failed")
            assert done["answer"].startswith("**Fixed"), done["answer"]
            assert await events_of(again) == ONCE


async def test_an_executor_killed_in_the_middle_of_a_change_tells_the_truth_after_its_restart() -> None:
    async with team_on_the_incident() as (team, settings), PlannerClient(team.url, "ann") as ann:
        request_id = (await proposed(ann))["id"]
        await ann.decide(request_id, {"all": "approve"})
        await journaled(ann, "applied")
        kill(team, "executor")
        async with started_again("executor", settings):
            done = await until(ann, request_id, "answered", "failed")
            assert done["answer"].startswith("**Fixed"), done["answer"]
            assert await events_of(ann) == ONCE


async def test_what_the_policy_forbids_is_refused_by_name_and_can_be_approved_by_whoever_may() -> None:
    policy = {"approvers": {"medium": ["carla"]}}
    async with team_on_the_incident(policy=policy) as (team, _), PlannerClient(team.url, "ann") as ann:
        request_id = (await proposed(ann))["id"]
        await ann.decide(request_id, {"all": "approve"})
        refused = await until(ann, request_id, "answered", "failed")
        assert "ann may not approve changes of medium risk" in refused["answer"], refused["answer"]
        async with PlannerClient(team.url, "carla") as carla:
            await carla.decide(request_id, {"all": "approve"})
            done = await until(carla, request_id, "answered", "failed")
        assert "**Fixed" in done["answer"], done["answer"]
