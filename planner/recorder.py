"""Writes what becomes true of one driven request: what is about to be done before it is done, what was seen and what
people watch with the next step or a moment later.
"""

from __future__ import annotations

import asyncio
import logging

from planner.leases import Lease
from planner.store import Step, Store
from planner.watch import Watch

log = logging.getLogger(__name__)

LATER_SECONDS = 0.3
"""How long what need not be durable at once may wait for the next step to take it along."""


class Recorder:
    """The one writer of a request while it is driven. Nothing overtakes anything: steps become true in order."""

    def __init__(self, store: Store, watch: Watch, lease: Lease) -> None:
        self._store, self._watch, self._lease = store, watch, lease
        self._waiting = Step()
        self._order = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        """What waited and is being written without anybody who waits for it."""
        self._failure: Exception | None = None
        """Why that failed: what comes after it would be built on what is not in the store."""

    async def record(self, step: Step) -> None:
        """Returns when the step is durable, with all that was to become so later. Raises like `Store.record`, also for
        what failed meanwhile.
        """
        async with self._order:  # one that is under way may fail, and nothing is to be written after that
            if self._failure is not None:
                raise self._failure
            step, self._waiting = self._waiting.then(step), Step()
            try:
                written = await self._store.record(self._lease, step)
            except Exception as error:
                self._failure = error
                raise
        self._watch.moved(self._lease.request_id, written, ended=step.request is not None and step.request.ended)

    def later(self, step: Step) -> None:
        """For what a crash may forget: lines of progress, tasks that members recognise by their message, and findings
        that they give again.
        """
        self._waiting = self._waiting.then(step)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER_SECONDS, self._write)

    async def close(self) -> None:
        """What still waits is written, unless the request is another's by now or the store does not answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._write()
        if self._writing is not None:
            await asyncio.wait([self._writing])

    def _write(self) -> None:
        self._timer = None
        if self._waiting != Step():
            self._writing = asyncio.create_task(self._write_waiting(), name=f"later {self._lease.request_id}")

    async def _write_waiting(self) -> None:
        try:
            await self.record(Step())
        except Exception as error:
            log.debug("request %s: what waited was not written: %s", self._lease.request_id, error)
