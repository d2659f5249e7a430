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
)
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import BaseModel, PrivateAttr

from agents.runtime.litellm_client import connection, import_litellm, model_error
from agents.runtime.loop import MODEL_ERROR
from agents.runtime.settings import ModelSettings
from agents.runtime.telemetry import chat


class _Client(LiteLLMClient):
    """ADK's door to LiteLLM, with our retries and errors, and tools that were translated before."""

    def __init__(self, settings: ModelSettings, declarations: Sequence[types.FunctionDeclaration]) -> None:
        self._settings = settings
        self._tools = [_function_declaration_to_tool_param(declaration) for declaration in declarations] or None

    async def acompletion(self, model: Any, messages: Any, tools: Any, **kwargs: Any) -> Any:
        answer = await chat(self._settings, model=model, messages=messages, tools=self._tools, **kwargs)
        usage = getattr(answer, "usage", None)
        if isinstance(usage, BaseModel):  # which ADK would turn into a dict three times
            answer.usage = usage.model_dump()
        return answer


class TeamLlm(BaseLlm):
    """ADK's LiteLlm with explicit timeouts and retries. Errors end the loop as events, without tracebacks.

    ADK translates all tools anew for every call. They are the same turn after turn, so that is done once.
    """

    _settings: ModelSettings = PrivateAttr()
    _declarations: list[types.FunctionDeclaration] = PrivateAttr(default_factory=list[types.FunctionDeclaration])
    _inner: LiteLlm | None = PrivateAttr(default=None)
    """Knows the declarations."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(model=settings.name)
        self._settings = settings

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One model call; a ModelError becomes a response with an error code that the loop understands."""
        await import_litellm()
        try:
            inner = self._knowing(_declared(llm_request.config))
            config = llm_request.config.model_copy(update={"tools": None})
            bare = llm_request.model_copy(update={"config": config})
            async with aclosing(inner.generate_content_async(bare, stream)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            failure = model_error(error, self._settings)
            yield LlmResponse(error_code=f"{MODEL_ERROR}{failure.kind}", error_message=failure.detail)

    def _knowing(self, declarations: list[types.FunctionDeclaration]) -> LiteLlm:
        known = self._declarations
        if self._inner is None or len(known) != len(declarations) or not all(map(is_, known, declarations)):
            client = _Client(self._settings, declarations)
            self._inner = LiteLlm(self._settings.name, llm_client=client, **connection(self._settings))
            self._declarations = declarations
        return self._inner


def _declared(config: types.GenerateContentConfig) -> list[types.FunctionDeclaration]:
    tools = [tool for tool in config.tools or () if isinstance(tool, types.Tool)]
    return [declaration for tool in tools for declaration in tool.function_declarations or ()]
