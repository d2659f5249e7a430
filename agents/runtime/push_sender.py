"""Tells webhooks about tasks, beside the event stream: a slow or broken webhook delays nobody but itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from a2a.compat.v0_3.conversions import to_compat_task
from a2a.server.events import Event
from a2a.types import Message, Task
from a2a.utils.proto_utils import to_stream_response

from agents.runtime.proto_json import to_json
from agents.runtime.push_policy import PushPolicy
from agents.runtime.push_store import PushStore, PushTarget
from agents.runtime.service_metrics import PUSHES

log = logging.getLogger(__name__)

DELAYS = (0.0, 0.5, 2.0, 8.0)
"""Seconds before each attempt."""
BACKLOG = 256
"""Events that one webhook may be behind; beyond it the oldest are dropped, the last state always arrives."""
TIMEOUT_SECONDS = 10.0


@dataclass
class _Lane:
    """One webhook's queue, emptied in order by its own worker."""

    target: PushTarget
    waiting: deque[bytes] = field(default_factory=lambda: deque[bytes](maxlen=BACKLOG))
    worker: asyncio.Task[None] | None = None


class PushSender:
    """The push notifications of one service."""

    def __init__(
        self,
        name: str,
        store: PushStore,
        policy: PushPolicy,
        *,
        delays: tuple[float, ...] = DELAYS,
        client: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(timeout=TIMEOUT_SECONDS),
    ) -> None:
        self.policy = policy
        self._name = name
        self._store = store
        self._delays = delays
        self._make_client = client
        self._client: httpx.AsyncClient | None = None
        self._targets: dict[str, list[PushTarget]] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}

    async def load(self, task_id: str) -> None:
        """Reads a task's webhooks; events of tasks without any cost nothing."""
        targets = await self._store.of_task(task_id)
        if targets:
            self._targets[task_id] = targets
        else:
            self._targets.pop(task_id, None)

    def unload(self, task_id: str) -> None:
        """The task is no longer live; what is queued is still sent."""
        self._targets.pop(task_id, None)

    def offer(self, task: Task, event: Event) -> None:
        """Queues an event for each of the task's webhooks. Never waits."""
        for target in self._targets.get(task.id, ()):
            key = (task.id, target.config.id)
            lane = self._lanes.get(key)
            if lane is None or lane.target != target:
                lane = self._lanes[key] = _Lane(target)
            lane.waiting.append(_body(target, task, event))
            if lane.worker is None:
                lane.worker = asyncio.create_task(self._deliver(key, lane), name=f"push for task {task.id}")

    async def close(self, seconds: float = 2.0) -> None:
        """Lets deliveries under way end for a moment, then gives up on them."""
        workers = [lane.worker for lane in self._lanes.values() if lane.worker is not None]
        if workers:
            _, late = await asyncio.wait(workers, timeout=seconds)
            for worker in late:
                worker.cancel()
            if late:
                log.warning("%s: %s webhooks did not take their last notifications in time", self._name, len(late))
                await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _deliver(self, key: tuple[str, str], lane: _Lane) -> None:
        try:
            while lane.waiting:
                await self._send(lane.target, lane.waiting.popleft())
        finally:
            lane.worker = None
            if self._lanes.get(key) is lane:
                del self._lanes[key]

    async def _send(self, target: PushTarget, body: bytes) -> None:
        url = target.config.url
        problem = ""
        for delay in self._delays:
            await asyncio.sleep(delay)
            # Asked at every attempt, because names may point elsewhere by now.
            refusal = await self.policy.refusal(url)
            if refusal is not None:
                problem = refusal
                break
            outcome = await self._attempt(target, body)
            if outcome is None:
                PUSHES.labels(self._name, "delivered").inc()
                return
            problem, again = outcome
            if not again:
                break
        PUSHES.labels(self._name, "failed").inc()
        log.warning("%s: the webhook %s of task %s: %s", self._name, url, target.config.task_id, problem)

    async def _attempt(self, target: PushTarget, body: bytes) -> tuple[str, bool] | None:
        """None when delivered, else what went wrong and whether to try again."""
        if self._client is None:
            self._client = self._make_client()
        try:
            response = await self._client.post(target.config.url, content=body, headers=_headers(target))
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}", True
        if response.is_success:
            return None
        return f"it answered {response.status_code}", response.status_code in (
            408,
            425,
            429,
        ) or response.is_server_error


def _headers(target: PushTarget) -> dict[str, str]:
    config = target.config
    # Spec 1.0 section 11.1 for 1.0; 0.3 knew only plain JSON.
    headers = {"Content-Type": "application/a2a+json" if target.protocol == "1.0" else "application/json"}
    if config.token:
        headers["X-A2A-Notification-Token"] = config.token
    if config.authentication.scheme and config.authentication.credentials:
        headers["Authorization"] = f"{config.authentication.scheme} {config.authentication.credentials}"
    return headers


def _body(target: PushTarget, task: Task, event: Event) -> bytes:
    """1.0 webhooks get the event, 0.3 webhooks the whole task, each in its own JSON."""
    if target.protocol == "0.3" and not isinstance(event, Message):
        return to_compat_task(task).model_dump_json(by_alias=True, exclude_none=True).encode()
    body: dict[str, Any] = to_json(to_stream_response(event))
    return json.dumps(body, ensure_ascii=False).encode()
