"""kagent's wire formats at the edges, strict: what is not known to mean something is refused, not guessed at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Format(BaseModel):
    """Base of everything here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Reason = Annotated[str, Field(max_length=2000)]


class Answer(Format):
    """The answer to one question."""

    answer: list[str]


class Decision(Format):
    """The data part of 0.10 that answers approvals and questions."""

    decision_type: Literal["approve", "reject", "batch"]
    decisions: dict[str, Literal["approve", "reject"]] = Field(default_factory=dict)
    """By call id, for `batch`."""
    rejection_reasons: dict[str, Reason] = Field(default_factory=dict)
    rejection_reason: Reason = ""
    """For all calls at once; not sent by kagent's own user interface."""
    ask_user_answers: list[Answer] | None = None


class AskedQuestion(Format):
    """One question of `ask_user`."""

    question: str
    choices: list[str] = Field(default_factory=list)
    multiple: bool = False


class OriginalCall(Format):
    """The call that waits."""

    name: str
    args: dict[str, Any]
    id: str


class InnerPart(Format):
    """A pending call of a child's."""

    name: str
    id: str
    originalFunctionCall: OriginalCall


class ChildPayload(Format):
    """What tells the user interface that a call waits inside another agent."""

    task_id: str
    context_id: str
    subagent_name: str
    hitl_parts: list[InnerPart]


class Confirmation(Format):
    """State of a confirmation."""

    hint: str
    confirmed: bool = False
    payload: ChildPayload | None = None


class ConfirmationArgs(Format):
    """Arguments of `adk_request_confirmation`."""

    originalFunctionCall: OriginalCall
    toolConfirmation: Confirmation


class ConfirmationCall(Format):
    """The data of the part that makes a card with buttons appear."""

    name: str
    id: str
    args: ConfirmationArgs


class PendingTool(Format):
    """A call that waits, in the 1.0 extension."""

    id: str
    call_id: str
    name: str
    args: dict[str, Any]


class NestedTools(Format):
    """Calls that wait in another agent."""

    subagent_name: str
    task_id: str
    context_id: str
    tools: list[PendingTool]


class ApprovalRequest(Format):
    """Asks for approvals (1.0 extension)."""

    type: Literal["tool_approval_request"] = "tool_approval_request"
    hint: str
    tools: list[PendingTool]
    nested: NestedTools | None = None


class QuestionRequest(Format):
    """Asks questions (1.0 extension)."""

    type: Literal["ask_user_request"] = "ask_user_request"
    id: str
    questions: list[AskedQuestion]


class ToolApproval(Format):
    """The word on one call (1.0 extension)."""

    id: str
    approved: bool
    rejection_reason: Reason = ""


class ApprovalResponse(Format):
    """The answer to an ApprovalRequest."""

    type: Literal["tool_approval_response"]
    approvals: list[ToolApproval]


class QuestionResponse(Format):
    """The answer to a QuestionRequest."""

    type: Literal["ask_user_response"]
    id: str
    answers: list[Answer]


class HitlResponse(Format):
    """Either answer of the 1.0 extension."""

    response: Annotated[ApprovalResponse | QuestionResponse, Field(discriminator="type")]


class Session(Format):
    """A conversation, as the controller's REST API takes it."""

    agent_ref: str
    id: str
    name: str
    source: Literal["agent"]


class Tokens(Format):
    """Usage, as the user interface reads it."""

    totalTokenCount: int
    promptTokenCount: int
    candidatesTokenCount: int
