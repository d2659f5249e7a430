"""How much work each specialist gets at a time, and none while it cannot be reached."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agents.runtime.breaker import Breaker

AWAY_SECONDS = 20.0
"""How long a specialist may be away, such as while it is started again, before its part is given up."""
REST_SECONDS = 10.0
"""How long one that was away for longer is left alone, between single attempts."""


@dataclass
class _Lane:
    free: int
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(
        default_factory=OrderedDict[str, "deque[asyncio.Future[None]]"]
    )
    breaker: Breaker = field(default_factory=lambda: Breaker(failures=1, rest_seconds=REST_SECONDS))


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

    def load(self) -> dict[str, tuple[int, int]]:
        """How many turns run, and how many wait, by specialist."""
        lanes = self._lanes.items()
        return {name: (self._width - lane.free, sum(map(len, lane.waiting.values()))) for name, lane in lanes}

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
        return self._lane(specialist).breaker.rest()

    def patience(self, specialist: str) -> float:
        """Seconds for which it may be away when it is asked now: none when that was waited for in vain already."""
        return 0.0 if self._lane(specialist).breaker.tripped else AWAY_SECONDS

    def heard(self, specialist: str, *, reached: bool) -> None:
        """How an attempt went."""
        self._lane(specialist).breaker.heard(ok=reached)


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
