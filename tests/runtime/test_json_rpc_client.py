"""Our reader of A2A streams over real HTTP, beside the SDK's: both say the same of the same answers.

But for line ends: the SDK's also takes U+2028 and others for one, which server-sent events do not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from a2a.client import Client, ClientCallContext, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.types import (
    AgentCard,
    AgentInterface,
    GetTaskRequest,
    Message,
    Part,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agents.runtime.client import open_http
from agents.runtime.json_rpc_client import ServerSentEvents, client_for
from tests.runtime.served import at

ANSWERS = [
    {"message": {"messageId": f"m{n}", "role": "ROLE_AGENT", "parts": [{"text": "答案 " * n}]}} for n in range(3)
]
EVENTS = [json.dumps({"jsonrpc": "2.0", "id": "1", "result": answer}, ensure_ascii=False) for answer in ANSWERS]
ERROR = json.dumps({"jsonrpc": "2.0", "id": "1", "error": {"code": -32001, "message": "no such task"}})


def stream(text: str, *, chunk: int = 7) -> Response:
    """The text in small pieces, cut in the middle of characters and line ends."""

    async def pieces() -> AsyncIterator[bytes]:
        data = text.encode()
        for begin in range(0, len(data), chunk):
            yield data[begin : begin + chunk]

    return StreamingResponse(pieces(), media_type="text/event-stream")


def events(end: str) -> str:
    return "".join(f"data: {event}{end}{end}" for event in EVENTS)


STREAMS = {
    "lf": events("\n"),
    "cr lf": f": still here\r\n\r\n{events(chr(13) + chr(10))}",
    "cr": events("\r"),
    "empty data": f"data:\n\n{events(chr(10))}data: \n\n",
    "several lines": 'id: 7\ndata: {"jsonrpc": "2.0", "id": "1",\ndata:"result": {"message": {}}}\n\n',
    "unfinished": f"data: {EVENTS[0]}\n\ndata: {EVENTS[1]}\n",
    "error": f"data: {EVENTS[0]}\n\nevent: error\ndata: {ERROR}\n\n",
    "error without a name": f"data: {ERROR}\n\n",
    "no JSON": "data: {\n\n",
    "not an object": "data: [1]\n\n",
}
PLAIN = {
    "error as JSON": Response(ERROR, media_type="application/json"),
    "refused": Response('{"detail": "who are you?"}', 401),
    "elsewhere": Response("", 307, headers={"Location": "/lf"}),
    "busy": Response("later", 503, headers={"Retry-After": "3"}),
    "compressed": Response(gzip.compress(b"later"), 503, headers={"Content-Encoding": "gzip"}),
}


async def told(client: Client) -> tuple[list[StreamResponse], Any]:
    """What came, and the error that ended it."""
    message = Message(message_id="m", parts=[Part(text="?")])
    came: list[StreamResponse] = []
    try:
        context = ClientCallContext(service_parameters={"X-User-Id": "ann"})
        async for event in client.send_message(SendMessageRequest(message=message), context=context):
            came.append(event)
    except Exception as error:
        status = getattr(getattr(error.__cause__, "response", None), "status_code", None)
        retry = getattr(getattr(error.__cause__, "response", None), "headers", {}).get("retry-after")
        return came, (type(error), status, retry)
    return came, None


@pytest.mark.parametrize("name", [*STREAMS, *PLAIN])
async def test_answers_and_errors_are_read_as_the_sdk_reads_them(name: str) -> None:
    asked: list[Request] = []

    async def reply(request: Request) -> Response:
        asked.append(request)
        await request.body()
        return stream(STREAMS[name]) if name in STREAMS else PLAIN[name]

    async with at(Starlette(routes=[Route("/", reply, methods=["POST"])])) as url, open_http() as http:
        config = ClientConfig(httpx_client=http, streaming=True)
        interface = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
        card = AgentCard(name="it", supported_interfaces=[interface])
        card.capabilities.streaming = True
        ours, theirs = await told(client_for(config, card)), await told(ClientFactory(config).create(card))
    assert ours == theirs
    assert ours[0] or ours[1]
    for header in ("a2a-version", "x-user-id", "content-type", "accept", "cache-control"):
        assert asked[0].headers[header] == asked[1].headers[header]


async def test_the_tenant_of_an_interface_goes_with_every_call() -> None:
    tenants: dict[str, Any] = {}

    async def reply(request: Request) -> Response:
        call = json.loads(await request.body())
        tenants[call["method"]] = call["params"].get("tenant")
        if call["method"] == "GetTask":
            task = {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}}
            return JSONResponse({"jsonrpc": "2.0", "id": call["id"], "result": task})
        return stream(STREAMS["lf"])

    async with at(Starlette(routes=[Route("/", reply, methods=["POST"])])) as url, open_http() as http:
        interface = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0", tenant="blue")
        card = AgentCard(name="it", supported_interfaces=[interface])
        card.capabilities.streaming = True
        client = client_for(ClientConfig(httpx_client=http, streaming=True), card)
        assert await told(client) != ([], None)
        await client.get_task(GetTaskRequest(id="t"))
        assert [event async for event in client.subscribe(SubscribeToTaskRequest(id="t"))]
    assert tenants == {"SendStreamingMessage": "blue", "GetTask": "blue", "SubscribeToTask": "blue"}


@pytest.mark.parametrize("result", ['"x"', "[]", "null", "7"])
async def test_a_result_that_is_no_object_is_an_error(result: str) -> None:
    async def reply(_: Request) -> Response:
        return stream(f'data: {{"jsonrpc": "2.0", "id": "1", "result": {result}}}\n\n')

    async with at(Starlette(routes=[Route("/", reply, methods=["POST"])])) as url, open_http() as http:
        interface = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
        card = AgentCard(name="it", supported_interfaces=[interface])
        card.capabilities.streaming = True
        came, error = await told(client_for(ClientConfig(httpx_client=http, streaming=True), card))
    assert not came
    assert error[0] is A2AClientError


async def test_an_agent_that_is_not_there_is_unreachable_for_both() -> None:
    async with open_http() as http:
        config = ClientConfig(httpx_client=http, streaming=True)
        interface = AgentInterface(url="http://127.0.0.1:9", protocol_binding="JSONRPC", protocol_version="1.0")
        card = AgentCard(name="it", supported_interfaces=[interface])
        card.capabilities.streaming = True
        ours, theirs = await told(client_for(config, card)), await told(ClientFactory(config).create(card))
    assert ours == theirs
    assert ours[1] is not None


async def test_a_client_that_was_closed_says_so_as_the_sdk_does() -> None:
    http = open_http()
    interface = AgentInterface(url="http://127.0.0.1:9", protocol_binding="JSONRPC", protocol_version="1.0")
    card = AgentCard(name="it", supported_interfaces=[interface])
    card.capabilities.streaming = True
    config = ClientConfig(httpx_client=http, streaming=True)
    await http.aclose()
    ours, theirs = await told(client_for(config, card)), await told(ClientFactory(config).create(card))
    assert ours == theirs
    assert ours[1] is not None


def test_a_broken_character_breaks_nothing_else() -> None:
    [(_, data)] = ServerSentEvents().feed(b'data: {"text": "\xff"}\n\n')
    assert data == b'{"text": "\xff"}'


def test_a_long_event_in_many_pieces_is_one_event() -> None:
    events = ServerSentEvents()
    assert not events.feed(b"event: artifact\ndata: ")
    for _ in range(1000):
        assert not events.feed(b"x" * 1000)
    [(name, data)] = events.feed(b"\n\n")
    assert (name, len(data)) == ("artifact", 1_000_000)


def test_other_connections_than_aiohttps_are_left_to_the_sdk() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    interface = AgentInterface(url="http://it", protocol_binding="JSONRPC", protocol_version="1.0")
    card = AgentCard(name="it", supported_interfaces=[interface])
    client = client_for(ClientConfig(httpx_client=http), card)
    assert type(client._transport).__name__ == "JsonRpcTransport"  # pyright: ignore
