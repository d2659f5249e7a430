"""A small executor whose behaviour the instruction names, and a service around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.utils.errors import InvalidParamsError
from fastapi import FastAPI

from agents.runtime import wire
from agents.runtime.cards import load_card
from agents.runtime.context import caller_of
from agents.runtime.findings import FINDING_EXTENSION, Finding
from agents.runtime.service import build_app
from agents.runtime.settings import Settings
from agents.runtime.worker import retire

V1 = {"A2A-Version": "1.0"}


class Scripted(AgentExecutor):
    """`ask` asks once, `wait` works until `go` is set, `fail` raises, `chunks` streams, `reply` answers without a task,
    `tool` calls a slow tool, `refuse` raises a protocol error, anything else is echoed."""

    def __init__(self) -> None:
        self.runs = 0
        self.go = asyncio.Event()
        self.tool_cancelled = asyncio.Event()
        self.working = asyncio.Event()
        self.users: list[str] = []

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        self.runs += 1
        assert context.message is not None
        caller = caller_of(context.call_context)
        self.users.append(caller.user)
        instruction, subtask = wire.read_instruction(context.message)
        task = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        word = instruction.split()[0] if instruction.strip() else ""
        if word == "reply":
            return await event_queue.enqueue_event(wire.agent_message([wire.text_part("just words")]))
        if word == "refuse":
            raise InvalidParamsError(message="not like this")
        await task.start_work()
        self.working.set()
        if word == "ask" and len(context.current_task.history if context.current_task else []) <= 1:
            return await task.requires_input(task.new_agent_message([wire.text_part("Which namespace?")]))
        if word == "fail":
            raise RuntimeError("the disk is full")
        if word == "wait":
            await self.go.wait()
        if word == "tool":
            await self._slow_tool(task)
        if word == "chunks":
            for number in range(5):
                part = wire.text_part(f"{number} ")
                await task.add_artifact([part], artifact_id=wire.ANSWER, append=number > 0)
        else:
            artifact = wire.answer_artifact(f"echo: {instruction}")
            await task.add_artifact(list(artifact.parts), artifact_id=artifact.artifact_id)
        if FINDING_EXTENSION in caller.extensions:
            finding = Finding(specialist="metrics", language=subtask.language, text="found", facts={"n": 2**60})
            parts = list(wire.finding_artifact(finding).parts)
            await task.add_artifact(parts, artifact_id=wire.FINDING)
        await task.complete()
        return None

    async def _slow_tool(self, task: TaskUpdater) -> None:
        call = wire.tool_call_part(wire.ToolCallNote("c1", "top_resources", {"limit": 3}))
        await task.update_status(2, task.new_agent_message([call, wire.text_part("reading metrics")]))
        try:
            await asyncio.wait_for(self.go.wait(), 30)
        except asyncio.CancelledError:
            self.tool_cancelled.set()
            raise
        result = wire.tool_result_part(wire.ToolResultNote("c1", "top_resources", {"rows": 3}))
        await task.update_status(2, task.new_agent_message([result]))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def settings_in(folder: Path, **server: Any) -> Settings:
    return Settings.model_validate({"store": {"folder": folder}, "server": {"shutdown_grace_seconds": 0.2, **server}})


def app_of(executor: AgentExecutor, settings: Settings, **options: Any) -> FastAPI:
    return build_app(load_card("metrics", settings), executor, settings, name="metrics", **options)


@asynccontextmanager
async def http_to(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The service in this process, started and stopped as a server would."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081", timeout=10) as http:
            yield http


def message(text: str, message_id: str = "m1", **ids: str) -> dict[str, Any]:
    return {"message": {"messageId": message_id, "role": "ROLE_USER", "parts": [{"text": text}], **ids}}


def rpc(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


async def call(http: httpx.AsyncClient, method: str, params: dict[str, Any], **headers: str) -> dict[str, Any]:
    """One 1.0 JSON-RPC call; the whole response."""
    response = await http.post("/", json=rpc(method, params), headers={**V1, **headers})
    assert response.status_code == 200, response.text
    return response.json()


async def task_of(http: httpx.AsyncClient, text: str, message_id: str = "m1", **ids: str) -> dict[str, Any]:
    return (await call(http, "SendMessage", message(text, message_id, **ids)))["result"]["task"]


async def started(http: httpx.AsyncClient, text: str, message_id: str = "m1", **headers: str) -> dict[str, Any]:
    """Starts a task and does not wait for its end."""
    params = {**message(text, message_id), "configuration": {"returnImmediately": True}}
    return (await call(http, "SendMessage", params, **headers))["result"]["task"]


async def die(app: FastAPI) -> None:
    """What others see when the process of a service is killed: it is not heard of again, and is known to be gone."""
    live, store = app.state.tasks.live, app.state.tasks.live._store
    if live._tending is not None:
        live._tending.cancel()
    await store.flush()
    retire(store.worker)
