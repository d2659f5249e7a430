"""One run of an ADK agent: a model, tools, a fresh session, and bounds. Knows neither A2A nor findings."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.genai import types

from agents.runtime.findings import Usage
from agents.runtime.model_errors import ModelError, ModelErrorKind
from agents.runtime.tool_loop import ToolLoop
from agents.runtime.tools import TurnTool

MAX_FRUITLESS_STEPS = 3
"""A model whose tool calls all fail so many times in a row will not get anywhere."""


_NO_SESSIONS = InMemorySessionService()
"""ADK wants to know where sessions are kept. Nothing is: a turn's conversation ends with it."""


@dataclass(frozen=True)
class CallNote:
    """A tool is being called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ResultNote:
    """A tool came back with the JSON object that the model reads."""

    id: str
    name: str
    response: dict[str, Any]


Report = Callable[[Sequence[CallNote] | Sequence[ResultNote]], Awaitable[None]]
"""Told about every step's tool calls, and about their results as they come."""


@dataclass
class Said:
    """What the loop brought: the last words, and what they cost (also when it ends in an error)."""

    text: str = ""
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    fruitless: int = 0


async def run_loop(
    model: BaseLlm,
    tools: Sequence[TurnTool],
    *,
    name: str,
    instruction: str,
    message: str,
    max_calls: int,
    said: Said,
    report: Report,
) -> None:
    """Lets the model call tools until it answers; `said` is filled as it goes.

    Raises ModelError when the model reports one, exceeds `max_calls`, or calls only tools that fail.
    """
    agent = ToolLoop(name=re.sub(r"\W", "_", f"agent_{name}"), model=model, instruction=instruction, tools=list(tools))
    context = InvocationContext(
        agent=agent,
        user_content=types.Content(role="user", parts=[types.Part(text=message)]),
        invocation_id="turn",
        session=Session(id="turn", app_name="kubeteam", user_id="turn"),
        session_service=_NO_SESSIONS,
    )
    async with aclosing(agent.steps(context)) as events:
        async for event in events:
            await _take(event, model.model, said, report)
            if said.steps >= max_calls and event.get_function_responses():
                raise ModelError("limit", model.model, str(max_calls))


async def _take(event: Event, model: str, said: Said, report: Report) -> None:
    if event.usage_metadata is not None:
        said.usage = said.usage + _usage(model, event.usage_metadata)
    if event.error_code:
        raise _model_error(str(event.error_code), event.error_message or "", model)
    calls, responses = event.get_function_calls(), event.get_function_responses()
    if calls:
        said.steps += 1
        await report([CallNote(c.id or "", c.name or "", c.args or {}) for c in calls])
    if responses:
        await report([ResultNote(r.id or "", r.name or "", r.response or {}) for r in responses])
        failed = all("error" in (r.response or {}) for r in responses)
        said.fruitless = said.fruitless + 1 if failed else 0
        if said.fruitless >= MAX_FRUITLESS_STEPS and model != "runbook":
            raise ModelError("malformed", model, "failing_calls")
    if not calls and not responses:
        said.text = _text(event.content.parts or ()) if event.content else ""


def _usage(model: str, metadata: types.GenerateContentResponseUsageMetadata) -> Usage:
    thoughts = metadata.thoughts_token_count or 0
    output = max(metadata.candidates_token_count or 0, thoughts)
    return Usage(model=model, calls=1, input_tokens=metadata.prompt_token_count or 0, output_tokens=output)


def _model_error(code: str, message: str, model: str) -> ModelError:
    kind = code.removeprefix(MODEL_ERROR)
    if code.startswith(MODEL_ERROR) and kind in get_args(ModelErrorKind):
        return ModelError(cast(ModelErrorKind, kind), model, message)
    # ADK's own codes: a finish reason such as MAX_TOKENS or MALFORMED_FUNCTION_CALL.
    return ModelError("malformed", model, code.rpartition(".")[2])


MODEL_ERROR = "MODEL_ERROR:"
"""What the error code of a ModelError begins with on its way through ADK's loop; its kind follows."""


def _text(parts: Iterable[types.Part]) -> str:
    return "".join(part.text for part in parts if part.text and not part.thought).strip()


_PRINTED_CALL = re.compile(r"^\s*(?:<tool_call>|<function[=_]|\[TOOL_CALLS\]|<\|python_tag\|>|<\|tool_call)", re.I)


def prints_tool_calls(text: str) -> bool:
    """Whether an answer is a tool call written as text, as small models do that cannot call tools."""
    if _PRINTED_CALL.match(text):
        return True
    bare = re.sub(r"^```\w*\n|\n?```$", "", text.strip())
    if not bare.startswith(("{", "[")):
        return False
    try:
        value = json.loads(bare)
    except json.JSONDecodeError:
        return False
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "name" in first and bool({"arguments", "parameters", "args"} & first.keys())
