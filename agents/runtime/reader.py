"""One client's view of a live task: a queue that never holds up the task."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from a2a.server.events import Event
from a2a.types import Message, TaskArtifactUpdateEvent

from agents.runtime.states import TERMINAL

log = logging.getLogger(__name__)

BACKLOG = 2048
"""Events that a reader may be behind before it is dropped; it can subscribe again and starts from a snapshot."""
LINGER_SECONDS = 0.005
"""How long an artifact waits for what comes next, which is often the end: a client wakes up once for both."""


class Reader:
    """One client's view of a task: iterate it, and close it when done."""

    def __init__(self, readers: set[Reader]) -> None:
        self._readers = readers
        self._events = deque[Event | None]()
        """None: there are no more."""
        self._some = asyncio.Event()
        self._lingering: asyncio.TimerHandle | None = None
        readers.add(self)

    def put(self, event: Event, task_id: str) -> None:
        """Never waits: a reader that is too slow is dropped, nobody waits for it."""
        if len(self._events) >= BACKLOG:
            log.warning("task %s: a reader that was %s events behind was dropped", task_id, BACKLOG)
            self._events.clear()
            self.end()
            return
        self._events.append(event)
        if _is_last(event):
            self.end()
        elif not isinstance(event, TaskArtifactUpdateEvent):
            self._wake()
        elif self._lingering is None:
            self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._wake)

    def end(self) -> None:
        """No more events; what was put before is still read."""
        self._events.append(None)
        self._wake()
        self._readers.discard(self)

    def close(self) -> None:
        """The client is gone."""
        self._readers.discard(self)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self._some.wait()
            while self._events:
                event = self._events.popleft()
                if event is None:
                    return
                yield event
            self._some.clear()

    def _wake(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._some.set()


def _is_last(event: Event) -> bool:
    return isinstance(event, Message) or (
        not isinstance(event, TaskArtifactUpdateEvent) and event.status.state in TERMINAL
    )
