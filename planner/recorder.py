"""Writes what becomes true of one driven request: steps before they are taken, and what people watch a moment later."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import DBAPIError

from planner.commit import Refusal
from planner.leases import Lease
from planner.store import Step, Store
from planner.watch import Watch

log = logging.getLogger(__name__)

LATER_SECONDS = 0.2
"""How long what need not be durable at once may wait for the next step to take it along."""


class Recorder:
    """The one writer of a request while it is driven. Nothing overtakes anything: steps become true in order."""

    def __init__(self, store: Store, watch: Watch, lease: Lease) -> None:
        self._store, self._watch, self._lease = store, watch, lease
        self._waiting = Step()
        self._timer: asyncio.Task[None] | None = None

    async def record(self, step: Step) -> None:
        """Returns when the step is durable, with all that was to become so later. Raises like `Store.record`."""
        step, self._waiting = self._waiting.then(step), Step()
        written = await self._store.record(self._lease, step)
        self._watch.moved(self._lease.request_id, written, ended=step.request is not None and step.request.ended)

    def later(self, step: Step) -> None:
        """For what a restart may forget: lines of progress, tasks that members recognise by their message, and findings
        that they give again.
        """
        self._waiting = self._waiting.then(step)
        if self._timer is None:
            self._timer = asyncio.create_task(self._in_a_moment(), name=f"later {self._lease.request_id}")

    def close(self) -> None:
        """What still waits is given up."""
        if self._timer is not None:
            self._timer.cancel()

    async def _in_a_moment(self) -> None:
        await asyncio.sleep(LATER_SECONDS)
        self._timer = None
        if self._waiting == Step():
            return
        try:
            await self.record(Step())
        except (Refusal, DBAPIError, OSError) as error:
            # The next step meets the same, and there it matters.
            log.debug("request %s: progress was not written: %s", self._lease.request_id, error)
