"""What the planner learns of its team: cards of others' agents, and the clusters, from the members themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from agents.runtime.settings import Settings
from planner.members import ConfiguredMembers, cluster_names
from planner.team import ToolUnavailable
from tests.planner.team import FakeMember

SETTINGS = Settings.model_validate(
    {
        "agents": {
            "mesh": {"url": "http://mesh:9000/", "description": "Looks after the mesh"},
            "metrics": {"enabled": False},
        }
    }
)
CARD = {
    "name": "m",
    "description": "The mesh",
    "skills": [{"id": "mesh", "name": "Mesh", "description": "", "tags": ["istio"]}],
}


def members(handle: Callable[[httpx.Request], httpx.Response]) -> ConfiguredMembers:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return ConfiguredMembers(SETTINGS, http, lambda name, url: FakeMember(name, lambda call: []))


async def test_a_foreign_agents_card_says_what_it_is_asked_for() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=CARD)

    team = members(handle)
    mesh = (await team.profiles())["mesh"]
    assert (mesh.description, mesh.skills[0].tags) == ("The mesh", ("istio",))
    assert list(await team.profiles()) == ["auditor", "diagnoser", "executor", "mesh"]
    assert asked == ["http://mesh:9000/.well-known/agent-card.json"]


@pytest.mark.parametrize("body", ["down", [], {"skills": [{"name": "no id"}]}])
async def test_a_card_that_cannot_be_read_leaves_what_was_declared(body: Any) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if body == "down":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=body)

    assert (await members(handle).profiles())["mesh"].description == "Looks after the mesh"


async def test_the_clusters_come_from_the_first_member_that_can_say_and_are_remembered() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.port == SETTINGS.port("diagnoser"):
            raise httpx.ConnectError("refused")
        clusters = [{"cluster_id": "prod", "cluster_name": "x"}, {"cluster_id": "staging", "cluster_name": "y"}]
        return httpx.Response(200, json={"result": {"structuredContent": {"count": 2, "clusters": clusters}}})

    team = members(handle)
    assert await team.clusters() == ["prod", "staging"]
    assert await team.clusters() == ["prod", "staging"] and asked == ["/mcp", "/mcp"]


async def test_no_clusters_are_known_when_no_member_can_say() -> None:
    assert await members(lambda request: httpx.Response(500)).clusters() == []


@pytest.mark.parametrize("answer", [[], {"error": {"message": "no"}}, {"result": {"isError": True}}, {"result": {}}])
async def test_a_tool_that_fails_is_an_error_that_names_it(answer: Any) -> None:
    team = members(lambda request: httpx.Response(200, json=answer))
    with pytest.raises(ToolUnavailable, match="executor: read_journal"):
        await team.call_tool("executor", "read_journal", {})


@pytest.mark.parametrize("answer", [{}, {"clusters": None}, {"result": "east"}])
def test_an_answer_without_clusters_is_an_error_and_not_an_empty_list(answer: Any) -> None:
    with pytest.raises(ValueError, match="list_clusters"):
        cluster_names(answer)
