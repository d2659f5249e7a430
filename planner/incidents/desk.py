"""Moves incidents: starts their plans, follows them, closes what is over. Several planners on one store do it once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from agents.runtime.admission import Overloaded
from agents.runtime.settings import IncidentEvent, Settings
from planner.incidents.grouping import batches, inputs_of
from planner.incidents.incident import AT_REST, Delivery, Incident
from planner.incidents.intake import Taken
from planner.incidents.notices import notices_of
from planner.incidents.outbox import Outbox
from planner.incidents.standing import Standing, standing_of
from planner.incidents.store import IncidentStore, Notice
from planner.incidents.wording import MAX_LINES, question_of, say
from planner.merge import action_key
from planner.proposals import Key
from planner.request import Request, new_request, now
from planner.store import LeaseLost, RequestOver, Step, UnknownRequest
from planner.supervisor import Supervisor

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often plans are looked at: one small query while none has moved."""
IDLE_SECONDS = 2.0
"""How often it is looked whether another planner has taken an incident, while there are none."""
AWAY_SECONDS = 5.0
"""Rest after something failed."""
PRUNE_SECONDS = 3600.0
DAY = 86_400.0


class Incidents:
    """The incidents of one planner."""

    def __init__(self, store: IncidentStore, supervisor: Supervisor, settings: Settings) -> None:
        self.store, self.settings = store, settings.alerts
        self._supervisor = supervisor
        self._requests = supervisor.desk.store
        self._link = self.settings.link or settings.server.public_url or settings.url("planner")
        self.outbox = Outbox(store, self.settings.notify)
        self._seen: dict[str, int] = {}
        """The newest event by request, as of the last look."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._prune_at = 0.0

    async def open(self) -> None:
        """Goes on with what an earlier life left unfinished."""
        await self.store.open()
        self.outbox.start()
        self._task = asyncio.create_task(self._keep_on(), name="incidents")

    async def close(self) -> None:
        """Lets go of everything; the next start goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.outbox.stop()
        await self.store.close()

    async def take(self, delivery: Delivery) -> Taken:
        """Keeps what is new; it is acted upon at once, but elsewhere. Raises SQLAlchemy's errors: nothing was kept."""
        taken = await self.store.take(delivery, self.settings.cluster_label)
        self._wake.set()
        return taken

    async def _keep_on(self) -> None:
        busy = False
        while True:
            try:
                busy = await self.look()
                await self._prune()
            except Exception:
                log.exception("looking after incidents failed; it is tried again in %.0f s", AWAY_SECONDS)
                await asyncio.sleep(AWAY_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if busy else IDLE_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def look(self) -> bool:
        """Takes every open incident one step on. False when there are none."""
        if not await self.store.any_active():
            return False
        await self._follow(await self.store.active())
        await self._close(await self.store.active())
        await self._begin(await self.store.active())
        return True

    # -- plans ---------------------------------------------------------------------------------------------------

    async def _begin(self, active: Sequence[Incident]) -> None:
        waiting = [i for i in active if i.status == "open" and i.firing]
        if not waiting:
            return
        busy = [i for i in active if i.status == "diagnosing"]
        room = self.settings.plans_at_once - len({i.request_id for i in busy})
        for batch in batches(waiting, busy, room):
            first = batch[0]
            # Always the same for the same attempt, so that several planners cannot begin it twice.
            request_id = f"incident-{first.id}-{first.attempt}"
            taken = await self.store.begin_plan(batch, request_id)
            if taken:
                await self._submit(request_id, taken)

    async def _submit(self, request_id: str, incidents: Sequence[Incident]) -> None:
        signals = await self.store.signals([i.id for i in incidents], MAX_LINES)
        total = sum(max(incident.total, 1) for incident in incidents)
        language = self.settings.language
        request = new_request(
            question_of(incidents, signals, total, language),
            id=request_id,
            language=language,
            cluster_id=incidents[0].cluster,
            user=incidents[0].source,
            source=incidents[0].source,
        )
        wanted = {"purpose": "incident", "inputs": inputs_of(incidents)}
        try:
            await self._supervisor.submit(request.model_copy(update=wanted))
        except Overloaded as error:
            log.warning("the plan of %s incidents waits: %s", len(incidents), error)

    async def _follow(self, active: Sequence[Incident]) -> None:
        planned: dict[str, list[Incident]] = {}
        for incident in active:
            if incident.request_id is not None:
                planned.setdefault(incident.request_id, []).append(incident)
        newest = await self._requests.newest_events(planned) if planned else {}
        self._seen = {id: number for id, number in self._seen.items() if id in planned}
        for request_id, incidents in planned.items():
            if request_id not in newest:  # a crash came between the two, or there was no room for it
                await self._submit(request_id, incidents)
            elif self._seen.get(request_id) != newest[request_id]:
                await self._moved(request_id, incidents)
                self._seen[request_id] = newest[request_id]

    async def _moved(self, request_id: str, incidents: Sequence[Incident]) -> None:
        request = await self._requests.request(request_id)
        plan, findings = await self._requests.plan(request_id)
        standing = standing_of(request, plan, findings)
        if standing.actions and await self._joined(request, standing):
            return
        told: dict[str, object] = {"note": standing.note}
        if standing.causes:
            told["causes"] = standing.cause_lines
        if any(i.status != standing.status or i.note != standing.note for i in incidents) or standing.events:
            notices = [n for event in standing.events for n in self._notices(event, incidents, standing)]
            await self.store.move(request_id, standing.status, told, notices)
            self.outbox.look()

    def _notices(self, event: IncidentEvent, incidents: Sequence[Incident], standing: Standing) -> list[Notice]:
        return notices_of(event, incidents, standing, self.settings.notify, self.settings.language, self._link)

    async def _joined(self, request: Request, standing: Standing) -> bool:
        """Plans that found the same and ask for the same leave one question, the first's. True: this one gave way."""
        same = [request]
        for other_id in {i.request_id for i in await self.store.active() if i.status == "waiting"} - {request.id, None}:
            with contextlib.suppress(UnknownRequest):
                other = await self._requests.request(str(other_id))
                same += [other] if _asks(other) == _asks(request) else []
        first = min(same, key=lambda each: (each.created_at, each.id))
        note = say(request.language, "joined", id=first.id)
        told = {
            "request_id": first.id,
            "causes": standing.cause_lines,
            "note": first.pause.question if first.pause else note,
        }
        for other in same:
            if other is not first and await self._conclude(other.id, note):
                await self.store.move(other.id, "waiting", told)
        return first is not request

    # -- the end -------------------------------------------------------------------------------------------------

    async def _close(self, active: Sequence[Incident]) -> None:
        over = say(self.settings.language, "over")
        for incident in active:
            if incident.firing or incident.status not in AT_REST:
                continue
            sharing = [
                i for i in active if i.request_id == incident.request_id and i.request_id and i.id != incident.id
            ]
            open_ones = [i for i in sharing if i.firing]
            if incident.request_id and not open_ones and not await self._conclude(incident.request_id, over):
                continue
            last = bool(incident.request_id) and not sharing
            notices = self._notices("resolved", [incident], Standing("resolved")) if last else []
            if await self.store.finish(incident, over, notices):
                active = [i for i in active if i.id != incident.id]
                self.outbox.look()

    async def _conclude(self, request_id: str, note: str) -> bool:
        """Ends the plan's question to a person, with a note. False while something is looked at or changed."""
        try:
            request, lease = await self._requests.held(request_id)
        except UnknownRequest:  # kept for less long than the incident
            return True
        if request.ended:
            return True
        if request.pause is None:
            return False
        try:
            await self._requests.record(lease, _concluded(request, note))
        except (LeaseLost, RequestOver):
            return False  # somebody has decided at this very moment
        self._supervisor.desk.watch.moved(request_id)
        return True

    async def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_SECONDS
        await self.store.forget_before(time.time() - self.settings.keep_days * DAY)


def _asks(request: Request) -> tuple[str | None, frozenset[Key]] | None:
    """What a plan wants approved; None when it asks for nothing of the kind."""
    if request.pause is None or not request.pause.actions:
        return None
    return request.cluster_id, frozenset(map(action_key, request.pause.actions))


def _concluded(request: Request, note: str) -> Step:
    ended = {"status": "answered", "pause": None, "ended_at": now(), "notes": (*request.notes, note)}
    request = request.model_copy(update=ended)
    return Step(request=request, events=[("request", {"id": request.id, "status": request.status, "note": note})])
