"""Tells those who watch a request that it has moved on. The events themselves are in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from planner.store import Event, Store

POLL_SECONDS = 0.5
"""How soon a watcher sees events that another planner on the same store wrote."""


class Watch:
    """Wakes watchers of a request; each reads the store at its own pace, so a slow one holds up nobody."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wakers: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    def moved(self, request_id: str) -> None:
        """New events are in the store."""
        for waker in self._wakers.get(request_id, ()):
            waker.set()

    def close(self) -> None:
        """Ends every stream: the service shuts down, and clients come back with Last-Event-ID."""
        self._closed = True
        for request_id in self._wakers:
            self.moved(request_id)

    async def events(self, request_id: str, after: int = 0) -> AsyncIterator[Event | None]:
        """Events above `after`, until the request has ended; None now and then while nothing happens.

        Raises UnknownRequest at the first step.
        """
        waker = asyncio.Event()
        self._wakers.setdefault(request_id, set()).add(waker)
        try:
            while not self._closed:
                waker.clear()
                batch, ended = await self._store.news(request_id, after)
                for event in batch:
                    after = event.number
                    yield event
                if ended:
                    return
                if batch:
                    continue
                yield await self._wait(waker)
        finally:
            watchers = self._wakers[request_id]
            watchers.discard(waker)
            if not watchers:
                del self._wakers[request_id]

    async def _wait(self, waker: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await waker.wait()
        except TimeoutError:
            return
