"""The short way to a model is LiteLLM's long way without the detours: servers cannot tell them apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from agents.runtime import litellm_client
from agents.runtime.litellm_client import call, connection, import_litellm
from agents.runtime.model_errors import ModelError
from agents.runtime.prepared_call import _Direct, prepared_call
from tests.model_server import ModelServer, Reply, calls, failure, rate_limited, text

TOOL = {
    "type": "function",
    "function": {
        "name": "list_pods",
        "description": "Lists pods.",
        "parameters": {"type": "object", "properties": {"namespace": {"type": "string"}}, "required": ["namespace"]},
    },
}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "为什么?"}]
ANSWERED = [
    *ASKED,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "list_pods", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"pods": []}'},
]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "Plan", "schema": {"type": "object"}}}
REQUESTS: dict[str, dict[str, Any]] = {
    "words": {"messages": ASKED},
    "tools": {"messages": ASKED, "tools": [TOOL]},
    "results": {"messages": ANSWERED, "tools": [TOOL]},
    "no tools": {"messages": ASKED, "tools": None, "response_format": None},
    "half a character": {"messages": [{"role": "user", "content": "web-1 \ud83d"}]},
    "schema": {"messages": ASKED, "response_format": SCHEMA},
}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


async def _both(server: ModelServer, monkeypatch: pytest.MonkeyPatch, request: dict[str, Any], **changes: Any):
    """The outcomes of the short and of the long way; `server.requests` has what they sent."""
    settings = server.settings(retries=0, **changes)
    outcomes: list[Any] = []
    for way in (prepared_call, lambda *_: None):
        monkeypatch.setattr(litellm_client, "prepared_call", way)
        try:
            outcomes.append(await call(settings, model=settings.name, **request, **connection(settings)))
        except ModelError as error:
            outcomes.append((error.kind, str(error)))
    return outcomes


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("changes", [{}, {"temperature": 0.2, "max_output_tokens": 99}, {"name": "openai/gpt-4o"}])
async def test_a_server_gets_the_same_either_way(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch, name: str, changes: dict[str, Any]
):
    server.always(text("hello", usage=(11, 3)))
    await _both(server, monkeypatch, REQUESTS[name], **changes)
    assert server.requests[0] == server.requests[1]
    short, long = ({k: v for k, v in headers.items() if k != "content-length"} for headers in server.headers)
    assert short == long


async def test_an_answer_is_read_the_same_either_way(server: ModelServer, monkeypatch: pytest.MonkeyPatch):
    server.always(calls(("list_pods", '{"namespace": "shop"}')))
    short, long = await _both(server, monkeypatch, REQUESTS["tools"])
    assert short.choices[0].finish_reason == long.choices[0].finish_reason == "tool_calls"
    [ours], [theirs] = short.choices[0].message.calls, long.choices[0].message.tool_calls
    assert ours.id
    assert ours.name == theirs.function.name
    assert ours.arguments == json.loads(theirs.function.arguments) == {"namespace": "shop"}
    assert short.usage.prompt_tokens == long.usage.prompt_tokens
    assert short.usage.completion_tokens == long.usage.completion_tokens
    assert short.usage.total_tokens == long.usage.total_tokens


ANSWER = '{"choices": [{"message": {"role": "assistant", "content": "%s"}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    "content",
    [
        (ANSWER % "好").encode(),
        (ANSWER % "好").encode("utf-8-sig"),
        (ANSWER % "好").encode("utf-16"),
        (ANSWER % "é").encode("latin-1"),
        b"",
    ],
)
async def test_bytes_are_read_the_same_either_way(server: ModelServer, monkeypatch: pytest.MonkeyPatch, content: bytes):
    server.always(Reply(body=content))
    short, long = (
        outcome if isinstance(outcome, tuple) else outcome.choices[0].message.content
        for outcome in await _both(server, monkeypatch, REQUESTS["words"])
    )
    assert short == long


@pytest.mark.parametrize(
    "reply",
    [
        rate_limited("30"),
        failure(401, "who are you?"),
        failure(503, "later"),
        failure(307, "elsewhere", Location="/v1/elsewhere"),
        Reply(body="<html>Welcome</html>"),
    ],
)
async def test_an_error_is_the_same_either_way(server: ModelServer, monkeypatch: pytest.MonkeyPatch, reply: Any):
    server.always(reply)
    short, long = await _both(server, monkeypatch, REQUESTS["words"])
    assert short == long
    assert isinstance(short, tuple)


@pytest.mark.parametrize(
    "name", ["openai/gpt-5", "openai/o3", "anthropic/claude-3", "azure/gpt-4o", "openai/responses/gpt-4o"]
)
async def test_models_with_ways_of_their_own_take_the_long_one(server: ModelServer, name: str):
    settings = server.settings(name=name)
    request = {"model": name, "messages": ASKED, **connection(settings)}
    assert prepared_call(await import_litellm(), request) is None


async def test_what_litellm_was_told_to_add_is_added(server: ModelServer, monkeypatch: pytest.MonkeyPatch):
    settings = server.settings()
    request = {"model": settings.name, "messages": ASKED, **connection(settings)}
    monkeypatch.setenv("OPENAI_ORGANIZATION", "org-1")
    assert prepared_call(await import_litellm(), request) is None


async def test_a_transport_that_says_nothing_of_the_request_will_do(server: ModelServer):
    server.always(text("hello"))
    direct = _Direct(httpx.AsyncClient())
    request = direct.build_request("POST", f"{server.base_url}/chat/completions", headers={}, content=b"{}", timeout=5)
    response = await direct.send(request)
    assert response.raise_for_status().json()["choices"][0]["message"]["content"] == "hello"
    await direct.close()


async def test_arguments_that_nobody_prepared_take_the_long_way(server: ModelServer):
    settings = server.settings()
    request = {"model": settings.name, "messages": ASKED, **connection(settings)}
    litellm = await import_litellm()
    assert prepared_call(litellm, request) is not None
    assert prepared_call(litellm, {**request, "top_p": 0.1}) is None
    assert prepared_call(litellm, {**request, "api_base": None}) is None
