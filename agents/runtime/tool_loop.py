"""The ADK agent of a specialist's turn: its model calls tools until it answers.

ADK's `LlmAgent` does the same and much more (sub-agents, callbacks, plugins, resumable sessions, its own spans). A turn
needs none of that, and it cost half of the turn's CPU; `docs/performance.md` has the measurement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from agents.runtime.tools import TurnTool


class ToolLoop(BaseAgent):
    """Answers the user's content of an invocation. Yields the model's every response and the results of its calls.

    `steps` is what `run_async` does, without the callbacks and the scope that ADK puts around every event.
    """

    model: BaseLlm
    instruction: str
    tools: list[TurnTool]

    async def steps(self, ctx: InvocationContext) -> AsyncGenerator[Event]:
        """The events of one invocation, to be read to the end or closed."""
        request = self._request(ctx.user_content)
        ids = (f"{ctx.invocation_id}-{number}" for number in count())  # ADK's are random numbers, which cost more
        while True:
            response = await _answer(self.model, request)
            content = response.content
            calls = _calls(content, len(request.contents))
            said = {name: getattr(response, name) for name in response.model_fields_set}
            yield Event(id=next(ids), author=self.name, invocation_id=ctx.invocation_id, **said)
            if response.error_code or content is None or not calls:
                return
            results = types.Content(role="user", parts=await self._results(calls))
            request.contents += [content, results]
            yield Event(id=next(ids), author=self.name, invocation_id=ctx.invocation_id, content=results)

    async def _run_async_impl(self, ctx: InvocationContext) -> AsyncGenerator[Event, None]:
        async with aclosing(self.steps(ctx)) as events:
            async for event in events:
                yield event

    def _request(self, asked: types.Content | None) -> LlmRequest:
        config = types.GenerateContentConfig(system_instruction=self.instruction or None)
        if self.tools:
            config.tools = [types.Tool(function_declarations=[turn.tool.declaration for turn in self.tools])]
        return LlmRequest(model=self.model.model, contents=[asked] if asked else [], config=config)

    async def _results(self, calls: list[types.FunctionCall]) -> list[types.Part]:
        """The results of calls that are made at once, in the order of the calls."""
        tasks = [asyncio.create_task(self._result(call)) for call in calls]
        try:
            responses = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # when one broke off, nobody waits for the others any more
                task.cancel()
            await asyncio.wait(tasks)
        return [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response=response))
            for call, response in zip(calls, responses, strict=True)
        ]

    async def _result(self, call: types.FunctionCall) -> dict[str, Any]:
        tools = {turn.tool.info.name: turn for turn in self.tools}
        if call.name in tools:
            return await tools[call.name].answer(call.id or call.name, call.args or {})
        return {"error": f"There is no tool {call.name}.\nThe tools are: {', '.join(tools)}"}


async def _answer(model: BaseLlm, request: LlmRequest) -> LlmResponse:
    async with aclosing(model.generate_content_async(request)) as responses:
        async for response in responses:
            return response
    return LlmResponse()


def _calls(content: types.Content | None, step: int) -> list[types.FunctionCall]:
    """The tool calls of a response. Those that a model left without an id get one, to pair them with their results."""
    calls = [part.function_call for part in (content.parts if content else None) or () if part.function_call]
    for number, call in enumerate(calls):
        call.id = call.id or f"call-{step}.{number}"
    return calls
