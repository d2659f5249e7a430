"""An OpenAI-compatible model server that says what it is told to, on loopback, in a thread of its own.

    with ModelServer(latency=0.05) as server:
        server.will_say(calls(("list_pods", {"namespace": "shop"})), text("All is well."))
        settings = server.settings()

Replies are used up in their order; `server.always(reply)` repeats one, and `server.decide(function)` asks a function
of the request's JSON. `server.requests` keeps what was asked.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from agents.runtime.settings import ModelSettings


@dataclass(frozen=True)
class Reply:
    """One answer of the model, or one failure of the server."""

    content: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()
    """Name and arguments, as the text that the model wrote."""
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_seconds: float = 0.0
    usage: tuple[int, int] = (100, 20)
    finish_reason: str | None = None
    thoughts: str = ""
    """What a reasoning model lets one read of its thinking."""
    breaks_off: bool = False
    """A stream that ends in the middle."""


def text(content: str, *, usage: tuple[int, int] = (100, 20), finish_reason: str | None = None) -> Reply:
    """The model answers."""
    return Reply(content=content, usage=usage, finish_reason=finish_reason)


def calls(*tool_calls: tuple[str, dict[str, Any] | str], usage: tuple[int, int] = (100, 20)) -> Reply:
    """The model calls tools, in parallel. Arguments given as text are sent as they are."""
    written = ((name, args if isinstance(args, str) else json.dumps(args)) for name, args in tool_calls)
    return Reply(tool_calls=tuple(written), usage=usage)


def failure(status: int, message: str = "no", code: str = "", **headers: str) -> Reply:
    """The server fails; `Retry_After="1"` becomes the header Retry-After."""
    body = {"error": {"message": message, "type": "error", "code": code}}
    return Reply(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def rate_limited(retry_after: str = "0") -> Reply:
    """Too many requests."""
    return failure(429, "slow down", "rate_limit_exceeded", Retry_After=retry_after)


def context_overflow() -> Reply:
    """The conversation is longer than the model can read."""
    words = "This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens."
    return failure(400, words, "context_length_exceeded")


def hang(seconds: float = 30) -> Reply:
    """The server takes the request and stays silent."""
    return Reply(content="too late", hang_seconds=seconds)


class ModelServer:
    """The server; a context manager. `latency` is the seconds every reply takes."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        """Of each request, by lower-case name."""
        self._script: Iterator[Reply] = iter(())
        self._decide: Callable[[dict[str, Any]], Reply] = self._next
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(self._app(), log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    def settings(self, **changes: Any) -> ModelSettings:
        """Settings that lead here, with little patience."""
        values: dict[str, Any] = {"name": "openai/test-model", "base_url": self.base_url, "api_key": "sk-test"}
        return ModelSettings(**(values | {"timeout_seconds": 5, "retries": 1} | changes))

    def will_say(self, *replies: Reply) -> None:
        """Scripts the next replies; a request beyond the script is a server error."""
        self._script, self._decide = iter(replies), self._next

    def always(self, reply: Reply) -> None:
        """The same reply to every request."""
        self._decide = lambda _: reply

    def decide(self, function: Callable[[dict[str, Any]], Reply]) -> None:
        """Asks `function` about every request."""
        self._decide = function

    def _next(self, _: dict[str, Any]) -> Reply:
        return next(self._script, failure(500, "the script has no more replies"))

    def __enter__(self) -> ModelServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/chat/completions")
        async def complete(request: Request) -> Any:
            asked = await request.json()
            self.requests.append(asked)
            self.headers.append(dict(request.headers))
            reply = self._decide(asked)
            await asyncio.sleep(self.latency + reply.hang_seconds)
            if isinstance(reply.body, bytes):
                return Response(reply.body, reply.status, reply.headers, "application/json")
            if reply.body is not None:
                return JSONResponse(reply.body, status_code=reply.status, headers=reply.headers)
            if asked.get("stream"):
                return StreamingResponse(_chunks(reply), media_type="text/event-stream")
            return JSONResponse(_completion(reply), headers=reply.headers)

        return app


def _completion(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(reply)
    if reply.thoughts:
        message["reasoning_content"] = reply.thoughts
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "test-model"}
    return {**head, "choices": [choice], "usage": _usage(reply)}


def _tool_calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": n,
            "id": f"call_{n}_{time.monotonic_ns()}",
            "type": "function",
            "function": {"name": k, "arguments": v},
        }
        for n, (k, v) in enumerate(reply.tool_calls)
    ]


def _usage(reply: Reply) -> dict[str, int]:
    into, out = reply.usage
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _finish(reply: Reply) -> str:
    return reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


async def _chunks(reply: Reply) -> AsyncIterator[str]:
    words = (reply.content or "").split(" ")
    deltas: list[dict[str, Any]] = [{"content": w if n == 0 else f" {w}"} for n, w in enumerate(words) if w]
    if reply.tool_calls:
        deltas.append({"tool_calls": _tool_calls(reply)})
    for number, delta in enumerate(deltas):
        if reply.breaks_off and number:
            raise ConnectionResetError("the server breaks off, as the test asks")
        yield _event({"choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]})
    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}]})
    yield _event({"choices": [], "usage": _usage(reply)})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "test-model"}
    return f"data: {json.dumps({**head, **data})}\n\n"
