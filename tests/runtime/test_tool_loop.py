"""The agent of a specialist's turn is an ADK agent: ADK's Runner runs it, over several turns of a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from mcp.server.mcpserver import MCPServer

from agents.runtime.tool_loop import ToolLoop
from agents.runtime.tools import Journal, in_process_tools, turn_tools


class Looks(BaseLlm):
    """Calls the tool, then says what it heard."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        last = (llm_request.contents[-1].parts or [types.Part()])[-1]
        if last.function_response is None:
            part = types.Part(function_call=types.FunctionCall(name="names", args={}))
        else:
            part = types.Part(text=f"heard {last.function_response.response}")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def test_adks_runner_runs_it():
    server = MCPServer("t")

    @server.tool()
    def names() -> list[str]:
        """Lists names."""
        return ["a", "b"]

    tools = turn_tools(await in_process_tools(server), Journal())
    runner = InMemoryRunner(agent=ToolLoop(name="loop", model=Looks(model="looks"), instruction="Look.", tools=tools))
    session = await runner.session_service.create_session(app_name=runner.app_name, user_id="ann")
    ids: list[str] = []
    for _ in range(2):
        asked = types.Content(role="user", parts=[types.Part(text="Who is there?")])
        events = [event async for event in runner.run_async(user_id="ann", session_id=session.id, new_message=asked)]
        ids += [event.id for event in events]
        kinds = [(bool(e.get_function_calls()), bool(e.get_function_responses())) for e in events]
        assert kinds == [(True, False), (False, True), (False, False)]
    assert len(set(ids)) == 6
    kept = await runner.session_service.get_session(app_name=runner.app_name, user_id="ann", session_id=session.id)
    assert kept is not None
    assert len(kept.events) == 8
