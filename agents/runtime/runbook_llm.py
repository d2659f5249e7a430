"""The model that needs no model: a deterministic `BaseLlm` that works by a specialist's runbook."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

from agents.runtime.definition import AgentDefinition, ToolCall, ToolResult, Turn
from agents.runtime.findings import Finding
from agents.runtime.tools import Journal, call_key

logger = logging.getLogger(__name__)

MAX_ROUNDS = 20
"""After so many rounds of tool calls a runbook has to answer, whatever it still wants to know."""


class RunbookLlm(BaseLlm):
    """Drives one turn. Every step reads the tool results so far and asks the runbook what to call next.

    `finding` holds the answer once given; `failure` the exception when the runbook or the composition raised one.
    """

    model: str = "runbook"
    _definition: AgentDefinition = PrivateAttr()
    _turn: Turn = PrivateAttr()
    _journal: Journal = PrivateAttr()
    _leave: frozenset[str] = PrivateAttr()
    finding: Finding | None = None
    failure: Exception | None = None

    def __init__(
        self, definition: AgentDefinition, turn: Turn, journal: Journal, leave: frozenset[str] = frozenset()
    ) -> None:
        """`turn` holds what is known before the first step; `journal` the uncut results of this turn's calls.

        Tools named by `leave` are not called, whatever the runbook wants.
        """
        super().__init__(model="runbook")
        self._definition = definition
        self._turn = turn
        self._journal = journal
        self._leave = leave

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """One step: the next tool calls, or the answer's text."""
        try:
            yield self._step(llm_request.contents)
        except Exception as error:
            logger.exception("the runbook of %s failed", self._definition.name)
            self.failure = error
            yield LlmResponse(error_code="RUNBOOK", error_message=f"the runbook of {self._definition.name} failed")

    def _step(self, contents: Sequence[types.Content]) -> LlmResponse:
        turn = replace(self._turn, results=(*self._turn.results, *results_of(contents, self._journal)))
        rounds = sum(_has_calls(content) for content in contents)
        calls = self._next_calls(turn, rounds)
        if calls:
            parts = [_call_part(f"{rounds}.{number}", call) for number, call in enumerate(calls)]
        else:
            self.finding = self._definition.compose(turn)
            parts = [types.Part(text=self.finding.text)]
        return LlmResponse(content=types.Content(role="model", parts=parts))

    def _next_calls(self, turn: Turn, rounds: int) -> list[ToolCall]:
        """What the runbook wants, without calls that were already answered: those could go on for ever."""
        if rounds >= MAX_ROUNDS:
            logger.warning("the runbook of %s wanted more than %d rounds", self._definition.name, MAX_ROUNDS)
            return []
        return open_calls(self._definition, turn, self._leave)


def open_calls(definition: AgentDefinition, turn: Turn, leave: frozenset[str] = frozenset()) -> list[ToolCall]:
    """The runbook's next calls, each once, without those that have an answer."""
    answered = {call_key(result.name, result.arguments) for result in turn.results}
    wanted = {call_key(call.name, call.arguments): call for call in definition.runbook(turn)}
    return [call for key, call in wanted.items() if key not in answered and call.name not in leave]


def _call_part(call_id: str, call: ToolCall) -> types.Part:
    return types.Part(function_call=types.FunctionCall(id=call_id, name=call.name, args=call.arguments))


def results_of(contents: Sequence[types.Content], journal: Journal) -> Iterator[ToolResult]:
    """The tool results in a conversation, in the order of the calls: uncut where the journal has them."""
    responses = {r.id: r.response or {} for r in _responses(contents)}
    for content in contents:
        for part in content.parts or ():
            call = part.function_call
            if call is None or call.id not in responses:
                continue
            recorded = journal.get(call.id or "")
            yield recorded or _from_response(call.name or "", call.args or {}, responses[call.id])


def _from_response(name: str, arguments: dict[str, Any], response: dict[str, Any]) -> ToolResult:
    """The loop itself answers for tools that do not exist; a list of every tool's name follows the first line."""
    if "error" in response:
        return ToolResult(name, arguments, error=str(response["error"]).split("\n", 1)[0])
    return ToolResult(name, arguments, content=response)


def _responses(contents: Sequence[types.Content]) -> Iterator[types.FunctionResponse]:
    for content in contents:
        for part in content.parts or ():
            if part.function_response is not None:
                yield part.function_response


def _has_calls(content: types.Content) -> bool:
    return any(part.function_call is not None for part in content.parts or ())
