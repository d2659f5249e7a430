"""Keeps the controller's record of our tasks up to date, at the controller's pace.

Tasks do not wait for it: a change only marks its task as due. One worker sends what is due as it is then, a few tasks
at a time, so whatever happened meanwhile travels in one request. While the controller is down or refuses to let us in,
everything stays marked (in the store, too), and is caught up when it answers again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from a2a.server.events import Event
from a2a.types import Role, Task, TaskState, TaskStatusUpdateEvent
from sqlalchemy.exc import DBAPIError

from agents.runtime import wire
from agents.runtime.context import Caller
from agents.runtime.kagent import words
from agents.runtime.kagent.controller import Controller, Told
from agents.runtime.kagent.outbox_table import Entry, OutboxTable
from agents.runtime.kagent.record import record_of
from agents.runtime.kagent.style import Style
from agents.runtime.live_task import LiveTask
from agents.runtime.service_metrics import KAGENT_RECORDS
from agents.runtime.states import is_settled

log = logging.getLogger(__name__)

AT_ONCE = 4
DELAYS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds between attempts while the controller is down; the last one repeats."""
LATER_ATTEMPTS = 8
"""How often one task is tried that the controller does not find a place for, before it is given up."""
CLOSE_SECONDS = 2.0
KNOWN_SESSIONS = 10_000

Load = Callable[[str, str], Awaitable[Task | None]]
"""A task by id and owner, as it is now."""


@dataclass
class _Lane:
    """A task that the controller does not have as it is, or that is still being worked on."""

    entry: Entry
    changes: int = 0
    sent: int = -1
    """How many changes the controller knows of."""
    attempts: int = 0
    not_before: float = 0.0


class Outbox:
    """The record of one service's tasks. Watches `LiveTasks` as its observer, inside its `lifespan`."""

    def __init__(
        self,
        name: str,
        table: OutboxTable,
        controller: Controller,
        load: Load,
        style: Style,
        *,
        backlog: int,
    ) -> None:
        self._name = name
        self._table = table
        self._controller = controller
        self._load = load
        self._style = style
        self._backlog = backlog
        self._lanes: dict[str, _Lane] = {}
        self._due: dict[str, None] = {}
        self._sources: dict[str, str] = {}
        self._unsaved: dict[str, Entry] = {}
        self._done: set[str] = set()
        self._sessions: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        """Nothing is due."""
        self._failures = 0
        self._dropped = 0

    # -- observing -----------------------------------------------------------------------------------------------

    def began(self, live: LiveTask, caller: Caller) -> None:
        """Remembers who asked: conversations that other agents begin have to be made known."""
        if caller.source:
            self._sources[live.task_id] = caller.source

    def changed(self, task: Task, owner: str, event: Event | None) -> None:
        """Marks a task as due. Lines of progress are not recorded, so they change nothing."""
        if isinstance(event, TaskStatusUpdateEvent) and _only_progress(event):
            return
        lane = self._lanes.get(task.id)
        if lane is None:
            entry = Entry(task.id, owner, self._sources.pop(task.id, ""), time.time_ns())
            lane = self._lanes[task.id] = _Lane(entry)
            self._unsaved[task.id] = entry
            self._done.discard(task.id)
            self._bound()
        lane.changes += 1
        self._due.setdefault(task.id)
        self._idle.clear()
        self._wake.set()

    def _bound(self) -> None:
        while len(self._lanes) > self._backlog:
            oldest = next(iter(self._lanes))
            self._forget(oldest)
            self._dropped += 1
            if self._dropped % 1000 == 1:
                text = "%s: kagent's controller is too far behind; tasks given up so far: %s"
                log.warning(text, self._name, self._dropped)

    # -- working -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncGenerator[None]:
        """Goes on with what an earlier life left, and works until the service stops. What is left then is kept."""
        for entry in await self._table.all():
            self._lanes[entry.task_id] = _Lane(entry)
            self._due.setdefault(entry.task_id)
        self._wake.set()
        worker = asyncio.create_task(self._work(), name=f"kagent's record of {self._name}")
        try:
            yield
        finally:
            await self._last_words(worker)
            await self._save()

    async def _last_words(self, worker: asyncio.Task[None]) -> None:
        if self._due and not self._failures:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), CLOSE_SECONDS)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        if self._due:
            log.info("%s: kagent's controller hears of %s tasks at the next start", self._name, len(self._due))

    async def _work(self) -> None:
        while True:
            await self._something_due()
            await self._save()
            batch = self._next()
            told = await asyncio.gather(*(self._send(self._lanes[task_id]) for task_id in batch))
            down = next((one for one in told if one.result == "down"), None)
            if down is None:
                self._recovered()
            else:
                await self._wait_for_controller(down)

    async def _something_due(self) -> None:
        while True:
            self._wake.clear()
            now = time.monotonic()
            if not self._due:
                self._idle.set()
            waits = [self._lanes[task_id].not_before - now for task_id in self._due]
            if waits and min(waits) <= 0:
                return
            try:
                async with asyncio.timeout(min(waits) if waits else None):
                    await self._wake.wait()
            except TimeoutError:
                return

    def _next(self) -> list[str]:
        """Some tasks that are due; a controller that was down is asked with one of them first."""
        now, most = time.monotonic(), 1 if self._failures else AT_ONCE
        batch: list[str] = []
        for task_id in self._due:
            if self._lanes[task_id].not_before <= now:
                batch.append(task_id)
            if len(batch) == most:
                break
        return batch

    async def _wait_for_controller(self, down: Told) -> None:
        if self._failures == 0:
            log.warning("%s: kagent's controller does not take tasks (%s); trying again", self._name, down.why)
        delay = DELAYS[min(self._failures, len(DELAYS) - 1)]
        self._failures += 1
        await asyncio.sleep(delay)

    def _recovered(self) -> None:
        if self._failures:
            log.info("%s: kagent's controller takes tasks again; %s to go", self._name, len(self._due))
        self._failures = 0

    # -- one task ------------------------------------------------------------------------------------------------

    async def _send(self, lane: _Lane) -> Told:
        entry, changes = lane.entry, lane.changes
        try:
            task = await self._load(entry.task_id, entry.owner)
            record = None if task is None else record_of(task, self._style)
        except (DBAPIError, OSError) as error:
            return Told("down", f"our own store: {error}")
        except Exception:
            # One task that cannot be told must not end the telling of all others.
            log.exception("%s: task %s cannot be written for kagent", self._name, entry.task_id)
            task = record = None
        if task is None or record is None:  # or it was forgotten meanwhile
            self._forget(entry.task_id)
            return Told("done")
        user = entry.owner.partition("/")[2]
        told = await self._open_session(entry, task, user)
        if told.result in ("done", "refused"):
            told = await self._controller.put_task(record, user)
        KAGENT_RECORDS.labels(self._name, told.result).inc()
        if told.result == "later":
            return self._put_off(lane, told)
        if told.result == "refused":
            log.warning("%s: kagent's controller refuses task %s (%s)", self._name, entry.task_id, told.why)
        if told.result != "down":
            self._sent(lane, changes, over=is_settled(task))
        return told

    async def _open_session(self, entry: Entry, task: Task, user: str) -> Told:
        if entry.source != words.SOURCE_AGENT or task.context_id in self._sessions:
            return Told("done")
        asked = next((message for message in task.history if message.role == Role.ROLE_USER), None)
        title = wire.text_of(asked.parts).strip().partition("\n")[0] if asked is not None else ""
        told = await self._controller.open_session(task.context_id, title, user)
        if told.result == "done":
            self._sessions[task.context_id] = None
            while len(self._sessions) > KNOWN_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return told

    def _sent(self, lane: _Lane, changes: int, *, over: bool) -> None:
        lane.sent, lane.attempts = changes, 0
        if lane.changes > changes:
            return
        self._due.pop(lane.entry.task_id, None)
        if over:
            self._forget(lane.entry.task_id)

    def _put_off(self, lane: _Lane, told: Told) -> Told:
        lane.attempts += 1
        if lane.attempts >= LATER_ATTEMPTS:
            task_id = lane.entry.task_id
            log.warning("%s: kagent's controller has no place for task %s (%s)", self._name, task_id, told.why)
            self._forget(task_id)
        else:
            lane.not_before = time.monotonic() + DELAYS[min(lane.attempts, len(DELAYS)) - 1]
        return told

    def _forget(self, task_id: str) -> None:
        self._lanes.pop(task_id, None)
        self._due.pop(task_id, None)
        self._unsaved.pop(task_id, None)
        self._sources.pop(task_id, None)
        self._done.add(task_id)
        self._wake.set()

    async def _save(self) -> None:
        """Brings the rows up to date. When the store fails, the next time does it."""
        if not self._unsaved and not self._done:
            return
        entries, done = dict(self._unsaved), set(self._done)
        self._unsaved.clear()
        self._done.clear()
        try:
            await self._table.save(list(entries.values()), sorted(done))
        except (DBAPIError, OSError) as error:
            log.warning("%s: what kagent has to hear of could not be kept: %s", self._name, error)
            self._unsaved = {**entries, **self._unsaved}
            self._done |= done - set(self._lanes)


def _only_progress(event: TaskStatusUpdateEvent) -> bool:
    working = event.status.state == TaskState.TASK_STATE_WORKING
    return working and event.status.HasField("message") and wire.is_progress(event.status.message)
