"""A specialist that dies costs only its part."""

from __future__ import annotations

import os
import signal

import pytest

from kubeteam.planner_client import PlannerClient
from tests.end_to_end.conftest import QUESTION, team_on_the_incident

pytestmark = pytest.mark.xdist_group("failures")


async def test_killing_a_specialist_in_the_middle_ends_with_an_answer_that_names_what_is_missing() -> None:
    async with team_on_the_incident() as (team, _), PlannerClient(team.url) as planner:
        auditor = team.processes["auditor"]
        assert auditor.pid
        os.kill(auditor.pid, signal.SIGSTOP)  # in the middle: it has the work and does not answer
        request_id = await planner.ask(QUESTION)
        async for event in planner.events(request_id):
            if (
                event.type == "subtask"
                and event.data.get("specialist") == "diagnoser"
                and event.data["status"] == "done"
            ):
                os.kill(auditor.pid, signal.SIGKILL)
        answer = await planner.show(request_id)
    assert answer["status"] == "answered"
    assert answer["root_causes"][0]["resource"] == "shop/Deployment/checkout"
    assert any("auditor" in line for line in answer["missing"])
    assert {s["specialist"]: s["status"] for s in answer["subtasks"]}["auditor"] == "failed"
