"""Reads what a person answered in kagent's user interfaces, in ours, or in plain words, as one typed Reply. Pure.

It fails closed. kagent's own agents take a decision that is missing for a yes; here it is a no. A decision about a call
that does not wait is refused, and the words that accompany a decision decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from a2a.types import Message, Role, Task
from google.protobuf import json_format
from pydantic import ValidationError

from agents.runtime import wire
from agents.runtime.kagent import words
from agents.runtime.kagent.formats import ApprovalResponse, Decision, HitlResponse, QuestionResponse
from agents.runtime.pause import Pause, Reply, ReplyError, Verdict, checked, visible_calls

DECISION = "decision_type"


def pauses_of(task: Task) -> tuple[Pause, ...]:
    """What the task waits for: of its status, or of the last word of the agent when it is already working again."""
    from_agent = [message for message in task.history if message.role == Role.ROLE_AGENT]
    if task.status.HasField("message"):
        from_agent.append(task.status.message)
    return wire.read_pauses(from_agent[-1].parts) if from_agent else ()


def reply_of(message: Message, pauses: Sequence[Pause]) -> Reply | None:
    """The Reply in a message, checked against what waits; None for plain words.

    Raises ReplyError when it is malformed, or decides what does not wait.
    """
    try:
        reply = _from_extension(message, pauses) or _from_data(message, pauses) or wire.read_reply(message.parts)
    except wire.WireError as error:
        raise ReplyError(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ReplyError(
            f"the decision is not understood: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
    return None if reply is None else checked(reply, pauses)


def _from_extension(message: Message, pauses: Sequence[Pause]) -> Reply | None:
    """1.0: the metadata under the extension's URI."""
    content: Any = json_format.MessageToDict(message.metadata).get(words.HITL)
    if content is None:
        return None
    response = HitlResponse.model_validate({"response": content}).response
    if isinstance(response, ApprovalResponse):
        return _approvals(response, pauses)
    return _answers(response, pauses)


def _approvals(response: ApprovalResponse, pauses: Sequence[Pause]) -> Reply:
    calls = {call.id: call.call_id for call in visible_calls(pauses)}
    verdicts: dict[str, Verdict] = {}
    for approval in response.approvals:
        call_id = calls.get(approval.id)
        if call_id is None:
            raise ReplyError(f"nothing waits for a decision on {approval.id}")
        if call_id in verdicts:
            raise ReplyError(f"{approval.id} is decided twice")
        verdicts[call_id] = Verdict(approved=approval.approved, reason=approval.rejection_reason)
    return Reply(verdicts=verdicts)


def _answers(response: QuestionResponse, pauses: Sequence[Pause]) -> Reply:
    asking = next((call for call in visible_calls(pauses) if call.questions and call.id == response.id), None)
    if asking is None:
        raise ReplyError(f"nothing was asked under {response.id}")
    given = tuple(tuple(answer.answer) for answer in response.answers)
    return Reply(verdicts={asking.call_id: Verdict(approved=True)}, answers=given)


def _from_data(message: Message, pauses: Sequence[Pause]) -> Reply | None:
    """0.10: a data part with a decision; of several the message is refused."""
    found = [data for data in wire.data_of(message.parts) if DECISION in data]
    if not found:
        return None
    if len(found) > 1:
        raise ReplyError("the message holds more than one decision")
    decision = Decision.model_validate(found[0])
    if decision.decision_type == "batch":
        verdicts = {
            call_id: Verdict(approved=word == "approve", reason=decision.rejection_reasons.get(call_id, ""))
            for call_id, word in decision.decisions.items()
        }
    else:
        verdicts = {call.call_id: _uniform(decision, call.call_id) for call in visible_calls(pauses)}
    answers = tuple(tuple(answer.answer) for answer in decision.ask_user_answers or ())
    return Reply(verdicts=verdicts, answers=answers)


def _uniform(decision: Decision, call_id: str) -> Verdict:
    if decision.decision_type == "approve":
        return Verdict(approved=True)
    return Verdict(approved=False, reason=decision.rejection_reasons.get(call_id, decision.rejection_reason))
