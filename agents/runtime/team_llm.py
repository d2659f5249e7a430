"""A LiteLLM model as ADK knows models, with our timeouts, retries and errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from operator import is_
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.lite_llm import (
    LiteLlm,
    LiteLLMClient,
    _function_declaration_to_tool_param,  # pyright: ignore[reportPrivateUsage]
    _model_response_to_generate_content_response,  # pyright: ignore[reportPrivateUsage]
)
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import BaseModel, PrivateAttr

from agents.runtime.litellm_client import connection, import_litellm, model_error
from agents.runtime.loop import MODEL_ERROR
from agents.runtime.plain_answer import PlainAnswer
from agents.runtime.plain_messages import messages_of, response_of
from agents.runtime.settings import ModelSettings
from agents.runtime.telemetry import chat


class TeamLlm(BaseLlm):
    """ADK's LiteLlm with explicit timeouts and retries. Errors end the loop as events, without tracebacks."""

    _door: _Door = PrivateAttr()

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(model=settings.name)
        self._door = _Door(settings, [])

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One model call; a ModelError becomes a response with an error code that the loop understands."""
        await import_litellm()
        door = self._door
        try:
            declarations = _declared(llm_request.config)
            if not door.knows(declarations):
                self._door = door = _Door(door.settings, declarations)
            messages = messages_of(llm_request) if door.is_openai and not stream else None
            if messages is not None:
                yield await door.answer(messages)
                return
            config = llm_request.config.model_copy(update={"tools": None})
            bare = llm_request.model_copy(update={"config": config})
            inner = LiteLlm(self.model, llm_client=door, **door.connection)
            async with aclosing(inner.generate_content_async(bare, stream)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            failure = model_error(error, door.settings)
            yield LlmResponse(error_code=f"{MODEL_ERROR}{failure.kind}", error_message=failure.detail)


class _Door(LiteLLMClient):
    """ADK's door to LiteLLM, with our retries and errors.

    ADK translates all tools anew for every call. They are the same turn after turn, so that is done once.
    """

    def __init__(self, settings: ModelSettings, declarations: Sequence[types.FunctionDeclaration]) -> None:
        self.settings = settings
        self.connection = connection(settings)
        self.is_openai = settings.name.startswith("openai/")
        """Whether plain messages need nothing else for this provider."""
        self._declarations = declarations
        self._tools = [_function_declaration_to_tool_param(declaration) for declaration in declarations] or None

    def knows(self, declarations: Sequence[types.FunctionDeclaration]) -> bool:
        """Whether these are the tools that were translated."""
        known = self._declarations
        return len(known) == len(declarations) and all(map(is_, known, declarations))

    async def answer(self, messages: list[dict[str, Any]]) -> LlmResponse:
        """To a plain conversation. Raises ModelError."""
        answer = await chat(
            self.settings, model=self.settings.name, messages=messages, tools=self._tools, **self.connection
        )
        if isinstance(answer, PlainAnswer):
            return response_of(answer)
        return _model_response_to_generate_content_response(_for_adk(answer))

    async def acompletion(self, model: Any, messages: Any, tools: Any, **kwargs: Any) -> Any:
        return _for_adk(await chat(self.settings, model=model, messages=messages, tools=self._tools, **kwargs))


def _for_adk(answer: Any) -> Any:
    """A `litellm.ModelResponse`."""
    if isinstance(answer, PlainAnswer):
        return answer.by_litellm()
    usage = getattr(answer, "usage", None)
    if isinstance(usage, BaseModel):  # which ADK would make three times
        answer.usage = usage.model_dump()
    return answer


def _declared(config: types.GenerateContentConfig) -> list[types.FunctionDeclaration]:
    tools = [tool for tool in config.tools or () if isinstance(tool, types.Tool)]
    return [declaration for tool in tools for declaration in tool.function_declarations or ()]
