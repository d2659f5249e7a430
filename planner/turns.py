"""Whose request is next when there is not room for all: users take turns. Pure."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping

from agents.runtime.admission import Overloaded
from planner.leases import Candidate


def next_in_turn(
    candidates: Iterable[Candidate], driven: Mapping[str, int], *, room: int, per_user: int
) -> list[Candidate]:
    """Up to `room` candidates (given oldest first): always one of the user of whom the fewest are driven."""
    queues: defaultdict[str, deque[Candidate]] = defaultdict(deque)
    for candidate in candidates:
        queues[candidate.user].append(candidate)
    order = [(driven.get(user, 0), position, user) for position, user in enumerate(queues)]
    heapq.heapify(order)
    chosen: list[Candidate] = []
    while order and len(chosen) < room:
        count, position, user = heapq.heappop(order)
        if count >= per_user:
            break
        chosen.append(queues[user].popleft())
        if queues[user]:
            heapq.heappush(order, (count + 1, position, user))
    return chosen


def refuse(waiting: Counter[str], user: str, *, limit: int, seconds_each: float, at_once: int) -> None:
    """Raises Overloaded when the queue is full, or half of it is the user's own."""
    total = sum(waiting.values())
    own = waiting[user]
    if total < limit and own < max(1, limit // 2):
        return
    retry_after = max(1, min(300, round(total * seconds_each / at_once)))
    whose = f"{own} requests of {user}" if total < limit else f"{total} requests"
    raise Overloaded(f"{whose} are waiting already", retry_after)
