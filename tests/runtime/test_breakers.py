"""What does not answer is left alone for a while, and found again: models and MCP servers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agents.runtime import litellm_client, remote_tools
from agents.runtime.breaker import Breaker
from agents.runtime.models import ModelError, complete
from agents.runtime.remote_tools import RemoteServer, Unreachable
from agents.runtime.settings import McpServerSettings
from agents.runtime.tools import ToolFailure
from tests.model_server import ModelServer, failure, text

ASK: list[Any] = [{"role": "user", "content": "Make a plan."}]


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_after_failures_in_a_row_nobody_tries_until_one_finds_it_back() -> None:
    clock = Clock()
    breaker = Breaker(failures=2, rest_seconds=10, clock=clock)
    breaker.heard(ok=False)
    breaker.heard(ok=True)
    breaker.heard(ok=False)
    assert breaker.rest() == 0 and not breaker.tripped, "a success in between starts the count anew"
    breaker.heard(ok=False)
    assert breaker.rest() == 10
    clock.time += 10
    assert [breaker.rest() > 0 for _ in range(3)] == [False, True, True], "one of them may try"
    breaker.heard(ok=False)
    clock.time += 9
    assert breaker.rest() == 1, "it is still away"
    clock.time += 1
    assert breaker.rest() == 0
    breaker.heard(ok=True)
    assert breaker.rest() == 0 and not breaker.tripped


async def failed(server: ModelServer, **changes: Any) -> ModelError:
    with pytest.raises(ModelError) as raised:
        await complete(server.settings(retries=0, **changes), ASK)
    return raised.value


async def test_a_model_that_fails_again_and_again_is_left_alone_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(litellm_client, "REST_SECONDS", 0.3)
    with ModelServer() as server:
        server.always(failure(503))
        for _ in range(litellm_client.FAILURES):
            assert (await failed(server)).kind == "server"
        asked = len(server.requests)
        assert "tried again in a while" in str(await failed(server)) and len(server.requests) == asked
        server.always(text("here again"))
        for _ in range(100):
            try:
                assert (await complete(server.settings(retries=0), ASK)).text == "here again"
                break
            except ModelError:
                await asyncio.sleep(0.02)
        else:
            raise AssertionError("it was never tried again")


async def test_requests_that_a_model_refuses_say_nothing_about_the_model() -> None:
    with ModelServer() as server:
        server.always(failure(400, "bad temperature"))
        for _ in range(litellm_client.FAILURES + 1):
            assert (await failed(server)).kind == "rejected"
        assert len(server.requests) == litellm_client.FAILURES + 1


class Silent:
    """Stands in for a session with a server that takes calls and answers none."""

    ended = False

    def __init__(self) -> None:
        self.client = self
        self.calls = 0

    async def call_tool(self, name: str, arguments: dict[str, Any], **_: Any) -> Any:
        self.calls += 1
        raise TimeoutError

    async def aclose(self) -> None:
        """Nothing to leave."""


async def test_an_mcp_server_that_takes_calls_and_answers_none_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Silent()
    server = RemoteServer("dead", McpServerSettings(url="http://127.0.0.1:9/mcp", tools=["query"]))
    monkeypatch.setattr(server, "_session", session)
    for _ in range(remote_tools.FAILURES):
        with pytest.raises(ToolFailure, match="did not answer within"):
            await server.call("query", {})
    with pytest.raises(ToolFailure, match="dead has not answered for some time; query was not called"):
        await server.call("query", {})
    assert session.calls == remote_tools.FAILURES
    with pytest.raises(Unreachable):  # so that turns are not offered its tools, and say why
        await server.list_tools()
