"""Says no at the door: a message that would begin a task is answered 429 with Retry-After when there is no room.

Nothing is stored for it, so refusing costs next to nothing, which is the point of it. Messages of tasks that exist,
such as answers to a question, always come in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.runtime.context import CallerContextBuilder, caller_of

MESSAGES = frozenset({"SendMessage", "SendStreamingMessage", "message/send", "message/stream"})
REST_MESSAGES = ("/message:send", "/message:stream")
INTERNAL_ERROR = -32603
"""JSON-RPC has no word for "later"; the HTTP status says it."""


class Overloaded(RuntimeError):
    """Nothing more is taken on for now; `retry_after` is in seconds."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(f"{reason}; ask again in {retry_after} s")
        self.retry_after = retry_after


Admit = Callable[[str], Awaitable[None]]
"""Returns when there is room for a new task of the user. Raises Overloaded."""


async def refusal(request: Request, admit: Admit) -> Response | None:
    """The answer to a message for which there is no room; None for everything else."""
    try:
        await admit(caller_of(CallerContextBuilder().build(request)).user)
    except Overloaded as error:
        return _answer(error, request.url.path.endswith(REST_MESSAGES), _json(await request.body()))
    return None


def _answer(error: Overloaded, rest: bool, body: dict[str, Any]) -> Response | None:
    if not rest and body.get("method") not in MESSAGES:
        return None
    if not _begins(body if rest else body.get("params")):
        return None
    headers = {"Retry-After": str(error.retry_after)}
    if rest:
        content: dict[str, Any] = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": str(error)}
        return JSONResponse({"error": content}, 429, headers)
    failure = {"code": INTERNAL_ERROR, "message": str(error)}
    return JSONResponse({"jsonrpc": "2.0", "id": body.get("id"), "error": failure}, 429, headers)


class AtTheDoor:
    """The same for routes that are an ASGI application of their own."""

    def __init__(self, app: ASGIApp, admit: Admit) -> None:
        self._app, self._admit = app, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(REST_MESSAGES):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if (response := await refusal(request, self._admit)) is not None:
            await response(scope, receive, send)
            return
        await self._app(scope, _again(await request.body(), receive), send)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that has been read, for whoever reads it next."""
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _json(body: bytes) -> dict[str, Any]:
    """What is no JSON object is told so by others."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _begins(params: Any) -> bool:
    message = params.get("message") if isinstance(params, dict) else None
    return isinstance(message, dict) and not (message.get("taskId") or message.get("task_id"))
