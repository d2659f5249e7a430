"""The planner as a service: A2A at `/`, requests at `/v1/requests`, the page for browsers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from agents.runtime.card_signature import verifier
from agents.runtime.cards import load_card
from agents.runtime.client import Member, open_http
from agents.runtime.context import SOURCE_HEADER
from agents.runtime.models import warmed_up
from agents.runtime.service import build_app
from agents.runtime.settings import Settings
from planner.a2a import PlannerExecutor
from planner.approving import signing_of
from planner.engine import Desk
from planner.http import build_router
from planner.incidents.desk import Incidents
from planner.incidents.http import build_incident_router
from planner.incidents.store import IncidentStore
from planner.journal_http import journal_router
from planner.lanes import Lanes
from planner.measures import measure
from planner.members import ConfiguredMembers
from planner.page.route import page_router
from planner.report.desk import Reports
from planner.report.http import build_report_router
from planner.report.store import ReportStore
from planner.store import Store, store_url
from planner.strategy.strategist import strategy_of
from planner.supervisor import Supervisor
from planner.watch import Watch

NAME = "planner"


def build_planner(settings: Settings) -> FastAPI:
    """The whole planner. It starts without the members, and asks them when there is something to ask."""
    http = open_http()
    store = Store(store_url(settings.store), lease_seconds=settings.store.lease_seconds, migrate=settings.store.migrate)
    verify = verifier(settings.cards)
    # kagent's user interface shows conversations that one agent begins with another beneath the first one.
    headers = {SOURCE_HEADER: "agent"} if settings.kagent.name else {}

    def connect(name: str, url: str) -> Member:
        return Member(name, url, http, verify=verify, headers=headers)

    members = ConfiguredMembers(settings, http, connect)
    lanes = Lanes(settings.limits.subtasks_per_specialist)
    desk = Desk(store, Watch(store), members, strategy_of(settings), settings.limits, lanes, signing_of(settings))
    supervisor = Supervisor(desk, retention_days=settings.store.retention_days)
    reports = Reports(ReportStore(settings.store), supervisor, settings.reports)
    incidents = Incidents(IncidentStore(settings.store), supervisor, settings)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncGenerator[None]:
        await store.open()
        try:
            await supervisor.start()
            await reports.open()
            await incidents.open()
            async with warmed_up(settings.model_of(NAME)):
                yield
        finally:
            await incidents.close()
            await reports.close()
            await supervisor.stop()
            await http.aclose()
            await store.close()

    return build_app(
        load_card(NAME, settings),
        PlannerExecutor(supervisor),
        settings,
        name=NAME,
        routers=[
            build_router(supervisor),
            build_report_router(reports),
            build_incident_router(incidents),
            journal_router(members),
            page_router(),
        ],
        lifespans=[running],
        before_scrape=lambda: measure(store, supervisor.load()),
        resume=True,
        admit=supervisor.admit,
    )
