"""What an agent needs from a person before it goes on, and what the person says to it, as typed values.

An executor that pauses sends its Pauses beside the question (`wire.pause_part`); whoever answers sends a Reply
(`wire.reply_part`), checked against the Pauses that wait. How other people's user interfaces draw and answer them is
the business of `agents.runtime.kagent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from agents.runtime.findings import Wire

PAUSE_MEDIA_TYPE = "application/vnd.kubeteam.pause+json"
REPLY_MEDIA_TYPE = "application/vnd.kubeteam.reply+json"

ASK_USER = "ask_user"
"""The tool of a Pause that asks something instead of asking for permission."""


class ReplyError(ValueError):
    """A reply that does not fit what was asked; the text says why. The task goes on waiting."""


class Question(Wire):
    """One thing that a person is asked."""

    question: str
    choices: tuple[str, ...] = ()
    """The possible answers; empty means free text."""
    multiple: bool = False


class ChildPause(Wire):
    """The task of another agent that waits for the same decision."""

    agent: str
    """The member's name."""
    task_id: str
    context_id: str
    pauses: tuple[Pause, ...]
    """Its own pending calls: what the person sees and decides on."""


class Pause(Wire):
    """One tool call that waits for a person."""

    id: str
    """Of the confirmation; unique in the task."""
    call_id: str
    """Of the call; unique per pause, because decisions name it."""
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    """What is shown to the person: the call's arguments, and risk and diff where there are any."""
    hint: str = ""
    child: ChildPause | None = None
    questions: tuple[Question, ...] = ()
    """With questions the person answers, without any the person approves or rejects."""

    @property
    def visible(self) -> tuple[Pause, ...]:
        """What the person decides on: the child's calls when there are any, else this one."""
        return self.child.pauses if self.child is not None and self.child.pauses else (self,)


class Pauses(Wire):
    """What one status message waits for."""

    pauses: tuple[Pause, ...]


class Verdict(Wire):
    """A person's word on one call."""

    approved: bool
    reason: str = Field(default="", max_length=2000)


class Reply(Wire):
    """What a person says to the Pauses of a task. Who said it is the caller of the request, never part of it."""

    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    """By `call_id`; a call that is not named counts as rejected (see `checked`)."""
    answers: tuple[tuple[str, ...], ...] = ()
    """One per question, in order; several words where a question allowed that."""

    @property
    def declined(self) -> bool:
        """Nothing was approved, and nothing answered."""
        return not any(verdict.approved for verdict in self.verdicts.values())


def ask(id: str, questions: Sequence[Question], hint: str = "") -> Pause:
    """A Pause that asks a person."""
    args = {"questions": [question.model_dump() for question in questions]}
    return Pause(id=id, call_id=f"{id}-call", tool=ASK_USER, args=args, hint=hint, questions=tuple(questions))


def visible_calls(pauses: Iterable[Pause]) -> list[Pause]:
    """All calls that a person sees, in order."""
    return [call for pause in pauses for call in pause.visible]


def checked(reply: Reply, pauses: Sequence[Pause]) -> Reply:
    """The reply with a verdict for every call that waits; what nobody said anything about is rejected.

    Raises ReplyError for calls that do not wait, and for answers that do not match the questions.
    """
    waiting = {call.call_id: call for call in visible_calls(pauses)}
    unknown = sorted(set(reply.verdicts) - set(waiting))
    if unknown:
        raise ReplyError(f"nothing waits for a decision on {', '.join(unknown)}")
    silent = Verdict(approved=False)
    complete = Reply(verdicts={id: reply.verdicts.get(id, silent) for id in waiting}, answers=reply.answers)
    asked = [question for call in waiting.values() for question in call.questions]
    if not complete.declined and len(reply.answers) != len(asked):
        raise ReplyError(f"there are {len(asked)} questions and {len(reply.answers)} answers")
    return complete
