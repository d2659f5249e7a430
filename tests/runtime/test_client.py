"""The planner's A2A client, against our own services and strangers, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.server.routes import create_agent_card_routes
from starlette.applications import Starlette
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from agents.runtime.client import Member, open_http
from agents.runtime.findings import SubtaskInput
from agents.runtime.remote_card import CardUnavailableError, reachable
from agents.runtime.settings import Settings
from agents.runtime.updates import (
    Completed,
    Failed,
    InputRequired,
    Progress,
    TaskStarted,
    Update,
)
from tests.runtime.foreign import Foreign, foreign_app, stranger_card
from tests.runtime.scripted import Scripted, app_of, settings_in
from tests.runtime.served import at, free_port

SUBTASK = SubtaskInput(question="为什么?", language="zh", inputs={"count": 2**60})


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http() as client:
        yield client


def served_settings(folder: Path, port: int, **server: Any) -> Settings:
    settings = settings_in(folder, **server)
    return settings.model_copy(
        update={"agents": {"metrics": settings.agent("metrics").model_copy(update={"port": port})}}
    )


async def updates(member: Member, text: str, message_id: str = "m1", **options: Any) -> list[Update]:
    return [u async for u in member.run(text, SUBTASK, message_id=message_id, **options)]


async def test_our_own_agent_gets_the_subtask_and_hands_over_a_finding(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    port = free_port()
    executor.go.set()
    async with at(app_of(executor, served_settings(tmp_path, port)), port) as url:
        seen = await updates(Member("metrics", url, http), "tool", user="ann")
    assert isinstance(seen[0], TaskStarted)
    assert Progress("reading metrics") in seen
    done = seen[-1]
    assert isinstance(done, Completed)
    assert (done.finding.facts, done.finding.language) == ({"n": 2**60}, "zh")
    assert executor.users == ["ann"]


async def test_a_connection_is_used_again(http: httpx.AsyncClient, executor: Scripted, tmp_path: Path) -> None:
    """A stream is read to its end, or its connection would have to be closed and each message begin with a new one."""
    port, ports = free_port(), set[int]()
    app = app_of(executor, served_settings(tmp_path, port))

    @app.middleware("http")
    async def note_port(request: Request, call_next: RequestResponseEndpoint) -> Response:
        assert request.client is not None
        ports.add(request.client.port)
        return await call_next(request)

    async with at(app, port) as url:
        member = Member("metrics", url, http)
        for number in range(5):
            assert isinstance((await updates(member, "look", f"m{number}"))[-1], Completed)
    assert len(ports) == 1


@pytest.mark.parametrize("version", ["1.0", "0.3"])
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_strangers_text_becomes_a_finding(http: httpx.AsyncClient, version: str, streaming: bool) -> None:
    port, stranger = free_port(), Foreign()
    async with at(foreign_app(port, version, stranger, streaming=streaming), port) as url:
        seen = await updates(Member("stranger", url, http), "look")
        question = await updates(Member("stranger", url, http), "ask", "m2")
        begun = question[0]
        assert isinstance(begun, TaskStarted)
        ids = {"task_id": begun.task_id, "context_id": begun.context_id}
        answer = await updates(Member("stranger", url, http), "that one", "m3", **ids)
        empty = await updates(Member("stranger", url, http), "nothing", "m4")
    assert isinstance(seen[-1], Completed)
    assert (seen[-1].finding.specialist, seen[-1].finding.text) == ("stranger", "foreign answer")
    assert question[-1] == InputRequired("which one?")
    assert isinstance(answer[-1], Completed)
    assert Progress("which one?") not in answer
    assert isinstance(empty[-1], Failed) and empty[-1].kind == "nonsense"
    assert set(stranger.parts_seen) == {1}, "a stranger is not sent the subtask"


async def test_nobody_there_is_unreachable_within_patience(http: httpx.AsyncClient) -> None:
    member = Member("metrics", f"http://127.0.0.1:{free_port()}", http, patience=0.3)
    (failed,) = await updates(member, "x")
    assert isinstance(failed, Failed) and failed.kind == "unreachable"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, "<html>hello</html>", "nonsense"), (200, "{}", "nonsense"), (404, "", "nonsense"), (503, "", "unreachable")],
)
async def test_what_is_not_an_agent_is_said_so(http: httpx.AsyncClient, status: int, body: str, kind: str) -> None:
    async def anything(request: Request) -> Response:
        return PlainTextResponse(body, status)

    async with at(Starlette(routes=[Route("/{path:path}", anything, methods=["GET", "POST"])])) as url:
        (failed,) = await updates(Member("x", url, http, patience=0.2), "x")
    assert isinstance(failed, Failed) and failed.kind == kind


async def test_a_late_agent_is_cancelled_and_reported(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    port = free_port()
    async with at(app_of(executor, served_settings(tmp_path, port)), port) as url:
        member = Member("metrics", url, http)
        seen = await updates(member, "tool", user="ann", deadline=0.4)
        assert isinstance(seen[-1], Failed) and seen[-1].kind == "timeout"
        await asyncio.wait_for(executor.tool_cancelled.wait(), 5)
        await member.close()


async def test_whoever_stops_listening_stops_the_work(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    port = free_port()
    async with at(app_of(executor, served_settings(tmp_path, port)), port) as url:
        member = Member("metrics", url, http)
        async with aclosing(member.run("tool", SUBTASK, message_id="m1")) as stream:
            async for update in stream:
                if isinstance(update, Progress):
                    break
        await asyncio.wait_for(executor.tool_cancelled.wait(), 5)
        reading = asyncio.create_task(updates(member, "tool", "m2"))
        executor.tool_cancelled.clear()
        executor.working.clear()
        await executor.working.wait()
        await asyncio.sleep(0.1)
        reading.cancel()
        await asyncio.wait_for(executor.tool_cancelled.wait(), 5)
        await member.close()


async def test_a_failed_task_gives_the_agents_own_reason(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    port = free_port()
    async with at(app_of(executor, served_settings(tmp_path, port)), port) as url:
        failed = (await updates(Member("metrics", url, http), "fail"))[-1]
        refused = (await updates(Member("metrics", url, http), "refuse", "m2"))[-1]
    assert isinstance(failed, Failed) and "the disk is full" in failed.reason
    assert isinstance(refused, Failed) and "not like this" in refused.reason


async def test_the_same_message_finds_its_task_again_after_the_service_was_restarted(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    port = free_port()
    settings = served_settings(tmp_path, port)
    first, second = Scripted(), Scripted()
    member = Member("metrics", f"http://127.0.0.1:{port}", http, patience=10)
    async with at(app_of(first, settings, resume=True), port):
        running = asyncio.create_task(updates(member, "wait"))
        await first.working.wait()
        await asyncio.sleep(0.1)
    second.go.set()
    async with at(app_of(second, settings, resume=True), port):
        seen = await asyncio.wait_for(running, 10)
    assert isinstance(seen[-1], Completed)
    assert sum(isinstance(update, TaskStarted) for update in seen) == 1
    assert second.runs == 1


async def test_a_stream_that_breaks_is_followed_to_the_end(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    """A proxy that cuts every connection after a moment, as a gateway's idle timeout does."""
    port, front = free_port(), free_port()
    settings = served_settings(tmp_path, port, public_url=f"http://127.0.0.1:{front}")
    async with at(app_of(executor, settings), port):
        proxy = await asyncio.start_server(lambda r, w: _cut(r, w, port), "127.0.0.1", front)
        async with proxy:
            running = asyncio.create_task(updates(Member("metrics", f"http://127.0.0.1:{front}", http), "chunks wait"))
            seen = await asyncio.wait_for(running, 10)
            assert isinstance(seen[-1], Completed)
            tool = asyncio.create_task(updates(Member("metrics", f"http://127.0.0.1:{front}", http), "tool", "m2"))
            await asyncio.sleep(0.8)
            executor.go.set()
            seen = await asyncio.wait_for(tool, 10)
    assert isinstance(seen[-1], Completed)
    assert seen.count(Progress("reading metrics")) == 1
    assert executor.runs == 2


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()

    pumps = [asyncio.create_task(pump(reader, up_writer)), asyncio.create_task(pump(up_reader, writer))]
    await asyncio.wait(pumps, timeout=0.3)
    for task in pumps:
        task.cancel()
    await asyncio.gather(*pumps, return_exceptions=True)
    for sink in (writer, up_writer):
        sink.close()


SAID = {"messageId": "a1", "role": "ROLE_AGENT", "parts": [{"text": "all fine"}]}
AFTERWARDS = {
    "nothing": b"",
    "a word of another protocol": b"data: [DONE]\n\n",
    "no result": b'data: {"jsonrpc": "2.0", "id": 1, "result": null}\n\n',
    "wrong types": b'data: {"jsonrpc": "2.0", "id": 1, "result": {"statusUpdate": {"taskId": 5}}}\n\n',
    "depths": b"data: " + b"[" * 100_000 + b"\n\n",
}


def talkative(port: int, state: str, afterwards: bytes, stays: asyncio.Event | None) -> Starlette:
    """A stranger whose streams go on after their last event."""
    card = stranger_card(f"http://127.0.0.1:{port}/a2a", "JSONRPC")
    status = {"taskId": "t1", "contextId": "c1", "status": {"state": state, "message": SAID}}
    last = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"statusUpdate": status}}).encode()

    async def stream() -> AsyncIterator[bytes]:
        yield b"data: " + last + b"\n\n"
        await asyncio.sleep(0.01)
        yield afterwards
        if stays is not None:
            await stays.wait()

    async def answer(_: Request) -> Response:
        return StreamingResponse(stream(), media_type="text/event-stream")

    return Starlette(routes=[*create_agent_card_routes(card), Route("/a2a", answer, methods=["POST"])])


@pytest.mark.parametrize("afterwards", AFTERWARDS)
@pytest.mark.parametrize(
    ("state", "outcome"), [("TASK_STATE_COMPLETED", Completed), ("TASK_STATE_INPUT_REQUIRED", InputRequired)]
)
async def test_what_is_said_after_the_last_event_changes_nothing(
    http: httpx.AsyncClient, afterwards: str, state: str, outcome: type[Update]
) -> None:
    port = free_port()
    async with at(talkative(port, state, AFTERWARDS[afterwards], None), port) as url:
        assert isinstance((await updates(Member("stranger", url, http), "look"))[-1], outcome)


async def test_a_stream_that_stays_open_after_its_last_event_is_left(http: httpx.AsyncClient) -> None:
    port, stays = free_port(), asyncio.Event()
    async with at(talkative(port, "TASK_STATE_COMPLETED", b"", stays), port) as url:
        seen = await asyncio.wait_for(updates(Member("stranger", url, http), "look"), 10)
        stays.set()
    assert isinstance(seen[-1], Completed)


async def test_a_deadline_ends_a_stream_that_always_has_something(http: httpx.AsyncClient) -> None:
    port = free_port()
    said = {"taskId": "t1", "contextId": "c1", "status": {"state": "TASK_STATE_WORKING", "message": SAID}}
    event = f"data: {json.dumps({'jsonrpc': '2.0', 'id': 1, 'result': {'statusUpdate': said}})}\n\n"
    app = talkative(port, "TASK_STATE_WORKING", event.encode() * 3000, None)
    seen: list[Update] = []
    async with at(app, port) as url:
        member = Member("stranger", url, http)
        async with aclosing(member.run("look", SUBTASK, message_id="m1", deadline=0.5)) as stream:
            async for update in stream:
                seen.append(update)
                await asyncio.sleep(0.001)  # a reader that is slower than the stream
        await member.close()
    assert isinstance(seen[-1], Failed)
    assert seen[-1].kind == "timeout"
    assert 1 < len(seen) < 1000


async def test_a_card_is_revalidated_and_survives_a_restarting_agent(
    http: httpx.AsyncClient, executor: Scripted, tmp_path: Path
) -> None:
    port = free_port()
    async with at(app_of(executor, served_settings(tmp_path, port)), port) as url:
        member = Member("metrics", url, http)
        card = await member.card()
        assert await member.card(fresh=True) is card, "an unchanged card is answered with 304"
    assert await member.card(fresh=True) is card
    with pytest.raises(CardUnavailableError):
        await Member("metrics", url, http).card()


def test_a_card_that_points_to_loopback_is_read_as_the_host_that_served_it() -> None:
    assert reachable("http://0.0.0.0:9/a2a", "http://agent.ops:80/card") == "http://agent.ops:80/a2a"
    assert reachable("http://localhost:9/a2a", "http://127.0.0.1:9/card") == "http://localhost:9/a2a"
    assert reachable("https://a.example/x", "http://agent.ops/card") == "https://a.example/x"
