"""Server-sent events over real HTTP: they come, they stay alive, and they end from either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.runtime.event_stream import EventStream, end_streams, sse
from tests.runtime.served import at


class Source:
    """Gives some events, then waits to be closed."""

    def __init__(self, *events: bytes, ends: bool = False) -> None:
        self.closed = asyncio.Event()
        self._events, self._ends = events, ends

    async def read(self) -> AsyncGenerator[bytes]:
        try:
            for event in self._events:
                yield event
            if not self._ends:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


def app_of(source: Source, **options: float) -> Starlette:
    async def watch(_: Request) -> Response:
        return EventStream(source.read(), **options)

    return Starlette(routes=[Route("/", watch)])


async def test_events_come_as_they_were_written_and_end() -> None:
    source = Source(sse({"名": 1}, event="plan", id="7"), sse({}), ends=True)
    async with at(app_of(source)) as url, httpx.AsyncClient() as http:
        answer = await http.get(url)
    assert answer.text == 'id: 7\r\nevent: plan\r\ndata: {"名":1}\r\n\r\ndata: {}\r\n\r\n'
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_silent_stream_says_that_it_is_still_there() -> None:
    async with (
        at(app_of(Source(), heartbeat_seconds=0.02)) as url,
        httpx.AsyncClient() as http,
        http.stream("GET", url) as answer,
    ):
        lines = answer.aiter_lines()
        assert [await anext(lines) for _ in range(4)] == [": still here", ""] * 2


async def test_a_client_learns_that_it_is_heard_before_anything_happens() -> None:
    async with at(app_of(Source())) as url, httpx.AsyncClient(timeout=5) as http, http.stream("GET", url) as answer:
        assert answer.status_code == 200


async def test_a_client_that_goes_ends_the_work() -> None:
    source = Source(sse({}))
    async with at(app_of(source)) as url, httpx.AsyncClient() as http:
        async with http.stream("GET", url) as answer:
            await anext(answer.aiter_lines())
        await asyncio.wait_for(source.closed.wait(), 5)


async def test_an_app_that_stops_ends_its_streams_properly() -> None:
    source = Source(sse({}))
    app = app_of(source)
    async with at(app) as url, httpx.AsyncClient() as http, http.stream("GET", url) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        end_streams(app)
        assert [line async for line in lines] == [""]
    assert source.closed.is_set()
