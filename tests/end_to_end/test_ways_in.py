"""Every way in gets a working answer from the same five processes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers import get_stream_response_text, new_text_message
from a2a.types import Role, SendMessageRequest, TaskState
from mcp.client import Client

from agents.runtime.settings import Settings
from kubeteam.planner_client import PlannerClient
from kubeteam.team import RunningTeam
from tests.end_to_end.conftest import QUESTION

pytestmark = pytest.mark.xdist_group("team")
Team = tuple[RunningTeam, Settings]
MEMBERS = ("metrics", "auditor", "diagnoser", "executor")


@pytest.mark.parametrize("name", ("planner", *MEMBERS))
async def test_an_a2a_client_is_answered_by_every_service(running_team: Team, name: str) -> None:
    _, settings = running_team
    async with httpx.AsyncClient(timeout=60) as http:
        card = await A2ACardResolver(http, settings.url(name)).get_agent_card()
        client = ClientFactory(ClientConfig(httpx_client=http, streaming=True)).create(card)
        message = new_text_message(QUESTION, role=Role.ROLE_USER)
        states: list[int] = []
        text = ""
        async for event in client.send_message(SendMessageRequest(message=message)):
            text += get_stream_response_text(event)
            if event.HasField("status_update"):
                states.append(event.status_update.status.state)
    assert card.name == name
    assert states[-1] in (TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_INPUT_REQUIRED)
    assert text
    if name in ("planner", "diagnoser"):
        assert "shop/Deployment/checkout" in text and "128Mi" in text


@pytest.mark.parametrize("name", ("planner", *MEMBERS))
async def test_a_v03_client_streams_from_every_service(running_team: Team, name: str) -> None:
    _, settings = running_team
    message = {
        "kind": "message",
        "messageId": uuid.uuid4().hex,
        "role": "user",
        "parts": [{"kind": "text", "text": "checkout 为什么一直失败？"}],
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": message}}
    events: list[dict[str, Any]] = []
    async with httpx.AsyncClient(timeout=60) as http, http.stream("POST", settings.url(name), json=body) as response:
        assert response.status_code == 200
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                events.append(json.loads(line[5:])["result"])
    assert events[0]["kind"] == "task"
    last = events[-1]
    assert last["kind"] == "status-update" and last["final"] is True
    assert last["status"]["state"] in ("completed", "input-required")


@pytest.mark.parametrize("name", MEMBERS)
async def test_an_mcp_client_calls_tools_of_every_specialist(running_team: Team, name: str) -> None:
    _, settings = running_team
    async with Client(f"{settings.url(name)}/mcp") as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("list_clusters", {})
    assert "list_clusters" in tools
    assert not result.is_error
    assert "demo" in json.dumps(result.structured_content)


async def test_http_answers_with_the_documented_shape(running_team: Team) -> None:
    team, _ = running_team
    async with httpx.AsyncClient(base_url=team.url, timeout=60) as http:
        accepted = await http.post("/v1/requests", json={"question": QUESTION})
        assert accepted.status_code == 202
        request_id = accepted.json()["id"]
        async with http.stream("GET", f"/v1/requests/{request_id}/events") as stream:
            seen = [line.removeprefix("event: ") async for line in stream.aiter_lines() if line.startswith("event:")]
        answer = (await http.get(f"/v1/requests/{request_id}")).json()
        listed = (await http.get("/v1/requests")).json()
    assert {"plan", "subtask", "answer"} <= set(seen)
    promised = [
        "id",
        "status",
        "language",
        "answer",
        "root_causes",
        "actions",
        "subtasks",
        "missing",
        "usage",
        "seconds",
    ]  # the shape that `ask --json` prints
    assert not set(promised) - set(answer)
    assert answer["status"] == "answered"
    cause = answer["root_causes"][0]
    assert (cause["resource"], cause["fault"]) == ("shop/Deployment/checkout", "oom_killed")
    assert {"source", "query", "observed_at", "excerpt"} <= set(cause["evidence"][0])
    assert {"id", "specialist", "status", "seconds"} <= set(answer["subtasks"][0])
    assert set(answer["usage"]) == {"model", "calls", "input_tokens", "output_tokens"}
    assert request_id in [item["id"] for item in listed["requests"]]


async def test_events_resume_after_the_last_one_that_was_seen(running_team: Team) -> None:
    team, _ = running_team
    async with PlannerClient(team.url) as planner:
        request_id = await planner.ask(QUESTION)
        events = [event async for event in planner.events(request_id)]
        rest = [event async for event in planner.events(request_id, after=events[2].id)]
    assert [event.id for event in rest] == [event.id for event in events[3:]]


async def test_the_page_is_served_to_browsers(running_team: Team) -> None:
    team, _ = running_team
    async with httpx.AsyncClient(timeout=10) as http:
        page = await http.get(team.url, headers={"Accept": "text/html"})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ("planner", *MEMBERS))
async def test_every_service_says_how_it_is(running_team: Team, name: str) -> None:
    _, settings = running_team
    async with httpx.AsyncClient(base_url=settings.url(name), timeout=10) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200
        assert "# TYPE" in (await http.get("/metrics")).text
