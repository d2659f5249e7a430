"""What turns, model calls and tool calls leave behind: metrics always, spans when somebody collects them.

Spans follow OpenTelemetry's semantic conventions for generative AI, version 1.37. Neither prompts, arguments nor
results are in them: they may hold what only the asker may see.
"""

from __future__ import annotations

from agents.runtime import tracing
from agents.runtime.findings import SubtaskInput, Usage
from agents.runtime.logs import know
from agents.runtime.tracing import Span, Spanning, Value


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
