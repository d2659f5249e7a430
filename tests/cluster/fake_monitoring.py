"""A small monitoring server over real HTTP: answers by path, and what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = tuple[int, Any]


class FakeMonitoring:
    """`answer` gives status and JSON (or text) for the path and the query."""

    def __init__(self, answer: Callable[[str, dict[str, str]], Answer]) -> None:
        self._answer = answer
        self.queries: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []

    async def _handle(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        self.headers.append(dict(request.headers))
        status, body = self._answer(request.path, dict(request.query))
        if isinstance(body, str):
            return web.Response(status=status, text=body)
        return web.json_response(body, status=status)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The URL while it is served."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")


class FakeLoki(FakeMonitoring):
    """Holds lines with their times in nanoseconds, and pages them as Loki does: newest first, the end excluded."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        super().__init__(self._page)
        self.lines = lines

    def _page(self, path: str, query: dict[str, str]) -> Answer:
        if path != "/loki/api/v1/query_range":
            return 404, "not found"
        start, end, limit = int(query["start"]), int(query["end"]), int(query["limit"])
        inside = sorted((line for line in self.lines if start <= line[0] < end), reverse=True)[:limit]
        values = [[str(at), text] for at, text in inside]
        return 200, {
            "status": "success",
            "data": {"resultType": "streams", "result": [{"stream": {}, "values": values}]},
        }
