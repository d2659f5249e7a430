"""What the planner's work leaves in traces and logs: where a request belongs, one span per drive, one per subtask."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from agents.runtime import tracing
from agents.runtime.context import PARENT_CONTEXT_HEADER, ROOT_CONTEXT_HEADER
from agents.runtime.logs import know
from agents.runtime.tracing import Attributes, Span
from agents.runtime.updates import Failed, Outcome
from planner.plan import Subtask
from planner.request import Request

PLANNER = "planner"


def traced(request: Request) -> Request:
    """The request with its place in the trace at hand, to be kept with it."""
    here = tracing.current()
    if here is None:
        return request
    return request.model_copy(update={"traceparent": here.traceparent, "tracestate": here.tracestate or None})


def submitting(request: Request) -> tracing.Spanning:
    """Taking a request on. What is done for it later is in the same trace, however much later."""
    return tracing.span("submit_request", "producer", {"kubeteam.request.id": request.id})


@contextmanager
def driving(request: Request, plan_id: str) -> Generator[None]:
    """One stretch of work on a request. It ends when a person is waited for; the next one is in the same trace."""
    tracing.work_for(PLANNER)
    know(request_id=request.id, plan_id=plan_id)
    attributes: dict[str, tracing.Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": PLANNER,
        "kubeteam.request.id": request.id,
        "kubeteam.request.source": request.source,
    }
    if request.context_id:
        attributes["gen_ai.conversation.id"] = request.context_id
    place = tracing.read_trace(request.traceparent, request.tracestate)
    with tracing.joined(place), tracing.span(f"invoke_agent {PLANNER}", attributes=attributes):
        yield


def asking(request: Request, plan_id: str, subtask: Subtask) -> tracing.Spanning:
    """A subtask at a member, seen from here."""
    know(subtask_id=subtask.id)
    attributes: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": subtask.specialist,
        "kubeteam.request.id": request.id,
        "kubeteam.plan.id": plan_id,
        "kubeteam.subtask.id": subtask.id,
    }
    return tracing.span(f"invoke_agent {subtask.specialist}", "client", attributes)


def calling(member: str, tool: str) -> tracing.Spanning:
    """A call of a member's tool, past its agent."""
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.agent.name": member,
    }
    return tracing.span(f"execute_tool {tool}", "client", attributes)


def note_outcome(asked: Span, outcome: Outcome) -> None:
    """How a subtask's turn ended, in its span."""
    if isinstance(outcome, Failed):
        asked.fail(outcome.kind, outcome.reason)


def lineage(request: Request) -> dict[str, str]:
    """The conversations that a subtask's own one descends from, as kagent's agents tell each other."""
    if not request.context_id:
        return {}
    root = request.root_context_id or request.context_id
    return {PARENT_CONTEXT_HEADER: request.context_id, ROOT_CONTEXT_HEADER: root}
