"""A stand-in for the REST API of kagent's controller: it keeps what agents tell it; it can be slow or unwilling."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

TOKEN = "projected-token-1"


@dataclass
class FakeController:
    """`status` is what it answers to everything instead of doing it; `seconds` how long it takes."""

    token: str | None = None
    """With one, it lets nobody in without it."""
    status: int | None = None
    seconds: float = 0.0
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of all tasks that arrived, in order, with the answer's status under `_status`."""
    calls: list[str] = field(default_factory=list)
    """Paths in the order of arrival."""
    agents: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/api/tasks")
        async def create_task(request: Request) -> JSONResponse:
            body = await request.json()
            status = await self._admit(request) or self._keep_task(body, request.headers["x-user-id"])
            self.posts.append({**body, "_status": status})
            return self._answer(status, body)

        @app.post("/api/sessions")
        async def create_session(request: Request, user_id: str) -> JSONResponse:
            body = await request.json()
            status = await self._admit(request)
            if status is None:
                status = 409 if body["id"] in self.sessions else 201
                self.sessions.setdefault(body["id"], {**body, "user_id": user_id})
            return self._answer(status, body)

        return app

    async def _admit(self, request: Request) -> int | None:
        self.calls.append(request.url.path)
        await asyncio.sleep(self.seconds)
        self.agents.add(request.headers["x-agent-name"])
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return 401
        return self.status

    def _keep_task(self, body: dict[str, Any], user: str) -> int:
        if self.owners.setdefault(body["id"], user) != user:
            return 409
        self.tasks[body["id"]] = body
        return 201

    def _answer(self, status: int, body: dict[str, Any]) -> JSONResponse:
        self.changed.set()
        return JSONResponse({"error": status >= 400, "data": body, "message": "as told"}, status)

    async def until(self, ready: Any, seconds: float = 10) -> None:
        """Waits until something that arrived makes `ready()` true."""
        async with asyncio.timeout(seconds):
            while not ready():
                self.changed.clear()
                await self.changed.wait()

    def state(self, task_id: str) -> str | None:
        """The last state of a task that it keeps."""
        return self.tasks[task_id]["status"]["state"] if task_id in self.tasks else None
