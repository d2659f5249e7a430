"""A LiteLLM model as ADK knows models, with our timeouts, retries and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

from agents.runtime.litellm_client import import_litellm, model_error
from agents.runtime.loop import MODEL_ERROR
from agents.runtime.models import ADK_LITELLM
from agents.runtime.plain_messages import messages_of
from agents.runtime.settings import ModelSettings

if TYPE_CHECKING:
    from agents.runtime.adk_litellm import Door


class TeamLlm(BaseLlm):
    """ADK's LiteLlm with explicit timeouts and retries. Errors end the loop as events, without tracebacks."""

    _settings: ModelSettings = PrivateAttr()
    _door: Door | None = PrivateAttr(default=None)

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(model=settings.name)
        self._settings = settings

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One model call; a ModelError becomes a response with an error code that the loop understands."""
        try:
            door = await self._knowing(_declared(llm_request.config))
            messages = messages_of(llm_request) if door.is_openai and not stream else None
            if messages is not None:
                yield await door.answer(messages)
                return
            config = llm_request.config.model_copy(update={"tools": None})
            bare = llm_request.model_copy(update={"config": config})
            async with aclosing(door.adks_own().generate_content_async(bare, stream)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            failure = model_error(error, self._settings)
            yield LlmResponse(error_code=f"{MODEL_ERROR}{failure.kind}", error_message=failure.detail)

    async def _knowing(self, declarations: Sequence[types.FunctionDeclaration]) -> Door:
        """The door to LiteLLM that knows these tools."""
        door = self._door
        if door is None or not door.knows(declarations):
            await import_litellm()
            module = await asyncio.to_thread(import_module, ADK_LITELLM)
            self._door = door = module.Door(self._settings, declarations)
        return door


def _declared(config: types.GenerateContentConfig) -> Sequence[types.FunctionDeclaration]:
    tools = [tool for tool in config.tools or () if isinstance(tool, types.Tool)]
    return [declaration for tool in tools for declaration in tool.function_declarations or ()]
