"""One client's view of a live task: a queue that never holds up the task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from a2a.server.events import Event

log = logging.getLogger(__name__)

BACKLOG = 2048
"""Events that a reader may be behind before it is dropped; it can subscribe again and starts from a snapshot."""


class Reader:
    """One client's view of a task: iterate it, and close it when done."""

    def __init__(self, readers: set[Reader], *, until_settled: bool) -> None:
        self.until_settled = until_settled
        self._readers = readers
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        readers.add(self)

    def put(self, event: Event, task_id: str) -> None:
        """Never waits: a reader that is too slow is dropped, nobody waits for it."""
        if self._queue.qsize() >= BACKLOG:
            log.warning("task %s: a reader that was %s events behind was dropped", task_id, BACKLOG)
            self._queue = asyncio.Queue()
            self.end()
        else:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """No more events; what was put before is still read."""
        self._queue.put_nowait(None)
        self._readers.discard(self)

    def close(self) -> None:
        """The client is gone."""
        self._readers.discard(self)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event
