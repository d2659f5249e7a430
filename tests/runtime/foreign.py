"""Agents that are not ours, built directly on a2a-sdk: one speaks 1.0, one only 0.3."""

from __future__ import annotations

from a2a.helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Foreign(AgentExecutor):
    """Answers in two chunks; asks once when told `ask`; never saw a Finding."""

    def __init__(self) -> None:
        self.parts_seen: list[int] = []

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        self.parts_seen.append(len(context.message.parts))
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        task = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        await task.start_work(task.new_agent_message([new_text_part("thinking")]))
        if context.get_user_input() == "ask" and context.current_task is None:
            return await task.requires_input(task.new_agent_message([new_text_part("which one?")]))
        if context.get_user_input() == "nothing":
            return await task.complete()
        await task.add_artifact([new_text_part("foreign ")], artifact_id="x")
        await task.add_artifact([new_text_part("answer")], artifact_id="x", append=True, last_chunk=True)
        await task.complete()
        return None

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def stranger_card(url: str, binding: str, *, streaming: bool = True) -> AgentCard:
    """The card of somebody's agent that is reached in one way."""
    return AgentCard(
        name="stranger",
        description="answers",
        version="1",
        supported_interfaces=[AgentInterface(url=url, protocol_binding=binding, protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="s", name="s", description="s", tags=["t"])],
    )


def foreign_app(port: int, version: str, executor: AgentExecutor, *, streaming: bool = True) -> Starlette:
    """An SDK server. For 0.3 its card is written by hand, as old servers write it."""
    card = stranger_card(f"http://localhost:{port}/a2a", "JSONRPC", streaming=streaming)
    handler = DefaultRequestHandler(agent_executor=executor, task_store=InMemoryTaskStore(), agent_card=card)
    rpc = create_jsonrpc_routes(handler, "/a2a", enable_v0_3_compat=version == "0.3")
    if version == "1.0":
        return Starlette(routes=[*create_agent_card_routes(card), *rpc])

    async def old_card(request: Request) -> JSONResponse:
        skills = [{"id": "s", "name": "s", "description": "s", "tags": ["t"]}]
        content = {"name": "stranger", "description": "answers", "version": "1", "protocolVersion": "0.3.0"}
        content |= {"url": f"http://localhost:{port}/a2a", "preferredTransport": "JSONRPC", "skills": skills}  # type: ignore[dict-item]
        content |= {"capabilities": {"streaming": streaming}}  # type: ignore[dict-item]
        content |= {"defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"]}  # type: ignore[dict-item]
        return JSONResponse(content)

    return Starlette(routes=[Route("/.well-known/agent-card.json", old_card), *rpc])
