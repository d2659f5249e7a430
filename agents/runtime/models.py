"""Language models: as ADK models for specialists, and as plain completions for the planner.

Which model is a matter of `ModelSettings`; `runbook` means none. Every failure is a ModelError with a kind and words
for people, after the retries that the settings allow.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, overload

from pydantic import BaseModel, ValidationError

from agents.runtime.findings import Usage
from agents.runtime.litellm_client import connection, import_litellm
from agents.runtime.model_errors import ModelError, ModelErrorKind
from agents.runtime.settings import ModelSettings
from agents.runtime.telemetry import chat
from agents.runtime.tool_schema import compact_schema

if TYPE_CHECKING:
    from google.adk.models.base_llm import BaseLlm

__all__ = [
    "ADK_LITELLM",
    "ChatMessage",
    "Completion",
    "ModelError",
    "ModelErrorKind",
    "complete",
    "model_for",
    "warmed_up",
]

RUNBOOK = "runbook"
WARM_UP_AFTER_SECONDS = 0.5
ADK_LITELLM = "agents.runtime.adk_litellm"
"""What specialists need beside LiteLLM, imported with it or with the first call: a fifth of what a start costs."""


class ChatMessage(TypedDict):
    """One message to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Completion(Generic[T]):
    """A model's answer: its text, the object when a schema was asked for, and what it cost."""

    text: str
    value: T
    usage: Usage


def model_for(settings: ModelSettings) -> BaseLlm | None:
    """The model that all turns of a specialist share; None for `runbook`. Imports LiteLLM only when used."""
    if settings.name == RUNBOOK:
        return None
    from agents.runtime.team_llm import TeamLlm

    return TeamLlm(settings)


@asynccontextmanager
async def warmed_up(settings: ModelSettings, *modules: str) -> AsyncGenerator[None]:
    """Imports what the model needs a moment after the block began, beside the first requests: being ready comes first.
    `modules` of ours are what its user needs beside LiteLLM. Nothing for `runbook`.
    """
    warming = None if settings.name == RUNBOOK else asyncio.create_task(_warm_up(modules), name="importing LiteLLM")
    try:
        yield
    finally:
        if warming is not None:
            warming.cancel()
            await asyncio.wait([warming])


async def _warm_up(modules: Sequence[str]) -> None:
    await asyncio.sleep(WARM_UP_AFTER_SECONDS)
    await import_litellm()
    for module in modules:
        await asyncio.to_thread(import_module, module)


@overload
async def complete(settings: ModelSettings, messages: Sequence[ChatMessage]) -> Completion[Any]: ...
@overload
async def complete(
    settings: ModelSettings, messages: Sequence[ChatMessage], response_schema: type[T]
) -> Completion[T]: ...
async def complete(
    settings: ModelSettings, messages: Sequence[ChatMessage], response_schema: type[BaseModel] | None = None
) -> Completion[Any]:
    """One answer. With a schema the model is asked for structured output, and `value` is the validated object.

    Raises ModelError; of kind `malformed` (with the usage that it cost) when the answer is empty or fits no schema.
    """
    request: dict[str, Any] = {"model": settings.name, "messages": list(messages), **connection(settings)}
    if response_schema is None:
        response = await chat(settings, **request)
    else:
        response = await _structured(settings, request, response_schema)
    text, usage = _text(response), usage_of(settings, response)
    if not text.strip():
        raise ModelError("malformed", settings.name, "empty", usage)
    if response_schema is None:
        return Completion(text, None, usage)
    try:
        return Completion(text, response_schema.model_validate_json(_json_in(text)), usage)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise ModelError("malformed", settings.name, f"{where}: {first['msg']}", usage) from error


async def _structured(settings: ModelSettings, request: dict[str, Any], schema: type[BaseModel]) -> Any:
    """Structured output where the server knows it; else the schema in words."""
    json_schema = _json_schema(schema)
    # Not strict: strict schemas know no free-form objects, and what comes back is validated here anyway.
    asked = {"type": "json_schema", "json_schema": {"name": schema.__name__, "schema": json_schema}}
    try:
        return await chat(settings, **request, response_format=asked)
    except ModelError as error:
        if error.kind != "rejected" or not re.search(r"response_format|json_schema|structured", str(error)):
            raise
    words = "Answer with one JSON object and nothing else. Its JSON schema: "
    schema_message = {"role": "user", "content": words + json.dumps(json_schema, ensure_ascii=False)}
    return await chat(settings, **{**request, "messages": [*request["messages"], schema_message]})


@cache
def _json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    return compact_schema(schema.model_json_schema())


def _json_in(text: str) -> str:
    """The JSON object in an answer, which small models wrap in prose or a code fence."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def usage_of(settings: ModelSettings, response: Any) -> Usage:
    """The tokens of one response; zeros when the server does not count."""
    usage = getattr(response, "usage", None)
    return Usage(
        model=settings.name,
        calls=1,
        input_tokens=getattr(usage, "prompt_tokens", 0) or 0,
        output_tokens=getattr(usage, "completion_tokens", 0) or 0,
    )


def _text(response: Any) -> str:
    return (response.choices[0].message.content or "") if response.choices else ""
