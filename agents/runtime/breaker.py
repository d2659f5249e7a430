"""A circuit breaker: what has failed several times in a row is left alone for a while, and then tried once.

Callers that would only wait for something that is away fail at once instead, and say why; what is away is not asked by
everybody at the moment when it comes back.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """What is known of one specialist, model or tool server. One per process; not shared between threads."""

    def __init__(self, *, failures: int, rest_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._rest_seconds, self._clock = failures, rest_seconds, clock
        self._failures = 0
        self._until = 0.0

    @property
    def tripped(self) -> bool:
        """It was away when it was last heard of, so the next attempt is to find out whether it is back."""
        return self._failures >= self._limit

    @property
    def left(self) -> float:
        """Seconds for which nobody should try."""
        return max(0.0, self._until - self._clock()) if self.tripped else 0.0

    def rest(self) -> float:
        """The same for whoever is about to try: while it is tripped, only the first after a rest gets 0."""
        if left := self.left:
            return left
        self._until = self._clock() + self._rest_seconds
        return 0.0

    def heard(self, *, ok: bool) -> None:
        """How an attempt went."""
        self._failures = 0 if ok else self._failures + 1
        if self.tripped:
            self._until = self._clock() + self._rest_seconds
