"""Tells webhooks what the outbox holds, each in a task of its own: a slow or broken one delays nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from urllib.parse import urlsplit

import httpx

from agents.runtime.settings import NotificationSettings
from planner.incidents.notices import target_of
from planner.incidents.store import Due, IncidentStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the outbox is looked at when nobody says that there is something in it."""
CLAIM_SECONDS = 30.0
"""How much longer than a delivery may take others leave it to whoever began it."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 600.0
"""Seconds between attempts: doubled each time."""


class Outbox:
    """Delivers notices at least once; what cannot be delivered for long is given up, and logged."""

    def __init__(
        self, store: IncidentStore, targets: list[NotificationSettings], *, first_wait: float = FIRST_WAIT
    ) -> None:
        self._store, self._targets, self._first_wait = store, targets, first_wait
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._wakers = {target_of(target): asyncio.Event() for target in targets}

    def start(self) -> None:
        """Begins with what an earlier life left."""
        self._tasks = [asyncio.create_task(self._serve(target), name="notifications") for target in self._targets]

    async def stop(self) -> None:
        """What is not delivered stays in the outbox."""
        self._stopping.set()
        self.look()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """There is something new in it."""
        for waker in self._wakers.values():
            waker.set()

    async def _serve(self, target: NotificationSettings) -> None:
        name = target_of(target)
        waker = self._wakers[name]
        headers = {key: value.get_secret_value() for key, value in target.headers.items()}
        async with httpx.AsyncClient(timeout=target.timeout_seconds, headers=headers) as http:
            while True:
                waker.clear()
                if self._stopping.is_set():
                    return
                try:
                    due = await self._store.next_due(name, target.timeout_seconds + CLAIM_SECONDS)
                    if due is not None:
                        await self._send(http, target, due)
                        continue
                except Exception:
                    log.exception("the outbox could not be read; it is tried again in %.0f s", LOOK_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(LOOK_SECONDS, self._first_wait)):
                        await waker.wait()

    async def _send(self, http: httpx.AsyncClient, target: NotificationSettings, due: Due) -> None:
        url = target.url.get_secret_value()
        host = urlsplit(url).hostname  # the path is often a secret
        problem = await self._post(http, url, target, due)
        if problem is None:
            await self._store.sent(due.id, time.time())  # the next life need not wait for the claim to run out
            return
        if not problem:
            await self._store.sent(due.id)
        elif time.time() - due.created_at > target.give_up_hours * 3600:
            log.error("a notification to %s is given up after %s attempts: %s", host, due.attempts, problem)
            await self._store.sent(due.id)
        else:
            wait = min(LONGEST_WAIT, self._first_wait * 2 ** min(due.attempts - 1, 20))
            log.warning("a notification to %s failed (%s); tried again in %.0f s", host, problem, wait)
            await self._store.sent(due.id, time.time() + wait)

    async def _post(self, http: httpx.AsyncClient, url: str, target: NotificationSettings, due: Due) -> str | None:
        """Why it was not taken, empty when it was; None when this planner stops meanwhile."""
        posting = asyncio.ensure_future(http.post(url, json=due.body))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({posting, stopping}, timeout=target.timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not posting.done():
            posting.cancel()
            return None if self._stopping.is_set() else "no answer in time"
        try:
            answer = posting.result()
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if answer.is_success else f"HTTP {answer.status_code}"
