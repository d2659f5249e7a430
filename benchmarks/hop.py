"""One A2A hop to an agent that answers at once, with a durable store: our service, and the SDK with its own store.

    python -m benchmarks.hop

Each is one process on SQLite; JSON-RPC `SendMessage` on loopback, one at a time and 16 at once.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from a2a.helpers import new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from fastapi import FastAPI

from agents.runtime.cards import load_card
from agents.runtime.serve import run
from agents.runtime.settings import load_settings
from agents.runtime.wire import text_part
from benchmarks.processes import Service, free_ports, started

NAME, ONE_BY_ONE, MANY, AT_ONCE = "metrics", 100, 480, 16


class Echo(AgentExecutor):
    """Works, makes one artifact, completes."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        if context.message is None:
            return
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        task = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        await task.start_work()
        await task.add_artifact([text_part("All is well.", "text/plain")], name="answer", last_chunk=True)
        await task.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def ours() -> FastAPI:
    """The executor in a service of ours."""
    from agents.runtime.service import build_app

    settings = load_settings()
    return build_app(load_card(NAME, settings), Echo(), settings, name=NAME)


def sdk() -> FastAPI:
    """The executor in the SDK's own parts."""
    from a2a.server.request_handlers import DefaultRequestHandler
    from a2a.server.routes import create_jsonrpc_routes
    from a2a.server.tasks import DatabaseTaskStore
    from sqlalchemy.ext.asyncio import create_async_engine

    settings = load_settings()
    engine = create_async_engine(f"sqlite+aiosqlite:///{settings.store.folder}/sdk.db")
    handler = DefaultRequestHandler(Echo(), DatabaseTaskStore(engine), load_card(NAME, settings))
    app = FastAPI()
    app.router.routes.extend(create_jsonrpc_routes(handler, rpc_url="/"))
    return app


async def measure(service: Service) -> tuple[float, float, float]:
    """Median ms one at a time, requests a second at 16 at once, and CPU ms per request then."""
    async with httpx.AsyncClient(base_url=service.url, timeout=60, headers={"A2A-Version": "1.0"}) as http:
        for _ in range(20):
            await _send(http)
        times = [await _send(http) for _ in range(ONE_BY_ONE)]
        began, spent = time.perf_counter(), service.cpu_seconds

        async def one_after_the_other() -> None:
            for _ in range(MANY // AT_ONCE):
                await _send(http)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
        seconds = time.perf_counter() - began
        return statistics.median(times) * 1000, MANY / seconds, (service.cpu_seconds - spent) * 1000 / MANY


async def _send(http: httpx.AsyncClient) -> float:
    message = {"messageId": uuid.uuid4().hex, "role": "ROLE_USER", "parts": [{"text": "How is it?"}]}
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    began = time.perf_counter()
    answer = (await http.post("/", json=body)).json()
    if answer.get("result", {}).get("task", {}).get("status", {}).get("state") != "TASK_STATE_COMPLETED":
        raise RuntimeError(f"the task did not complete: {json.dumps(answer)[:500]}")
    return time.perf_counter() - began


async def main() -> None:
    print(f"| {'hop':8} | median ms | requests/s at {AT_ONCE} | CPU ms per request |")
    print(f"|{'-' * 10}|----------:|-----------------:|-------------------:|")
    for kind in ("ours", "sdk"):
        [port] = free_ports(1)
        with tempfile.TemporaryDirectory(prefix="kubeteam-hop-") as folder:
            env = {"KUBETEAM_STORE__FOLDER": folder}
            commands, ports = {kind: ["benchmarks.hop", kind, str(port)]}, {kind: port}
            async with started(commands, ports, Path(folder), env=env, ready="/openapi.json") as services:
                median, rate, cpu = await measure(services[kind])
                print(f"| {kind:8} | {median:9.1f} | {rate:16.0f} | {cpu:18.1f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run([({"ours": ours, "sdk": sdk}[sys.argv[1]](), "127.0.0.1", int(sys.argv[2]))])
    else:
        asyncio.run(main())
