"""A LiteLLM model as ADK knows models, with our timeouts, retries and errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models.lite_llm import LiteLlm, LiteLLMClient
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from pydantic import PrivateAttr

from agents.runtime.litellm_client import connection, import_litellm, model_error
from agents.runtime.loop import MODEL_ERROR
from agents.runtime.settings import ModelSettings
from agents.runtime.telemetry import chat


class _Client(LiteLLMClient):
    """ADK's door to LiteLLM, with our retries and errors."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings

    async def acompletion(self, model: Any, messages: Any, tools: Any, **kwargs: Any) -> Any:
        return await chat(self._settings, model=model, messages=messages, tools=tools, **kwargs)


class TeamLlm(LiteLlm):
    """ADK's LiteLlm with explicit timeouts and retries. Errors end the loop as events, without tracebacks."""

    _settings: ModelSettings = PrivateAttr()

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings.name, llm_client=_Client(settings), **connection(settings))
        self._settings = settings

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One model call; a ModelError becomes a response with an error code that the loop understands."""
        await import_litellm()
        try:
            async for response in super().generate_content_async(llm_request, stream):
                yield response
        except Exception as error:
            failure = model_error(error, self._settings)
            yield LlmResponse(error_code=f"{MODEL_ERROR}{failure.kind}", error_message=failure.detail)
