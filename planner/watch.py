"""Tells those who watch a request that it has moved on. The events themselves are in the store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from agents.runtime.database import BRIEF_ROWS
from planner.store import MAX_EVENTS, Event, Store

POLL_SECONDS = 0.5
"""How soon a watcher sees events that another planner on the same store wrote."""


@dataclass
class _Feed:
    """What this planner wrote of late about a request that somebody watches."""

    wakers: set[asyncio.Event] = field(default_factory=set[asyncio.Event])
    events: deque[Event] = field(default_factory=lambda: deque[Event](maxlen=MAX_EVENTS))
    ended: bool = False
    """Whether the newest event is the last."""

    def take(self, written: Sequence[Event], ended: bool) -> None:
        """New events. What another planner wrote in between is missing here, so what came before it is forgotten."""
        if self.events and written and written[0].number != self.events[-1].number + 1:
            self.events.clear()
        self.events.extend(written)
        self.ended = ended

    def after(self, number: int) -> list[Event]:
        """All events above the number; none when the store has to be asked."""
        complete = self.events and self.events[0].number <= number + 1
        return [event for event in self.events if event.number > number] if complete else []


class Watch:
    """Wakes watchers of a request; each reads at its own pace, so a slow one holds up nobody."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._feeds: dict[str, _Feed] = {}
        self._closed = False

    def moved(self, request_id: str, written: Sequence[Event] = (), *, ended: bool = False) -> None:
        """New events are in the store: those that are `written`, when it is said, and `ended` if they were the last."""
        feed = self._feeds.get(request_id)
        if feed is None:
            return
        feed.take(written, ended)
        for waker in feed.wakers:
            waker.set()

    def close(self) -> None:
        """Ends every stream: the service shuts down, and clients come back with Last-Event-ID."""
        self._closed = True
        for request_id in self._feeds:
            self.moved(request_id)

    async def events(self, request_id: str, after: int = 0) -> AsyncGenerator[Event | None]:
        """See `news`; None now and then while nothing happens."""
        async with aclosing(self.news(request_id, after)) as news:
            async for batch in news:
                for event in batch or (None,):
                    yield event

    async def news(self, request_id: str, after: int = 0) -> AsyncGenerator[Sequence[Event]]:
        """Events above `after`, as many at a time as there are, until the request has ended; none now and then while
        nothing happens.

        Raises UnknownRequest at the first step.
        """
        waker = asyncio.Event()
        feed = self._feeds.setdefault(request_id, _Feed())
        feed.wakers.add(waker)
        told = False
        """Whether this planner says that there is something new; else the store has to be asked."""
        most = BRIEF_ROWS
        """Mostly there are few; those who come late get the rest in one go."""
        try:
            while not self._closed:
                waker.clear()
                batch, ended = (feed.after(after), feed.ended) if told else ([], False)
                if not batch:
                    batch, ended = await self._store.news(request_id, after, most)
                if batch:
                    after = batch[-1].number
                    yield batch
                if ended:
                    return
                if len(batch) >= most:
                    most = MAX_EVENTS
                    continue
                most, told = BRIEF_ROWS, await self._told(waker)
                if not told:
                    yield ()
        finally:
            feed.wakers.discard(waker)
            if not feed.wakers:
                self._feeds.pop(request_id, None)

    async def _told(self, waker: asyncio.Event) -> bool:
        """Waits for word from this planner; False when there was none for a while."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await waker.wait()
        except TimeoutError:
            return False
        return True
