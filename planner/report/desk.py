"""Makes reports: starts the Request, waits for its end, keeps what it adds up to; by hand and on schedule."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from agents.runtime.findings import Language
from agents.runtime.settings import ReportSettings
from planner.report.assemble import assemble
from planner.report.schedule import due, key_of
from planner.report.store import Entry, ReportStore, Start
from planner.report.wording import say
from planner.request import Request, new_request, now
from planner.store import UnknownRequest
from planner.supervisor import Supervisor

log = logging.getLogger(__name__)

TICK_SECONDS = 15.0
"""How often schedules are looked at, and reports that another planner has left."""


class Reports:
    """The reports of one planner. Several planners on one store make each report once."""

    def __init__(self, store: ReportStore, supervisor: Supervisor, settings: ReportSettings) -> None:
        self.store = store
        self._supervisor = supervisor
        self._settings = settings
        self._following: dict[str, asyncio.Task[None]] = {}
        self._ticking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Goes on with what an earlier life left unfinished, and begins to watch the schedules."""
        await self.store.open()
        self._ticking = asyncio.create_task(self._tick_forever(), name="report schedules")

    async def close(self) -> None:
        """Lets go of everything; the next start goes on."""
        tasks = [*self._following.values(), *([self._ticking] if self._ticking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.store.close()

    async def start(self, cluster: str | None = None, language: Language = "en", user: str | None = None) -> Entry:
        """Begins a report at once. Raises Overloaded when the planner takes no more requests."""
        start = _start(cluster, language, user or "anonymous")
        await self._supervisor.submit(_request(start))
        await self.store.create(start)
        self._follow(start)
        return Entry(start, "running", cluster or "")

    async def tick(self, moment: datetime | None = None) -> Sequence[Start]:
        """Starts what is due, follows what nobody follows, forgets what is old. Returns what was started."""
        moment = moment or now()
        started: list[Start] = []
        for schedule in self._settings.schedules:
            key = key_of(schedule)
            after = await self.store.last_run(key, moment)
            at = due(schedule.cron, after, moment)
            if at is None:
                continue
            start = _start(schedule.cluster, schedule.language, "schedule", schedule.cron)
            if await self.store.create(start, run=(key, at)):
                started.append(start)
        for start in await self.store.running():
            if start.id not in self._following:
                self._follow(start)
        await self.store.forget_before(moment - timedelta(days=self._settings.keep_days))
        return started

    async def _tick_forever(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("looking after reports failed; it is tried again in %.0f s", TICK_SECONDS)
            await asyncio.sleep(TICK_SECONDS)

    def _follow(self, start: Start) -> None:
        task = asyncio.create_task(self._work(start), name=f"report {start.id}")
        self._following[start.id] = task
        task.add_done_callback(lambda _: self._following.pop(start.id, None))

    async def _work(self, start: Start) -> None:
        try:
            await self._finish(start, await self._ended(start))
        except Exception as error:
            log.exception("report %s could not be put together", start.id)
            await self.store.finish(start.id, f"the report could not be put together: {type(error).__name__}: {error}")

    async def _ended(self, start: Start) -> Request:
        """The request when nothing more happens to it. One that asks back is stopped: nobody is there to answer."""
        # A crash may have come between the row and the request; the same id again is the same request.
        request = await self._supervisor.submit(_request(start))
        requests = self._supervisor.desk.store
        async for _ in self._supervisor.desk.watch.events(start.request_id):
            request = await requests.request(start.request_id)
            if request.status == "input_required" and request.pause is not None:
                question = request.pause.question
                stopped = await self._supervisor.cancel(start.request_id)
                return stopped.model_copy(update={"notes": (*stopped.notes, question)})
        return request if request.ended else await requests.request(start.request_id)

    async def _finish(self, start: Start, request: Request) -> None:
        if not request.ended:
            return  # the planner shuts down; whoever comes next goes on
        try:
            plan, findings = await self._supervisor.desk.store.plan(request.id)
        except UnknownRequest:
            plan, findings = None, {}
        if not findings:
            failed = [f"{s.specialist}: {s.note}" for s in plan.subtasks if s.note] if plan else []
            reason = "; ".join([*request.notes, *failed]) or f"the request {request.id} ended as {request.status}"
            await self.store.finish(start.id, reason, request.cluster_id or "")
            return
        before, history = await self.store.earlier(request.cluster_id or "", start.created_at)
        report = assemble(
            start.id,
            request,
            plan,
            findings,
            created_at=start.created_at,
            schedule=start.schedule,
            before=before,
            history=history,
        )
        await self.store.finish(start.id, report)


def _start(cluster: str | None, language: Language, user: str, schedule: str | None = None) -> Start:
    id = secrets.token_hex(6)
    return Start(
        id=id,
        request_id=f"report-{id}",
        cluster=cluster,
        language=language,
        user=user,
        schedule=schedule,
        created_at=now(),
    )


def _request(start: Start) -> Request:
    """Always the same for a report, so that submitting it again is no second request."""
    request = new_request(
        say(start.language, "question"),
        id=start.request_id,
        language=start.language,
        cluster_id=start.cluster,
        user=start.user,
        source="report",
    )
    return request.model_copy(update={"purpose": "report"})
