"""A Request: what somebody asked, with who asked, which cluster, which language, and how far it has got."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from agents.runtime.findings import Language, Usage, Wire
from agents.runtime.language import language_of
from planner.proposals import ProposedAction

RequestStatus = Literal["queued", "running", "input_required", "answered", "failed", "cancelled"]
ENDED: frozenset[RequestStatus] = frozenset({"answered", "failed", "cancelled"})
MAX_QUESTION = 20_000
"""Characters of a question or reply: an alert with its labels fits, a log file does not."""


class Pause(Wire):
    """What the team needs from a person before it can go on. A request that waits costs nothing: it is a row."""

    kind: Literal["cluster", "target", "subtask", "approval"]
    """`cluster`: which one. `target`: what a change is for. `subtask`: a member's question about its own task.
    `approval`: decisions on `actions`, which words cannot give."""
    question: str
    choices: tuple[str, ...] = ()
    """The possible answers when they are known; empty means free text."""
    subtask_id: str | None = None
    """The subtask that asked."""
    actions: tuple[ProposedAction, ...] = ()
    """What is to be decided, in the order of application, each with its dry run."""


class Request(Wire):
    """One question to the team. Every change makes a new value, which the store keeps before it takes effect."""

    id: str
    question: str
    language: Language
    cluster_id: str | None = None
    user: str = "anonymous"
    source: str = "http"
    """The way in: `http`, `a2a`, `cli`, `page`, ..."""
    purpose: Literal["question", "report", "incident"] = "question"
    """A report is planned by its own rule and asks for facts, an incident is diagnosed and what ends it prepared: both
    whatever their words, which for an incident come from machines."""
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What is known without reading words, for every specialist: `namespace`, `resource`."""
    context_id: str | None = None
    """The A2A conversation it came in."""
    root_context_id: str | None = None
    """The person's conversation, when an agent asks on his behalf in one of its own."""
    traceparent: str | None = None
    """Where it belongs in its caller's trace, also after a restart and at another planner (W3C Trace Context)."""
    tracestate: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: RequestStatus = "queued"
    replies: tuple[str, ...] = ()
    """What the person answered to clarifications, oldest first."""
    restated: bool = False
    """The first reply says all of what is wanted, so that the question need not be read with it."""
    pause: Pause | None = None
    offers: bool = False
    """A person wants to approve something, so what is prepared is put before them and waited for."""
    heard: tuple[str, ...] = ()
    """The A2A messages that were taken: one that comes again, as after a crash, answers nothing a second time."""
    intent: str | None = None
    """The plan's, once there is one."""
    usage: Usage = Field(default_factory=Usage)
    """What planning and synthesis cost; the members' usage is in their Findings."""
    notes: tuple[str, ...] = ()
    """What the asker should know about how the answer came about, such as a model that failed."""

    @property
    def text(self) -> str:
        """The question with what was added to it later: planning reads this."""
        return "\n".join(self.replies if self.restated else (self.question, *self.replies))

    @property
    def ended(self) -> bool:
        """Nothing more will happen to it."""
        return self.status in ENDED

    def hearing(self, message_id: str) -> Request:
        """The same with one more message taken; with none for the empty id."""
        return self.model_copy(update={"heard": (*self.heard, message_id)}) if message_id else self

    def seconds(self) -> float:
        """From arrival until the end, or until now."""
        return round(((self.ended_at or now()) - self.created_at).total_seconds(), 3)


def new_request(
    question: str,
    *,
    id: str | None = None,
    language: Language | None = None,
    cluster_id: str | None = None,
    user: str | None = None,
    source: str = "http",
    context_id: str | None = None,
    root_context_id: str | None = None,
) -> Request:
    """A Request as it arrives; the language is the question's own unless the asker says otherwise."""
    return Request(
        id=id or secrets.token_hex(6),
        question=question.strip(),
        language=language or language_of(question),
        cluster_id=cluster_id or None,
        user=user or "anonymous",
        source=source,
        context_id=context_id,
        root_context_id=root_context_id,
        created_at=now(),
    )


def now() -> datetime:
    """The present, with time zone."""
    return datetime.now(UTC)
