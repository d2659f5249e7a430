"""ADK's way to LiteLLM, with our retries and errors. Importing it takes 0.4 s of CPU, so that waits (`TeamLlm`)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

from google.adk.models.lite_llm import (
    LiteLlm,
    LiteLLMClient,
    _function_declaration_to_tool_param,  # pyright: ignore[reportPrivateUsage]
    _model_response_to_generate_content_response,  # pyright: ignore[reportPrivateUsage]
)
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import BaseModel

from agents.runtime.litellm_client import connection
from agents.runtime.plain_answer import PlainAnswer
from agents.runtime.plain_messages import response_of
from agents.runtime.settings import ModelSettings
from agents.runtime.telemetry import chat


class Door(LiteLLMClient):
    """ADK's door to LiteLLM for one set of tools.

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

    def adks_own(self) -> LiteLlm:
        """ADK's model, for what is not plain; the tools are known here."""
        return LiteLlm(self.settings.name, llm_client=self, **self.connection)

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
