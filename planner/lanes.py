"""How much work each specialist gets at a time, and none while it cannot be reached."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

FAILURES = 5
"""So many messages in a row that a specialist could not be reached for: it is left alone for a while."""
REST_SECONDS = 10.0


@dataclass
class _Lane:
    free: int
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(
        default_factory=OrderedDict[str, "deque[asyncio.Future[None]]"]
    )
    failures: int = 0
    closed_until: float = 0.0


class Lanes:
    """One lane per specialist. Requests take turns, so that a large plan does not hold up the small ones."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lanes: dict[str, _Lane] = {}

    def _lane(self, specialist: str) -> _Lane:
        return self._lanes.setdefault(specialist, _Lane(self._width))

    @asynccontextmanager
    async def turn(self, specialist: str, request_id: str) -> AsyncGenerator[None]:
        """Waits for a place in the lane and holds it."""
        lane = self._lane(specialist)
        if lane.free > 0:
            lane.free -= 1
        else:
            await self._wait(lane, request_id)
        try:
            yield
        finally:
            _pass_on(lane)

    async def _wait(self, lane: _Lane, request_id: str) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.setdefault(request_id, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it had just been given the place
                _pass_on(lane)
            raise

    def closed(self, specialist: str) -> float:
        """Seconds for which the specialist is left alone; 0 when it can be asked."""
        lane = self._lane(specialist)
        rest = lane.closed_until - time.monotonic()
        if rest > 0:
            return rest
        if lane.failures >= FAILURES:
            lane.closed_until = time.monotonic() + REST_SECONDS  # this one may try; the others wait for what it finds
        return 0.0

    def heard(self, specialist: str, *, reached: bool) -> None:
        """How an attempt went."""
        lane = self._lane(specialist)
        lane.failures = 0 if reached else lane.failures + 1
        lane.closed_until = 0.0 if lane.failures < FAILURES else time.monotonic() + REST_SECONDS


def _pass_on(lane: _Lane) -> None:
    """Gives a place that has become free to the next request in turn."""
    while lane.waiting:
        request_id, queue = lane.waiting.popitem(last=False)
        place = queue.popleft()
        if queue:
            lane.waiting[request_id] = queue
        if not place.done():
            place.set_result(None)
            return
    lane.free += 1
