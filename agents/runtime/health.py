"""Health of a service: alive (`/healthz`), able to work (`/readyz`), and its Prometheus metrics (`/metrics`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Response
from mcp.server.mcpserver import MCPServer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.runtime.cards import CARD_PATH

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""None when fine, else what is wrong."""

Refresh = Callable[[], Awaitable[None]]
"""Brings gauges up to date. Never raises, and takes about a second at most."""

CHECK_SECONDS = 5.0


async def nothing_to_refresh() -> None:
    """For services whose metrics are up to date by themselves."""


def health_router(
    checks: Mapping[str, Check], draining: Callable[[], bool], before_scrape: Refresh = nothing_to_refresh
) -> APIRouter:
    """The three endpoints. A service that is shutting down is alive but not ready."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, Any]:
        names = list(checks)
        problems = await asyncio.gather(*(_run(name, checks[name]) for name in names))
        found = {name: problem or "ok" for name, problem in zip(names, problems, strict=True)}
        ready = not any(problems) and not draining()
        response.status_code = 200 if ready else 503
        return {"status": "shutting down" if draining() else "ok" if ready else "not ready", "checks": found}

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        await before_scrape()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _run(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS} s"
    except Exception as error:
        log.warning("the readiness check %s failed", name, exc_info=True)
        return f"{type(error).__name__}: {error}"


def tools_check(tools: MCPServer) -> Check:
    """The MCP server lists at least one tool."""

    async def check() -> str | None:
        return None if await tools.list_tools() else "the MCP server has no tools"

    return check


def a2a_check(app: FastAPI) -> Check:
    """The card is served and the JSON-RPC route answers from the task store."""

    async def check() -> str | None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://readiness") as client:
            card = await client.get(CARD_PATH)
            call = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {"pageSize": 1}}
            headers = {"A2A-Version": "1.0", "X-User-Id": "readiness"}
            answer = await client.post("/", json=call, headers=headers)
        if card.status_code != 200:
            return f"the card answers {card.status_code}"
        return None if "result" in answer.json() else f"ListTasks answers {answer.text[:200]}"

    return check
