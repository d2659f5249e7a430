"""The answer as data, and the request as the world sees it: `GET /v1/requests/{id}` and `ask --json`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from agents.runtime.findings import Finding, RootCause, Usage, Wire
from planner.plan import Plan
from planner.request import Request, now


class Answer(Wire):
    """What the team found, put together."""

    text: str
    """Markdown in the asker's language."""
    root_causes: list[RootCause] = Field(default_factory=list)
    actions: list[dict[str, Any]] = Field(default_factory=list)
    """Proposed Actions: kind, resource, arguments, reason, term, and what the executor's dry run said of them."""
    missing: list[str] = Field(default_factory=list)
    """What could not be seen or done, and why."""


class SubtaskView(Wire):
    """A subtask in a listing."""

    id: str
    specialist: str
    status: str
    seconds: float | None
    title: str = ""
    note: str = ""
    depends_on: list[str] = Field(default_factory=list)


class InputRequired(Wire):
    """The question that a request waits with."""

    question: str
    choices: list[str] = Field(default_factory=list)
    kind: str = "text"
    actions: list[dict[str, Any]] = Field(default_factory=list)


class RequestView(Wire):
    """One request with everything that is known of it."""

    id: str
    status: str
    language: str
    question: str
    cluster_id: str | None
    user: str
    created_at: datetime
    answer: str | None
    root_causes: list[RootCause]
    actions: list[dict[str, Any]]
    subtasks: list[SubtaskView]
    missing: list[str]
    usage: Usage
    seconds: float
    goal: str | None = None
    strategy: str | None = None
    notes: list[str] = Field(default_factory=list)
    input_required: InputRequired | None = None


def view(request: Request, plan: Plan | None, findings: Mapping[str, Finding], answer: Answer | None) -> RequestView:
    """Puts together what is known now; before the answer is there, root causes and the like are empty."""
    return RequestView(
        id=request.id,
        status=request.status,
        language=request.language,
        question=request.question,
        cluster_id=request.cluster_id,
        user=request.user,
        created_at=request.created_at,
        answer=answer.text if answer else None,
        root_causes=answer.root_causes if answer else [],
        actions=answer.actions if answer else [],
        subtasks=subtask_views(plan),
        missing=answer.missing if answer else [],
        usage=sum((finding.usage for finding in findings.values()), request.usage),
        seconds=request.seconds(),
        goal=plan.goal if plan else None,
        strategy=plan.strategy if plan else None,
        notes=list(request.notes),
        input_required=input_required(request),
    )


def subtask_views(plan: Plan | None) -> list[SubtaskView]:
    """The plan's subtasks, in order."""
    moment = now()
    return [
        SubtaskView(
            id=subtask.id,
            specialist=subtask.specialist,
            status=subtask.status,
            seconds=subtask.seconds(moment),
            title=subtask.title,
            note=subtask.note,
            depends_on=list(subtask.depends_on),
        )
        for subtask in (plan.subtasks if plan else ())
    ]


def input_required(request: Request) -> InputRequired | None:
    """The open question, when there is one."""
    if request.pause is None:
        return None
    return InputRequired(
        question=request.pause.question,
        choices=list(request.pause.choices),
        kind=request.pause.kind,
        actions=[action.as_json() for action in request.pause.actions],
    )
