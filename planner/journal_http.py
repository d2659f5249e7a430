"""`GET /v1/journal`: the journal of changes, which the executor writes and keeps."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from planner.http import Problem, ProblemRoute
from planner.proposals import EXECUTOR
from planner.team import ToolUnavailable
from planner.truth import Tools


class JournalEntry(BaseModel):
    """One line; `hash` covers everything else in it, `previous` included."""

    seq: int
    at: str
    event: str
    subject: str
    data: dict[str, Any]
    previous: str
    hash: str


class Verification(BaseModel):
    """Whether the chain holds; `entries` is how many do, `head` the hash of the last of them."""

    ok: bool
    entries: int
    head: str
    problem: str | None = None


class JournalPage(BaseModel):
    """Entries in order; `next_after` leads to the next page."""

    entries: list[JournalEntry]
    count: int
    next_after: int | None
    verified: Verification | None = None


def journal_router(tools: Tools) -> APIRouter:
    """The route, over the executor's own tool."""
    unreachable: dict[int | str, dict[str, Any]] = {502: {"model": Problem}, 422: {"model": Problem}}
    router = APIRouter(prefix="/v1/journal", tags=["journal"], route_class=ProblemRoute, responses=unreachable)

    @router.get("")
    async def read(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        proposal: Annotated[str | None, Query(max_length=200)] = None,
        verify: bool = False,
    ) -> JournalPage:
        """Who asked, decided and applied what, and what was seen afterwards; `verify` checks the chain of hashes."""
        asked = {"after": after, "limit": limit, "verify": verify} | ({"subject": proposal} if proposal else {})
        try:
            found = await tools.call_tool(EXECUTOR, "read_journal", asked)
        except ToolUnavailable as error:
            raise HTTPException(502, str(error)) from error
        entries = found["entries"]
        more = entries[-1]["seq"] if len(entries) == limit else None
        return JournalPage(**found, next_after=more)

    return router
