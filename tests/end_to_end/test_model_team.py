"""The whole team with a language model behind it, and with models that do everything wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.runtime.settings import load_settings
from kubeteam import team
from kubeteam.planner_client import PlannerClient
from kubeteam.target import embedded_cluster, temporary_store
from tests.end_to_end.conftest import INCIDENT
from tests.model_server import (
    ModelServer,
    Reply,
    calls,
    context_overflow,
    failure,
    hang,
    rate_limited,
    text,
)

pytestmark = pytest.mark.xdist_group("model_team")

QUESTION = "Why do checkouts fail?"
PLAN = {
    "goal": "find out why checkouts fail",
    "intent": "diagnose",
    "subtasks": [
        {"id": "causes", "specialist": "diagnoser", "title": "causes", "instruction": "Find the root causes."},
        {"id": "who", "specialist": "auditor", "title": "who", "instruction": "Say who changed checkout."},
    ],
}
EXPLANATION = "The model says: shop/Deployment/checkout was killed because its limit fell to 128Mi [1]."


def a_good_model(asked: dict[str, Any]) -> Reply:
    """Plans, calls two tools at once, and explains: by what it is asked."""
    system = str(asked["messages"][0]["content"])
    if "plan for a team" in system:
        return text(json.dumps(PLAN))
    if "write the answer of a team" in system:
        return text(EXPLANATION)
    tools = {tool["function"]["name"] for tool in asked.get("tools", [])}
    if any(message["role"] == "tool" for message in asked["messages"]):
        return text("The specialist's model has looked.")
    if "find_root_causes" in tools:
        return calls(("find_root_causes", {"question": QUESTION}), ("list_clusters", {}))
    if "query_audit_log" in tools:
        return calls(("query_audit_log", {"resource_name": "checkout"}), ("list_events", {"namespace": "shop"}))
    return text("Nothing to add.")


@asynccontextmanager
async def team_with(server: ModelServer, **changes: Any) -> AsyncGenerator[PlannerClient]:
    model = server.settings(**changes)
    with (
        embedded_cluster(load_settings(model=model), INCIDENT) as settings,
        temporary_store(settings) as temporary,
    ):
        async with (
            team.in_one_process(team.on_free_ports(temporary)) as running,
            PlannerClient(running.url) as planner,
        ):
            yield planner


async def asked(planner: PlannerClient, question: str) -> dict[str, Any]:
    request_id = await planner.ask(question)
    async for event in planner.events(request_id):
        if event.type == "input_required":
            break
    return await planner.show(request_id)


async def test_a_model_plans_calls_tools_in_parallel_and_explains_while_the_facts_stay_the_tools() -> None:
    with ModelServer() as server:
        server.decide(a_good_model)
        async with team_with(server) as planner:
            answer = await asked(planner, QUESTION)
    assert answer["status"] == "answered"
    assert {"causes", "who"} <= {subtask["id"] for subtask in answer["subtasks"]}
    assert EXPLANATION in answer["answer"]
    cause = answer["root_causes"][0]
    assert (cause["resource"], cause["fault"]) == ("shop/Deployment/checkout", "oom_killed")
    assert answer["usage"]["model"] == "openai/test-model"
    assert answer["usage"]["calls"] == len(server.requests)
    assert answer["usage"]["input_tokens"] == 100 * len(server.requests)
    planning = server.requests[0]
    assert planning["response_format"]["type"] == "json_schema"


def planning_only(reply: Reply) -> Callable[[dict[str, Any]], Reply]:
    """A model that is good at everything but planning."""

    def decide(request: dict[str, Any]) -> Reply:
        return reply if "plan for a team" in str(request["messages"][0]["content"]) else a_good_model(request)

    return decide


@pytest.mark.parametrize(
    "plan",
    [
        "this is no JSON",
        json.dumps({"subtasks": []}),
        json.dumps(PLAN | {"subtasks": [{"id": "x", "specialist": "astrologer", "instruction": "look up"}]}),
        json.dumps(
            PLAN
            | {
                "subtasks": [
                    {"id": "a", "specialist": "diagnoser", "instruction": "a", "depends_on": ["b"]},
                    {"id": "b", "specialist": "auditor", "instruction": "b", "depends_on": ["a"]},
                ]
            }
        ),
    ],
    ids=["no-json", "empty", "unknown-specialist", "cycle"],
)
async def test_a_malformed_plan_is_replaced_by_the_runbooks_and_the_answer_says_so(plan: str) -> None:
    with ModelServer() as server:
        server.decide(planning_only(text(plan)))
        async with team_with(server) as planner:
            answer = await asked(planner, QUESTION)
    assert answer["status"] == "answered"
    assert answer["root_causes"][0]["fault"] == "oom_killed"
    assert "the runbook planned instead" in answer["answer"]


@pytest.mark.parametrize(
    "reply",
    [failure(500), rate_limited(), context_overflow(), hang(20), calls(("no_such_tool", {})), text("")],
    ids=["500", "429", "context-overflow", "timeout", "unknown-tool", "empty"],
)
async def test_whatever_the_model_does_the_request_ends_with_the_runbooks_answer_and_says_so(reply: Reply) -> None:
    with ModelServer() as server:
        server.always(reply)
        async with team_with(server, timeout_seconds=0.5, retries=0) as planner:
            english = await asked(planner, QUESTION)
            chinese = await asked(planner, "checkout 为什么一直失败？")
    for answer in (english, chinese):
        assert answer["status"] == "answered"
        assert answer["root_causes"][0]["fault"] == "oom_killed"
        assert "128Mi" in answer["answer"]
        assert answer["missing"]
