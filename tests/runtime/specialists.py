"""A small specialist and a client to it, in one process: what the tests of a turn stand on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    SendMessageRequest,
    Task,
)
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from agents.runtime.definition import AgentDefinition, ToolCall, Turn
from agents.runtime.findings import FINDING_EXTENSION, Finding, SubtaskInput
from agents.runtime.settings import LimitSettings, ModelSettings, Settings
from agents.runtime.specialist import SpecialistExecutor
from agents.runtime.wire import instruction_message

READ = ToolAnnotations(read_only_hint=True)


class Cluster:
    """Two tools that can be slow, fail, and tell how they were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cancelled: list[str] = []
        self.seconds = 0.0
        self.overlap = 0
        self._running = 0
        self.busy = asyncio.Event()
        """Set while both tools run."""

    def server(self, settings: Settings) -> MCPServer:
        server = MCPServer("weather")

        @server.tool(annotations=READ)
        async def list_pods(namespace: str, cluster_id: str | None = None) -> dict[str, Any]:
            """Lists pods."""
            await self._work("list_pods")
            return {"pods": [f"{namespace}/web-1", f"{namespace}/web-2"], "cluster": cluster_id}

        @server.tool(annotations=READ)
        async def list_events(namespace: str) -> dict[str, Any]:
            """Lists events."""
            await self._work("list_events")
            if namespace == "forbidden":
                raise ToolError("events may not be listed in forbidden")
            return {"events": ["OOMKilled web-1"]}

        @server.tool(annotations=READ)
        async def crash() -> str:
            """Always fails."""
            raise RuntimeError("a secret detail")

        return server

    async def _work(self, name: str) -> None:
        self.calls.append(name)
        self._running += 1
        self.overlap = max(self.overlap, self._running)
        if self._running == 2:
            self.busy.set()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        finally:
            self._running -= 1


def runbook(turn: Turn) -> Sequence[ToolCall]:
    namespace = turn.subtask.inputs.get("namespace", "shop")
    return [ToolCall("list_pods", {"namespace": namespace}), ToolCall("list_events", {"namespace": namespace})]


def compose(turn: Turn) -> Finding:
    facts = {result.name: result.content for result in turn.results if result.error is None}
    events = facts.get("list_events", {}).get("events", [])
    words = {"en": "The runbook saw: {}", "zh": "运行手册看到:{}"}[turn.subtask.language]
    return Finding(
        specialist="weather",
        language=turn.subtask.language,
        text=words.format(", ".join(events) or "-"),
        facts=facts,
        missing=[result.error for result in turn.results if result.error],
    )


def definition(cluster: Cluster, **changes: Any) -> AgentDefinition:
    values: dict[str, Any] = {
        "name": "weather",
        "tools": cluster.server,
        "runbook": runbook,
        "compose": compose,
        "instruction": "You look at {pods} and {{braces}}.",
    }
    return AgentDefinition(**(values | changes))


def settings(model: ModelSettings | None = None, **limits: Any) -> Settings:
    return Settings(model=model or ModelSettings(), limits=LimitSettings(**limits))


class Client:
    """Talks to one specialist over the SDK's own request handler."""

    def __init__(self, handler: DefaultRequestHandler) -> None:
        self.handler = handler
        self.events: list[Any] = []
        self.begun = asyncio.Event()
        """Set with the first event."""

    def _context(self, finding: bool) -> ServerCallContext:
        return ServerCallContext(requested_extensions={FINDING_EXTENSION} if finding else set())

    async def send(self, message: Message, *, finding: bool = True) -> Task:
        """Sends a message and follows the task to its end."""
        request = SendMessageRequest(message=message)
        task_id = ""
        async for event in self.handler.on_message_send_stream(request, self._context(finding)):
            self.events.append(event)
            self.begun.set()
            task_id = getattr(event, "task_id", "") or getattr(event, "id", "") or task_id
        return await self.task(task_id)

    async def ask(self, question: str, *, finding: bool = True, **subtask: Any) -> Task:
        message = instruction_message(question, SubtaskInput(question=question, **subtask))
        message.message_id = str(uuid.uuid4())
        return await self.send(message, finding=finding)

    async def task(self, task_id: str) -> Task:
        found = await self.handler.on_get_task(GetTaskRequest(id=task_id), self._context(True))
        assert found is not None
        return found

    async def cancel(self, task_id: str) -> Task | None:
        return await self.handler.on_cancel_task(CancelTaskRequest(id=task_id), self._context(True))


@asynccontextmanager
async def specialist(agent: AgentDefinition, config: Settings) -> AsyncIterator[Client]:
    executor = SpecialistExecutor(agent, config, agent.tools(config))
    card = AgentCard(name=agent.name, capabilities=AgentCapabilities(streaming=True))
    handler = DefaultRequestHandler(agent_executor=executor, task_store=InMemoryTaskStore(), agent_card=card)
    async with executor.lifespan():
        try:
            yield Client(handler)
        finally:
            await handler.aclose()
