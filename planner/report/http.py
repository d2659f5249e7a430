"""The HTTP endpoint of reports: start one, list them, read one as HTML, Markdown or JSON."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, HTTPException, Query, Response, status
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from agents.runtime.findings import Language
from planner.http import Problem, ProblemRoute, UserId
from planner.report.charts import CHARTS, draw
from planner.report.desk import Reports
from planner.report.markdown import to_markdown
from planner.report.page import POLICY, to_html
from planner.report.report import Report
from planner.report.store import Entry, UnknownReport

Form = Literal["html", "md", "json"]
_BY_TYPE: dict[str, Form] = {"text/html": "html", "text/markdown": "md", "application/json": "json"}
_PICTURES = {"svg": "image/svg+xml", "png": "image/png"}


class Order(BaseModel):
    """A report to be made."""

    model_config = ConfigDict(extra="forbid")

    cluster_id: str | None = Field(None, max_length=253)
    language: Language = "en"
    user: str | None = Field(None, max_length=200)


class ReportLine(BaseModel):
    """A report in a listing."""

    id: str
    status: str
    cluster: str
    language: str
    score: float | None
    created_at: datetime
    user: str
    schedule: str | None
    request_id: str
    reason: str | None = None


class ReportPage(BaseModel):
    """Reports, newest first."""

    reports: list[ReportLine]
    next_cursor: str | None


def build_report_router(desk: Reports) -> APIRouter:
    """The routes under /v1/reports."""
    router = APIRouter(
        prefix="/v1/reports", tags=["reports"], route_class=ProblemRoute, responses={404: {"model": Problem}}
    )

    @router.post("", status_code=status.HTTP_202_ACCEPTED)
    async def make(order: Order, response: Response, user_id: UserId = None) -> ReportLine:
        """Starts a report. `GET /v1/reports/{id}` answers 202 until it is there."""
        entry = await desk.start(order.cluster_id, order.language, order.user or user_id)
        response.headers["Location"] = f"/v1/reports/{entry.start.id}"
        return _line(entry)

    @router.get("")
    async def listing(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cluster: Annotated[str | None, Query(max_length=253)] = None,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> ReportPage:
        """Reports, newest first; `next_cursor` leads to the next page."""
        try:
            found = await desk.store.page(limit + 1, cluster, cursor)
        except UnknownReport as error:
            raise HTTPException(400, f"{cursor!r} is no cursor of this listing") from error
        shown = found[:limit]
        return ReportPage(
            reports=[_line(entry) for entry in shown],
            next_cursor=shown[-1].start.id if len(found) > limit else None,
        )

    @router.get("/{report_id}/charts/{name}.{format}", response_class=Response)
    async def chart(report_id: str, name: str, format: Literal["svg", "png"]) -> Response:
        """One chart as a picture of its own: nodes, consumers, sizing, scores."""
        report = _ready(await _entry(desk, report_id))
        data = await asyncio.to_thread(draw, report, name, format) if name in CHARTS else None
        if data is None:
            raise HTTPException(404, f"the report has no chart {name!r}; there may be: {', '.join(CHARTS)}")
        return Response(data, media_type=_PICTURES[format])

    @router.get("/{report_id}", response_class=Response, responses={202: {"model": ReportLine}})
    async def show(report_id: str, accept: Annotated[str | None, Header()] = None) -> Response:
        """One report, as `Accept` or the ending `.html`, `.md` or `.json` says; JSON by default."""
        name, _, ending = report_id.rpartition(".")
        form: Form | None = next((form for form in _BY_TYPE.values() if name and ending == form), None)
        entry = await _entry(desk, name if form else report_id)
        if entry.status == "running":
            return JSONResponse(_line(entry).model_dump(mode="json"), 202, headers={"Retry-After": "2"})
        return await _rendered(_ready(entry), form or _accepted(accept))

    return router


async def _entry(desk: Reports, id: str) -> Entry:
    try:
        return await desk.store.entry(id)
    except UnknownReport as error:
        raise HTTPException(404, f"there is no report {id!r}") from error


def _ready(entry: Entry) -> Report:
    if entry.report is None:
        raise HTTPException(409, f"the report {entry.start.id} is {entry.status}: {entry.reason or 'try again later'}")
    return entry.report


async def _rendered(report: Report, form: Form) -> Response:
    common = {"X-Content-Type-Options": "nosniff", "Vary": "Accept"}
    if form == "html":
        html = await asyncio.to_thread(to_html, report)
        return HTMLResponse(html, headers={**common, "Content-Security-Policy": POLICY})
    if form == "md":
        return PlainTextResponse(to_markdown(report), media_type="text/markdown", headers=common)
    return JSONResponse(report.model_dump(mode="json"), headers=common)


def _accepted(accept: str | None) -> Form:
    """The first known type of the header, in the order of its weights."""
    weighted: list[tuple[float, int, Form]] = []
    for place, part in enumerate((accept or "").split(",")):
        type, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p.partition("=")[2] for p in parameters if p.startswith("q=")), "1")
        if type in _BY_TYPE and weight.replace(".", "", 1).isdigit():
            weighted.append((-float(weight), place, _BY_TYPE[type]))
    return min(weighted)[2] if weighted else "json"


def _line(entry: Entry) -> ReportLine:
    start = entry.start
    return ReportLine(
        id=start.id,
        status=entry.status,
        cluster=entry.cluster,
        language=start.language,
        score=entry.score,
        created_at=start.created_at,
        user=start.user,
        schedule=start.schedule,
        request_id=start.request_id,
        reason=entry.reason,
    )
