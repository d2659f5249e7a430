"""The requests that this planner drives: claimed by lease, kept while it lives, let go when another takes over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from agents.runtime.findings import Finding
from agents.runtime.worker import gone, new_worker, retire
from planner.answer import Answer, view
from planner.engine import Desk, Drive
from planner.leases import Lease
from planner.request import Request, now
from planner.store import LeaseLost, RequestOver, Step, UnknownRequest
from planner.telemetry import driving
from planner.turns import next_in_turn, refuse

log = logging.getLogger(__name__)

AWAY_SECONDS = 2.0
"""Rest after the store did not answer."""
PRUNE_SECONDS = 3600.0
DAY = 86_400.0


@dataclass
class _Ride:
    """One request being driven."""

    lease: Lease
    user: str
    new: Request | None = None
    """The request, when nothing has happened to it yet."""
    task: asyncio.Task[None] | None = None
    drive: Drive | None = None


class Driving:
    """Takes requests with work to do, drives them, and keeps the leases."""

    def __init__(self, desk: Desk, retention_days: float) -> None:
        self.worker = new_worker()
        """How other planners know this one."""
        self._desk = desk
        self._store = desk.store
        self._rides: dict[str, _Ride] = {}
        self._users: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._retention = retention_days * DAY
        self._prune_at = 0.0
        self._seconds_each = 10.0
        """How long a request takes, on average of late."""

    async def start(self) -> None:
        """Goes on with what an earlier life of this planner, or another one that died, left unfinished."""
        await self._claim()
        self._keeper = asyncio.create_task(self._keep(), name="leases")

    async def stop(self) -> None:
        """Lets go of everything without ending any of it: another planner, or the next start, goes on at once."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for ride in list(self._rides.values()):
            self._leave(ride)
        await asyncio.gather(*(r.task for r in list(self._rides.values()) if r.task), return_exceptions=True)
        await self._store.release(self.worker)
        retire(self.worker)

    @property
    def users(self) -> dict[str, int]:
        """How many requests of each user are driven here."""
        return dict(self._users)

    def look(self) -> None:
        """There is something to claim."""
        self._wake.set()

    async def admit(self, user: str) -> bool:
        """Whether there is room to drive a new request of the user now; else it is queued. Raises Overloaded."""
        if self._has_room(user):
            return True
        limits = self._desk.limits
        waiting = Counter(await self._store.waiting())
        at_once = limits.requests_at_once
        refuse(waiting, user, limit=limits.queued_requests, seconds_each=self._seconds_each, at_once=at_once)
        return False

    def take(self, lease: Lease, user: str, new: Request | None = None) -> None:
        """Drives a request that this planner has the lease of. It is driven once, however often that is said.

        `new`: the request, when it was created just now.
        """
        known = self._rides.get(lease.request_id)
        if known is not None and known.lease.epoch >= lease.epoch:
            return
        ride = _Ride(lease, user, new)
        self._rides[lease.request_id] = ride
        self._users[user] += 1
        ride.task = asyncio.create_task(self._work(ride, known), name=f"request {lease.request_id}")
        ride.task.add_done_callback(lambda _: self._forget(ride))

    async def halt(self, request_id: str) -> None:
        """Stops driving a request, and its members' work with it."""
        ride = self._rides.get(request_id)
        if ride is not None and ride.task is not None:
            ride.task.cancel()
            await asyncio.gather(ride.task, return_exceptions=True)

    # -- leases --------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._store.lease_seconds / 5):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._renew()
                await self._claim()
                await self._prune()
            except Exception as error:
                log.warning("the leases could not be kept, trying again: %s", error)
                await asyncio.sleep(AWAY_SECONDS)

    async def _renew(self) -> None:
        before = dict(self._rides)
        if not before:
            return
        held = await self._store.renew(self.worker)
        for request_id, ride in before.items():
            if ride.lease not in held and self._rides.get(request_id) is ride and not await self._parked(ride):
                log.warning("request %s is driven by another planner now", request_id)
                self._leave(ride)
        for lease in held:
            if lease.request_id not in self._rides:  # its ride broke off, as when the store was away
                self.take(lease, (await self._store.request(lease.request_id)).user)

    async def _parked(self, ride: _Ride) -> bool:
        """Its lease is gone because it has ended or waits, and the ride is about to."""
        request, lease = await self._store.held(ride.lease.request_id)
        return lease == ride.lease and (request.ended or request.pause is not None)

    async def _claim(self) -> None:
        limits = self._desk.limits
        room = limits.requests_at_once - len(self._rides)
        if room <= 0:
            return
        seen = await self._store.candidates(self.worker)
        free = [c for c in seen if c.owner is None or c.expired or gone(c.owner)]
        wanted = next_in_turn(free, self._users, room=room, per_user=limits.requests_per_user)
        if not wanted:
            return
        users = {candidate.request_id: candidate.user for candidate in wanted}
        for lease in await self._store.claim(wanted, self.worker):
            self.take(lease, users[lease.request_id])

    async def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_SECONDS
        while count := await self._store.forget_before(time.time() - self._retention):
            log.info("%s requests that ended long ago were deleted", count)
            await asyncio.sleep(0.1)

    def _has_room(self, user: str) -> bool:
        limits = self._desk.limits
        return len(self._rides) < limits.requests_at_once and self._users[user] < limits.requests_per_user

    # -- driving -------------------------------------------------------------------------------------------------

    def _leave(self, ride: _Ride) -> None:
        if ride.drive is not None:
            ride.drive.leave()
        if ride.task is not None:
            ride.task.cancel()

    def _forget(self, ride: _Ride) -> None:
        if not self._has_room(ride.user):  # others may have been waiting
            self._wake.set()
        self._users[ride.user] -= 1
        if self._users[ride.user] <= 0:
            del self._users[ride.user]
        if self._rides.get(ride.lease.request_id) is ride:
            del self._rides[ride.lease.request_id]

    async def _work(self, ride: _Ride, before: _Ride | None) -> None:
        if before is not None and before.task is not None:
            self._leave(before)
            await asyncio.wait([before.task])
        began = time.monotonic()
        request_id = ride.lease.request_id
        try:
            await self._drive(ride)
            self._seconds_each += 0.1 * (time.monotonic() - began - self._seconds_each)
        except (RequestOver, LeaseLost, UnknownRequest) as error:
            log.info("request %s is no longer driven here: %s", request_id, type(error).__name__)
        except (DBAPIError, OSError) as error:
            log.warning("request %s: the store does not answer; it is gone on with when it does: %s", request_id, error)
            await asyncio.sleep(AWAY_SECONDS)
        except Exception as error:
            log.exception("request %s failed", request_id)
            await self._fail(ride, error)

    async def _drive(self, ride: _Ride) -> None:
        if ride.new is not None:
            request, plan, findings = ride.new, None, dict[str, Finding]()
        else:
            request = await self._store.request(ride.lease.request_id)
            plan, findings = await self._store.plan(request.id)
        if plan is not None and request.status == "queued":
            request = request.model_copy(update={"status": "running"})
            event = ("request", {"id": request.id, "status": request.status})
            await self._store.record(ride.lease, Step(request=request, events=[event]))
        ride.drive = Drive(self._desk, ride.lease, request, plan, findings)
        with driving(request, plan.id if plan is not None else ""):
            await ride.drive.run()

    async def _fail(self, ride: _Ride, error: Exception) -> None:
        """A fault of ours, not of a member: the asker is told, and the log has the rest."""
        request: Request = await self._store.request(ride.lease.request_id)
        note = f"the planner failed: {type(error).__name__}: {error}"
        ended = {"status": "failed", "ended_at": now(), "notes": (*request.notes, note)}
        request = request.model_copy(update=ended)
        answer = Answer(text=note, missing=[note])
        plan, findings = await self._store.plan(request.id)
        whole = view(request, plan, findings, answer).model_dump(mode="json")
        events = [("answer", whole), ("request", {"id": request.id, "status": "failed"})]
        await self._store.record(ride.lease, Step(request=request, answer=answer, events=events))
        self._desk.watch.moved(request.id)
