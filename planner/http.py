"""The HTTP endpoint: ask, watch, reply, cancel. Errors are problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request as HttpRequest
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException as StarletteHTTPException

from agents.runtime.admission import Overloaded
from agents.runtime.context import CallerContextBuilder
from agents.runtime.database import passing
from agents.runtime.event_stream import EventStream, sse
from agents.runtime.findings import Language
from planner.answer import RequestView
from planner.decisions import Decisions, WrongDecision
from planner.request import MAX_QUESTION, new_request
from planner.store import UnknownRequest
from planner.supervisor import NotWaiting, Supervisor, UnclearReply

MAX_BODY = 256 * 1024
"""Bytes of a request body."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION)]
UserId = Annotated[str | None, Header(alias="X-User-Id", max_length=200)]


class Ask(BaseModel):
    """A question to the team."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "Orders fail since this morning. What is wrong?"}]}
    )

    question: Text
    language: Language | None = None
    """Default: the question's own language."""
    cluster_id: str | None = Field(None, max_length=253)
    user: str | None = Field(None, max_length=200)


class Reply(BaseModel):
    """The answer to a clarification."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class Asked(BaseModel):
    """A request that has been taken on."""

    id: str
    status: str


class Resumed(Asked):
    """A request that goes on."""

    last_event: int
    """What was known before: its events go on after this number."""


class RequestLine(BaseModel):
    """A request in a listing."""

    id: str
    status: str
    question: str
    language: str
    cluster_id: str | None
    user: str
    source: str
    created_at: str
    seconds: float


class RequestPage(BaseModel):
    """Requests, newest first."""

    requests: list[RequestLine]
    next_cursor: str | None


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemRoute(APIRoute):
    """Bounds the body's size and turns errors of this router into problem details, whatever app it is part of."""

    def get_route_handler(self) -> Any:
        handler = super().get_route_handler()

        async def handle(http: HttpRequest) -> Response:
            try:
                await _bounded(http)
                return await handler(http)
            except Overloaded as error:
                return problem(429, str(error), {"Retry-After": str(error.retry_after)})
            except (DBAPIError, OSError) as error:
                if not passing(error):
                    raise
                return problem(503, "the store does not answer; ask again in a moment", {"Retry-After": "2"})
            except StarletteHTTPException as error:
                return problem(error.status_code, str(error.detail), error.headers)
            except RequestValidationError as error:
                return problem(422, "; ".join(_words(item) for item in error.errors()))

        return handle


def _words(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"] if part != "body")
    return f"{where}: {item['msg']}" if where else str(item["msg"])


async def _bounded(http: HttpRequest) -> None:
    length = http.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise HTTPException(413, f"the body may have at most {MAX_BODY} bytes")
    if "transfer-encoding" in http.headers:
        raise HTTPException(411, "the body needs a Content-Length")


def named_user(http: HttpRequest) -> str:
    """Whom the authentication vouches for, else who `X-User-Id` says it is."""
    return CallerContextBuilder().build(http).user.user_name


def problem(code: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error for people and programs."""
    titles = {
        403: "Forbidden",
        502: "Bad Gateway",
        404: "Not Found",
        409: "Conflict",
        413: "Content Too Large",
        429: "Too Many Requests",
        503: "Service Unavailable",
        422: "Invalid Request",
        400: "Bad Request",
    }
    body = Problem(title=titles.get(code, "Error"), status=code, detail=detail)
    return JSONResponse(body.model_dump(), code, headers, media_type="application/problem+json")


def build_router(supervisor: Supervisor) -> APIRouter:
    """The routes under /v1/requests."""
    wrong: dict[int | str, dict[str, Any]] = {404: {"model": Problem}, 422: {"model": Problem}}
    router = APIRouter(prefix="/v1/requests", tags=["requests"], route_class=ProblemRoute, responses=wrong)

    @router.post("", status_code=status.HTTP_202_ACCEPTED)
    async def ask(body: Ask, response: Response, user_id: UserId = None) -> Asked:
        """Asks the team. The answer comes by `GET /v1/requests/{id}` or its events."""
        request = new_request(
            body.question, language=body.language, cluster_id=body.cluster_id, user=body.user or user_id
        )
        await supervisor.submit(request)
        response.headers["Location"] = f"/v1/requests/{request.id}"
        return Asked(id=request.id, status=request.status)

    @router.get("")
    async def listing(
        limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Annotated[str | None, Query(max_length=100)] = None
    ) -> RequestPage:
        """Requests, newest first; `next_cursor` leads to the next page."""
        try:
            page = await supervisor.requests(limit, cursor)
        except ValueError as error:
            raise HTTPException(400, f"{cursor!r} is no cursor of this listing") from error
        lines = [
            RequestLine(**r.model_dump(include=_LISTED), created_at=r.created_at.isoformat(), seconds=r.seconds())
            for r in page.requests
        ]
        return RequestPage(requests=lines, next_cursor=page.next_cursor)

    @router.get("/{request_id}")
    async def show(request_id: str) -> RequestView:
        """One request with everything that is known of it."""
        try:
            return await supervisor.view(request_id)
        except UnknownRequest as error:
            raise _unknown(request_id) from error

    @router.get("/{request_id}/events", response_class=EventStream)
    async def watch(
        request_id: str, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
    ) -> EventStream:
        """Server-sent events from the beginning, or after `Last-Event-ID`; ends when the request ends."""
        try:
            await supervisor.desk.store.last_event(request_id)
        except UnknownRequest as error:
            raise _unknown(request_id) from error
        if last_event_id and not last_event_id.isdecimal():
            raise HTTPException(400, f"Last-Event-ID {last_event_id!r} is not a number")
        return EventStream(_stream(supervisor, request_id, int(last_event_id or 0)))

    @router.post("/{request_id}/reply", status_code=status.HTTP_202_ACCEPTED, responses={409: {"model": Problem}})
    async def reply(request_id: str, body: Reply) -> Resumed:
        """Answers the question that a request waits with."""
        try:
            known = await supervisor.desk.store.last_event(request_id)
            request = await supervisor.reply(request_id, body.text)
        except UnknownRequest as error:
            raise _unknown(request_id) from error
        except NotWaiting as error:
            raise HTTPException(409, str(error)) from error
        except UnclearReply as error:
            raise HTTPException(422, str(error)) from error
        return Resumed(id=request.id, status=request.status, last_event=known)

    @router.post(
        "/{request_id}/approvals",
        status_code=status.HTTP_202_ACCEPTED,
        responses={403: {"model": Problem}, 409: {"model": Problem}},
    )
    async def approvals(request_id: str, body: Decisions, http: HttpRequest) -> Resumed:
        """Approves or rejects proposed Actions, in the name of the user. The same decision again changes nothing."""
        try:
            known = await supervisor.desk.store.last_event(request_id)
            request = await supervisor.decide(request_id, body, named_user(http))
        except UnknownRequest as error:
            raise _unknown(request_id) from error
        except WrongDecision as error:
            raise HTTPException(error.code, str(error)) from error
        return Resumed(id=request.id, status=request.status, last_event=known)

    @router.delete("/{request_id}")
    async def cancel(request_id: str) -> Asked:
        """Cancels a request, its subtasks at the members too. One that has ended stays as it is."""
        try:
            request = await supervisor.cancel(request_id)
        except UnknownRequest as error:
            raise _unknown(request_id) from error
        return Asked(id=request.id, status=request.status)

    return router


_LISTED = {"id", "status", "question", "language", "cluster_id", "user", "source"}


async def _stream(supervisor: Supervisor, request_id: str, after: int) -> AsyncGenerator[bytes]:
    async with aclosing(supervisor.desk.watch.news(request_id, after)) as news:
        async for batch in news:
            if batch:  # in one piece: each goes through the whole application
                yield b"".join(sse(event.data, event=event.type, id=str(event.number)) for event in batch)


def _unknown(request_id: str) -> HTTPException:
    return HTTPException(404, f"there is no request {request_id!r}")
