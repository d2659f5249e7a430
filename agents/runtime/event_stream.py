"""Server-sent events as an ASGI response.

sse-starlette's has four tasks per stream and a cancel scope per event: half of what a short stream costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HEARTBEAT_SECONDS = 15.0
HEADERS_SECONDS = 0.1
"""How long the headers wait for the first event: a client wakes up once for both."""


def sse(data: Any, *, event: str = "", id: str = "") -> bytes:
    """One event, whose data is JSON."""
    head = (f"id: {id}\r\n" if id else "") + (f"event: {event}\r\n" if event else "")
    return b"%sdata: %s\r\n\r\n" % (head.encode(), to_json(data))


class EventStream(Response):
    """Sends events until there are no more, the client goes, or the app stops; a comment now and then meanwhile."""

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[bytes], status_code: int = 200, *, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        super().__init__(None, status_code, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._heartbeat = heartbeat_seconds
        self._headers_late: asyncio.TimerHandle | None = None
        """Until they are sent."""
        self._beginning: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        late = asyncio.get_running_loop().call_later(HEADERS_SECONDS, self._begin_without_event, send)
        self._headers_late = late
        sending = asyncio.create_task(self._send(send))
        staying = asyncio.create_task(self._stay(receive, send))
        streams = _streams(scope["app"])
        streams.add(sending)
        try:
            await asyncio.wait({sending, staying}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            streams.discard(sending)
            late.cancel()
            sending.cancel()
            staying.cancel()
            await asyncio.wait({sending, staying})
        if sending.cancelled():  # said properly, for a client that is still there
            await self._begin(send)
            await send({"type": "http.response.body", "body": b""})
        else:
            sending.result()

    async def _begin(self, send: Send) -> None:
        if self._headers_late is None:
            return
        self._headers_late.cancel()
        self._headers_late = None
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    def _begin_without_event(self, send: Send) -> None:
        self._beginning = asyncio.create_task(self._begin(send))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                await self._begin(send)
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await self._begin(send)
        await send({"type": "http.response.body", "body": b""})

    async def _stay(self, receive: Receive, send: Send) -> None:
        """Until the client goes."""
        while True:
            try:
                async with asyncio.timeout(self._heartbeat):
                    if (await receive())["type"] == "http.disconnect":
                        return
            except TimeoutError:
                await self._begin(send)
                await send({"type": "http.response.body", "body": b": still here\r\n\r\n", "more_body": True})


def end_streams(app: Starlette) -> None:
    """Ends what the app still streams: it stops, and clients come back to where they were."""
    for stream in list(_streams(app)):
        stream.cancel()


def _streams(app: Starlette) -> set[asyncio.Task[None]]:
    if not hasattr(app.state, "streams"):
        app.state.streams = set[asyncio.Task[None]]()
    return app.state.streams
