"""One service of the team that it is compared with, built of ADK's own parts, as its documentation shows.

    python -m benchmarks.adk_service NAME PORT MODEL_URL [NAME=PORT ...]

`coordinator` has the specialists as AgentTools over RemoteA2aAgent; the others are served by `to_a2a`.
"""

from __future__ import annotations

import sys
import uuid
from typing import Any

import uvicorn
from google.adk.a2a.utils.agent_to_a2a import to_a2a
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.runtime.prompt import system_instruction
from benchmarks.load import get_pod, list_pods, words

APP = "benchmark"
COORDINATOR = """You coordinate a team of specialists that operates Kubernetes. Break the request into subtasks, one
specialist each, and call independent specialists at once. Then write the answer as Markdown, summary first. Use only
what the specialists say: never add causes, numbers, names or times. Name every root cause's resource exactly as
written, why, and since when."""


def main() -> None:
    name, port, model_url, *others = sys.argv[1:]
    model = LiteLlm(model="openai/test-model", api_base=model_url, api_key="none")
    app = _coordinator(model, others) if name == "coordinator" else _specialist(name, int(port), model)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


def _specialist(name: str, port: int, model: LiteLlm) -> Starlette:
    instruction = system_instruction(words(name))
    agent = LlmAgent(
        name=name,
        model=model,
        description=f"The {name} of the team.",
        instruction=lambda _: instruction,
        tools=[list_pods, get_pod],
    )
    return to_a2a(agent, host="127.0.0.1", port=port)


def _coordinator(model: LiteLlm, others: list[str]) -> Starlette:
    remote = [
        RemoteA2aAgent(
            name=name,
            description=f"The {name} of the team.",
            agent_card=f"http://127.0.0.1:{port}/.well-known/agent-card.json",
        )
        for name, port in (other.split("=") for other in others)
    ]
    agent = LlmAgent(
        name="coordinator",
        model=model,
        instruction=lambda _: COORDINATOR,
        tools=[AgentTool(specialist) for specialist in remote],
    )
    runner = InMemoryRunner(agent, app_name=APP)
    runner.auto_create_session = True

    async def ask(request: Request) -> Response:
        asked: dict[str, Any] = await request.json()
        message = types.Content(role="user", parts=[types.Part(text=asked["question"])])
        text = ""
        async for event in runner.run_async(user_id="user", session_id=uuid.uuid4().hex, new_message=message):
            if event.is_final_response() and event.content:
                text = "".join(part.text or "" for part in event.content.parts or ())
        return JSONResponse({"answer": text})

    async def ready(_: Request) -> Response:
        return JSONResponse({})

    card = Route("/.well-known/agent-card.json", ready)  # asked whether it is ready where the others are
    return Starlette(routes=[Route("/ask", ask, methods=["POST"]), card])


if __name__ == "__main__":
    main()
