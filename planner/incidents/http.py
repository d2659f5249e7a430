"""The way in for alerts and events, and the listing of incidents. Errors are problem details (RFC 9457).

A sender comes again after a 5xx, so there is none once something was kept; what sending again does not help is a 4xx.
"""

from __future__ import annotations

import hmac
import logging
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request as HttpRequest
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from agents.runtime.settings import AlertSettings
from planner.http import Problem, problem
from planner.incidents.alertmanager import NotUnderstood, delivery_of, read_webhook
from planner.incidents.cloudevents import delivery_of as delivery_of_event
from planner.incidents.cloudevents import read_event
from planner.incidents.desk import Incidents
from planner.incidents.incident import Delivery, Incident, IncidentStatus
from planner.incidents.store import Filters, UnknownIncident

log = logging.getLogger(__name__)
MAX_SIGNALS = 200
"""Signals that one incident is shown with."""


class Accepted(BaseModel):
    """What a message came to."""

    incident_id: str | None
    """The group's open incident; None when there is none."""
    new: int
    ended: int


class IncidentLine(BaseModel):
    """An incident in a listing."""

    id: str
    status: IncidentStatus
    severity: str
    title: str
    source: str
    cluster: str | None
    namespace: str | None
    resource: str | None
    firing: int
    total: int
    request_id: str | None
    causes: list[str]
    created_at: datetime
    changed_at: datetime
    closed_at: datetime | None


class IncidentPage(BaseModel):
    """Incidents, newest first."""

    incidents: list[IncidentLine]
    next_cursor: str | None


class SignalView(BaseModel):
    """One alert or event of an incident."""

    name: str
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str


class IncidentView(IncidentLine):
    """One incident with everything that is known of it; the plan is the request's."""

    note: str
    signals: list[SignalView]


class _Route(APIRoute):
    """Turns errors into problem details. Bodies are bounded where they are read."""

    def get_route_handler(self) -> Any:
        handler = super().get_route_handler()

        async def handle(http: HttpRequest) -> Response:
            try:
                return await handler(http)
            except NotUnderstood as error:
                return problem(error.code, str(error))
            except StarletteHTTPException as error:
                return problem(error.status_code, str(error.detail), error.headers)
            except RequestValidationError as error:
                return problem(422, "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors()))

        return handle


def build_incident_router(desk: Incidents) -> APIRouter:
    """The routes /v1/alerts, /v1/events and /v1/incidents."""
    wrong: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (400, 401, 403, 404, 413, 422)}
    router = APIRouter(prefix="/v1", tags=["incidents"], route_class=_Route, responses=wrong)

    @router.post("/alerts", status_code=status.HTTP_202_ACCEPTED)
    async def alerts(http: HttpRequest) -> Accepted:
        """Alertmanager's webhook (version 4). The same again changes nothing."""
        _let_in(http, desk.settings)
        webhook = read_webhook(await _body(http, desk.settings.max_body_bytes))
        return await _take(desk, delivery_of(webhook, desk.settings.ignore))

    @router.post("/events", status_code=status.HTTP_202_ACCEPTED)
    async def events(http: HttpRequest) -> Accepted:
        """A CloudEvent (1.0), structured or binary, known by its source and id. The same again changes nothing."""
        _let_in(http, desk.settings)
        body = await _body(http, desk.settings.max_body_bytes)
        return await _take(desk, delivery_of_event(read_event(http.headers, body)))

    @router.get("/incidents")
    async def listing(
        limit: Annotated[int, Query(ge=1, le=200)] = 20,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        status: IncidentStatus | None = None,
        open: bool | None = None,
        namespace: Annotated[str | None, Query(max_length=253)] = None,
        cluster: Annotated[str | None, Query(max_length=253)] = None,
    ) -> IncidentPage:
        """Incidents, newest first; `next_cursor` leads to the next page."""
        try:
            found = await desk.store.page(limit + 1, Filters(status, open, namespace, cluster), cursor)
        except UnknownIncident as error:
            raise HTTPException(400, f"{cursor!r} is no cursor of this listing") from error
        shown = found[:limit]
        more = shown[-1].id if len(found) > limit else None
        return IncidentPage(incidents=[IncidentLine(**_line(incident)) for incident in shown], next_cursor=more)

    @router.get("/incidents/{incident_id}")
    async def show(incident_id: str) -> IncidentView:
        """One incident with its signals."""
        try:
            incident = await desk.store.incident(incident_id)
        except UnknownIncident as error:
            raise HTTPException(404, f"there is no incident {incident_id!r}") from error
        signals = await desk.store.signals([incident.id], MAX_SIGNALS)
        views = [SignalView(**s.model_dump(include=set(SignalView.model_fields))) for s in signals]
        return IncidentView(**_line(incident), note=incident.note, signals=views)

    return router


def _line(incident: Incident) -> dict[str, Any]:
    return incident.model_dump(include=set(IncidentLine.model_fields))


async def _take(desk: Incidents, delivery: Delivery) -> Accepted:
    try:
        taken = await desk.take(delivery)
    except (DBAPIError, OSError) as error:
        log.warning("the store does not answer, nothing was kept: %s", error)
        raise HTTPException(503, "the store does not answer; send it again", {"Retry-After": "5"}) from error
    return Accepted(incident_id=taken.incident_id, new=taken.fresh, ended=taken.ended)


def _let_in(http: HttpRequest, settings: AlertSettings) -> None:
    if settings.token is None:
        raise HTTPException(403, "nothing is taken in before alerts.token is set (KUBETEAM_ALERTS__TOKEN)")
    scheme, _, given = http.headers.get("authorization", "").partition(" ")
    right = settings.token.get_secret_value().encode()
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), right):
        raise HTTPException(401, "the bearer token is missing or wrong", {"WWW-Authenticate": "Bearer"})


async def _body(http: HttpRequest, limit: int) -> bytes:
    """The body, read no further than the limit, whether or not its length was told."""
    body = bytearray()
    try:
        async for chunk in http.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413, f"the body may have at most {limit} bytes")
    except ClientDisconnect as error:
        raise HTTPException(400, "the body broke off") from error
    return bytes(body)
