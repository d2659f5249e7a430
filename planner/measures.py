"""Prometheus metrics of requests, subtasks, approvals and queues. No label holds a name of a user or a resource.

What happens is counted when it has become true in the store. How much waits is asked for when Prometheus asks: those
gauges speak of the whole store, so of several planners every one says the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from agents.runtime.service_metrics import Counter, Gauge, Histogram
from planner.request import now

if TYPE_CHECKING:
    from planner.store import Step, Store

log = logging.getLogger(__name__)

REQUESTS = Counter("kubeteam_requests_total", "Requests that ended", ["status", "intent"])
REQUEST_SECONDS = Histogram(
    "kubeteam_request_seconds",
    "Time from a request's arrival to its end, waits for people included",
    ["status", "intent"],
    buckets=(0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 900, 3600),
)
SUBTASKS = Counter("kubeteam_subtasks_total", "Subtasks that ended", ["specialist", "status"])
SUBTASK_SECONDS = Histogram(
    "kubeteam_subtask_seconds",
    "Duration of subtasks that ran",
    ["specialist", "status"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320),
)
DECISIONS = Counter("kubeteam_approvals_decided_total", "Decisions of people on proposed Actions", ["decision"])
APPROVALS_WAITING = Gauge("kubeteam_approvals_waiting", "Requests that wait for a decision on proposed Actions")
OPEN = Gauge("kubeteam_requests_open", "Requests that have not ended, in the store", ["status"])
LANE = Gauge("kubeteam_lane_subtasks", "Subtasks at a specialist, of this planner", ["specialist", "state"])
QUEUE = Gauge("kubeteam_queue_requests", "Requests: running at this planner, waiting in the store", ["state"])
QUEUE_USERS = Gauge("kubeteam_queue_users", "Users whose requests they are", ["state"])
QUEUE_BUSIEST = Gauge("kubeteam_queue_busiest_user_requests", "How many of them are the busiest user's", ["state"])

SCRAPE_SECONDS = 1.0
"""How long a scrape waits for the store; after that the gauges stay as they were."""


def observe(step: Step) -> None:
    """Counts what has become true."""
    request = step.request
    if request is not None and request.ended:
        labels = (request.status, request.intent or "none")
        REQUESTS.labels(*labels).inc()
        REQUEST_SECONDS.labels(*labels).observe(request.seconds())
    for subtask in step.subtasks:
        if subtask.over:
            SUBTASKS.labels(subtask.specialist, subtask.status).inc()
            if (seconds := subtask.seconds(now())) is not None:
                SUBTASK_SECONDS.labels(subtask.specialist, subtask.status).observe(seconds)
    for type, data in step.events:
        if type == "decision":
            DECISIONS.labels(str(data["decision"])).inc()


@dataclass(frozen=True)
class Load:
    """How busy one planner is."""

    lanes: Mapping[str, tuple[int, int]]
    """Subtasks running and waiting, by specialist."""
    users: Mapping[str, int]
    """Requests that are driven, by user."""


async def measure(store: Store, load: Load) -> None:
    """Brings the gauges up to date. Never raises: what cannot be asked stays as it was."""
    for specialist, (running, waiting) in load.lanes.items():
        LANE.labels(specialist, "running").set(running)
        LANE.labels(specialist, "waiting").set(waiting)
    _queue("running", load.users)
    try:
        async with asyncio.timeout(SCRAPE_SECONDS):
            census, queued = await store.census(), await store.waiting()
    except (DBAPIError, OSError, TimeoutError) as error:
        log.info("the gauges of requests are not up to date: %s", error or type(error).__name__)
        return
    _queue("waiting", queued)
    APPROVALS_WAITING.set(census.approvals)
    for status in ("queued", "running", "input_required"):
        OPEN.labels(status).set(census.open.get(status, 0))


def _queue(state: str, users: Mapping[str, int]) -> None:
    QUEUE.labels(state).set(sum(users.values()))
    QUEUE_USERS.labels(state).set(len(users))
    QUEUE_BUSIEST.labels(state).set(max(users.values(), default=0))
