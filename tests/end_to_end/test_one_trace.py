"""One request through five processes, a language model and MCP tools is one tree in its caller's trace."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from agents.runtime.settings import TelemetrySettings
from tests.collector import Collector, Span, assert_one_tree
from tests.end_to_end.conftest import team_on_the_incident
from tests.end_to_end.test_model_team import QUESTION, a_good_model
from tests.model_server import ModelServer

pytestmark = pytest.mark.xdist_group("model_team")

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "shop=checkout", "X-User-Id": "ann"}


async def until_answered(http: httpx.AsyncClient, request_id: str) -> dict[str, Any]:
    for _ in range(600):
        shown = (await http.get(f"/v1/requests/{request_id}")).json()
        if shown["status"] == "answered":
            return shown
        await asyncio.sleep(0.1)
    raise AssertionError(f"{shown['status']} after a minute")


async def a_question_and_a_later_decision(url: str) -> dict[str, Any]:
    """Asks with a trace, and rejects a proposal in another call that bears none."""
    async with httpx.AsyncClient(base_url=url, headers={"X-User-Id": "ann"}) as http:
        asked = await http.post("/v1/requests", json={"question": QUESTION}, headers=HEADERS)
        answered = await until_answered(http, asked.json()["id"])
        proposal = next(action["proposal"] for action in answered["actions"] if action.get("proposal"))
        decision = {"decisions": [{"proposal": proposal["proposal"], "decision": "reject"}]}
        decided = await http.post(f"/v1/requests/{answered['id']}/approvals", json=decision)
        assert decided.status_code == 202, decided.text
        return await until_answered(http, answered["id"])


def named(spans: list[Span], name: str, service: str, kind: str) -> list[Span]:
    return [span for span in spans if (span.name, span.service, span.kind) == (name, f"kubeteam-{service}", kind)]


async def test_a_request_is_one_tree_through_planner_members_models_and_tools_also_after_a_wait() -> None:
    with Collector() as collector, ModelServer() as model:
        model.decide(a_good_model)
        telemetry = TelemetrySettings(otlp_endpoint=collector.url)
        async with team_on_the_incident(model=model.settings(), telemetry=telemetry) as (team, _):
            answer = await a_question_and_a_later_decision(team.url)
            asked = [json.dumps(request) for request in model.requests]
    spans = collector.of(TRACE)
    assert_one_tree(spans, CALLER)
    assert {span.state for span in spans} == {"shop=checkout"}

    drives = sorted(named(spans, "invoke_agent planner", "planner", "internal"), key=lambda span: span.began)
    assert len(drives) == 2 and drives[0].ended < drives[1].began
    assert {drive.attributes["kubeteam.request.id"] for drive in drives} == {answer["id"]}
    by_id = {span.id: span for span in spans}
    for subtask in answer["subtasks"]:
        member = subtask["specialist"]
        (sent,) = [
            span
            for span in named(spans, f"invoke_agent {member}", "planner", "client")
            if span.attributes["kubeteam.subtask.id"] == subtask["id"]
        ]
        assert by_id[sent.parent] in drives
        (worked,) = [
            span
            for span in named(spans, f"invoke_agent {member}", member, "internal")
            if span.attributes["kubeteam.subtask.id"] == subtask["id"]
        ]
        received = by_id[worked.parent]
        assert (received.name, received.kind, received.parent) == ("POST /", "server", sent.id)

    chats = [span for span in spans if span.attributes.get("gen_ai.operation.name") == "chat"]
    assert len(chats) == len(asked)
    assert sum(span.attributes["gen_ai.usage.input_tokens"] for span in chats) == answer["usage"]["input_tokens"]
    assert {by_id[span.parent].name for span in chats} >= {"plan", "answer", "invoke_agent diagnoser"}
    first = chats[0].attributes
    assert (first["gen_ai.provider.name"], first["gen_ai.request.model"]) == ("openai", "test-model")

    tools = Counter(span.name for span in spans if span.name.startswith("execute_tool"))
    assert tools["execute_tool find_root_causes"] and tools["execute_tool query_audit_log"]
    for span in spans:
        if span.name == "execute_tool find_root_causes":
            assert by_id[span.parent].name == "invoke_agent diagnoser" and not span.failed
