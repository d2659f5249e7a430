"""Draws Pauses for kagent's two user interfaces: data parts for 0.10, the metadata of an extension for 1.0. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from a2a.types import Message, Part

from agents.runtime import wire
from agents.runtime.kagent import words
from agents.runtime.kagent.formats import (
    ApprovalRequest,
    AskedQuestion,
    ChildPayload,
    Confirmation,
    ConfirmationArgs,
    ConfirmationCall,
    InnerPart,
    NestedTools,
    OriginalCall,
    PendingTool,
    QuestionRequest,
)
from agents.runtime.pause import ChildPause, Pause

NameOf = Callable[[str], str]
"""A member's name as kagent knows it."""


def confirmation_part(pause: Pause, name_of: NameOf) -> Part:
    """0.10: the call that makes a card with buttons (or questions) appear. All three marks must be there for it."""
    child = None if pause.child is None else _child_payload(pause.child, name_of)
    call = ConfirmationCall(
        name=words.CONFIRMATION,
        id=pause.id,
        args=ConfirmationArgs(
            originalFunctionCall=_original(pause),
            toolConfirmation=Confirmation(hint=pause.hint, payload=child),
        ),
    )
    marks = {**words.marked(words.TYPE, words.FUNCTION_CALL), **words.marked(words.LONG_RUNNING, True)}
    return wire.data_part(call.model_dump(), marks)


def add_request(message: Message, pauses: Sequence[Pause], name_of: NameOf) -> None:
    """1.0: puts the request into the message's metadata under the extension's URI."""
    if words.HITL not in message.extensions:
        message.extensions.append(words.HITL)
    message.metadata.update({words.HITL: request_of(pauses, name_of)})


def request_of(pauses: Sequence[Pause], name_of: NameOf) -> dict[str, Any]:
    """What waits, in the words of the extension. Questions come alone: it has no form for both at once."""
    asking = next((pause for pause in pauses if pause.questions), None)
    if asking is not None:
        return QuestionRequest(id=asking.id, questions=_questions(asking)).model_dump(exclude_none=True)
    nested = next((pause.child for pause in pauses if pause.child is not None), None)
    request = ApprovalRequest(
        hint="\n".join(pause.hint for pause in pauses if pause.hint),
        tools=[_pending(pause) for pause in pauses],
        nested=None if nested is None else _nested(nested, name_of),
    )
    return request.model_dump(exclude_none=True)


def _original(pause: Pause) -> OriginalCall:
    return OriginalCall(name=pause.tool, args=pause.args, id=pause.call_id)


def _child_payload(child: ChildPause, name_of: NameOf) -> ChildPayload:
    return ChildPayload(
        task_id=child.task_id,
        context_id=child.context_id,
        subagent_name=name_of(child.agent),
        hitl_parts=[
            InnerPart(name=words.CONFIRMATION, id=inner.id, originalFunctionCall=_original(inner))
            for inner in child.pauses
        ],
    )


def _questions(pause: Pause) -> list[AskedQuestion]:
    return [AskedQuestion(question=q.question, choices=list(q.choices), multiple=q.multiple) for q in pause.questions]


def _pending(pause: Pause) -> PendingTool:
    return PendingTool(id=pause.id, call_id=pause.call_id, name=pause.tool, args=pause.args)


def _nested(child: ChildPause, name_of: NameOf) -> NestedTools:
    return NestedTools(
        subagent_name=name_of(child.agent),
        task_id=child.task_id,
        context_id=child.context_id,
        tools=[_pending(pause) for pause in child.pauses],
    )
