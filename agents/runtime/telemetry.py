"""What turns, model calls and tool calls leave behind: metrics always, spans when somebody collects them.

Spans follow OpenTelemetry's semantic conventions for generative AI. Neither prompts, arguments nor results are in
them: they may hold what only the asker may see.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agents.runtime import tracing
from agents.runtime.findings import SubtaskInput, Usage
from agents.runtime.litellm_client import call
from agents.runtime.logs import know
from agents.runtime.model_errors import ModelError
from agents.runtime.service_metrics import MODEL_CALLS, MODEL_SECONDS, MODEL_TOKENS, TOOL_CALLS, TOOL_SECONDS
from agents.runtime.settings import ModelSettings
from agents.runtime.tracing import Span, Spanning, Value

OK, FAILED, CANCELLED = "ok", "failed", "cancelled"
"""Outcomes of tool calls. Those of model calls are `ok`, `cancelled` and the kinds of ModelError."""


def agent_turn(name: str, subtask: SubtaskInput, context_id: str) -> Spanning:
    """A specialist's work on one message."""
    tracing.work_for(name)
    know(request_id=subtask.request_id, plan_id=subtask.plan_id, subtask_id=subtask.subtask_id)
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": context_id,
    }
    if subtask.request_id:
        attributes |= {"kubeteam.request.id": subtask.request_id, "kubeteam.subtask.id": subtask.subtask_id}
    return tracing.span(f"invoke_agent {name}", attributes=attributes)


def note_usage(span: Span, usage: Usage) -> None:
    """What the models cost, in a span."""
    if usage.calls:
        span.set(gen_ai__usage__input_tokens=usage.input_tokens, gen_ai__usage__output_tokens=usage.output_tokens)


@dataclass
class ToolCallTold:
    """A tool call under way."""

    outcome: str = CANCELLED


@contextmanager
def tool_call(name: str, call_id: str = "") -> Generator[ToolCallTold]:
    """One tool call; the block says its outcome. `name` must be one of a tool that there is."""
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
    }
    if call_id:
        attributes["gen_ai.tool.call.id"] = call_id
    told, service, began = ToolCallTold(), tracing.service(), time.perf_counter()
    with tracing.span(f"execute_tool {name}", attributes=attributes) as span:
        try:
            yield told
        finally:
            TOOL_CALLS.labels(service, name, told.outcome).inc()
            TOOL_SECONDS.labels(service, name).observe(time.perf_counter() - began)
            if told.outcome == FAILED:
                span.fail("tool_error")


async def chat(settings: ModelSettings, **request: Any) -> Any:
    """`litellm_client.call`, measured. The tokens of a streamed answer come later, by `count_tokens`."""
    service, model, began = tracing.service(), settings.name, time.perf_counter()
    provider, _, name = model.rpartition("/")
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider.partition("/")[0] or "openai",
        "gen_ai.request.model": name,
        "gen_ai.request.max_tokens": settings.max_output_tokens,
    }
    outcome = CANCELLED
    with tracing.span(f"chat {name}", "client", attributes) as span:
        try:
            response = await call(settings, **request)
            outcome = OK
            _note_response(span, settings, response)
            return response
        except ModelError as error:
            outcome = error.kind
            span.fail(error.kind, str(error))
            raise
        finally:
            MODEL_CALLS.labels(service, model, outcome).inc()
            MODEL_SECONDS.labels(service, model).observe(time.perf_counter() - began)


def count_tokens(model: str, input_tokens: int, output_tokens: int) -> None:
    """Tokens of one answer."""
    # Some servers have been seen to count below zero, which a counter refuses.
    MODEL_TOKENS.labels(tracing.service(), model, "input").inc(max(0, input_tokens))
    MODEL_TOKENS.labels(tracing.service(), model, "output").inc(max(0, output_tokens))


def _note_response(span: Span, settings: ModelSettings, response: Any) -> None:
    usage = getattr(response, "usage", None)
    if usage is None:  # a stream has none yet
        return
    read, written = getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0
    count_tokens(settings.name, read, written)
    span.set(gen_ai__usage__input_tokens=read, gen_ai__usage__output_tokens=written)
    span.set(gen_ai__response__model=str(getattr(response, "model", "") or ""))
    reasons = [str(choice.finish_reason) for choice in getattr(response, "choices", None) or ()]
    span.set(gen_ai__response__finish_reasons=reasons)
