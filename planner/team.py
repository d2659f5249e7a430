"""The team as the planner knows it: what each member's card promises, and how a member is asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Protocol

from agents.runtime.findings import SubtaskInput, Wire
from agents.runtime.settings import BUILT_IN, AgentSettings
from agents.runtime.updates import Update


class ToolUnavailable(RuntimeError):
    """A member's tool could not be called; the text says why."""


class MemberClient(Protocol):
    """How one member is reached; `agents.runtime.client.Member` is one."""

    def run(
        self,
        instruction: str,
        subtask: SubtaskInput,
        *,
        message_id: str,
        context_id: str | None = None,
        task_id: str | None = None,
        user: str | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        left: asyncio.Event | None = None,
        patience: float | None = None,
    ) -> AsyncGenerator[Update]:
        """Sends one message and yields what comes back, ending with InputRequired, Completed or Failed.

        Closing the generator, or cancelling who reads it, cancels the remote task, unless `left` is set. `patience` is
        for how many seconds a member may be out of reach. `headers` go with the message, and so does the trace at hand.
        """
        ...

    async def cancel(self, task_id: str, *, user: str | None = None) -> None:
        """Stops a task; one that is over or unknown is no error."""
        ...

    def leave(self) -> None:
        """From now on, whoever stops reading leaves the remote task at work."""
        ...


class Skill(Wire):
    """One thing that a member says it can do."""

    id: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class Profile(Wire):
    """A member's card, as far as planning needs it."""

    name: str
    description: str = ""
    skills: tuple[Skill, ...] = ()
    built_in: bool = False

    def words(self) -> dict[str, int]:
        """What the member is about: each word with its weight, a tag or skill name counting as much as two others."""
        weights: dict[str, int] = {}
        for skill in self.skills:
            for weight, text in ((2, " ".join((*skill.tags, skill.name, skill.id))), (1, skill.description)):
                _weigh(weights, text, weight)
            _weigh(weights, " ".join(skill.examples), 1)
        _weigh(weights, self.name, 2)
        _weigh(weights, self.description, 1)
        return weights


Team = dict[str, Profile]
"""Members by name, in the order in which they are asked."""


def declared(name: str, settings: AgentSettings) -> Profile:
    """The profile of a member as team.yaml declares it, before (or without) its card."""
    skills = tuple(Skill.model_validate(skill.model_dump()) for skill in settings.skills)
    return Profile(name=name, description=settings.description, skills=skills, built_in=name in BUILT_IN)


_STOP_WORDS = """
a an and are as at be by can do does for from has have how i in is it its kubernetes cluster of on or our that the their
them there this to up was we what when where which who why will with you your agent answers answer asks ask finds find
show shows tell about any all not no me my please get give pod pods service services deployment deployments namespace
app application
"""
_STOP = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"[a-z0-9][a-z0-9\-]+|[㐀-鿿]+")


def words_of(text: str) -> list[str]:
    """Lower-case words that say something; Chinese text as pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(text.lower().replace("_", " ")):
        if word[0] >= "㐀":
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.extend(_stem(part) for part in (word, *word.split("-")) if part not in _STOP and len(part) > 2)
    return list(dict.fromkeys(found))


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _weigh(weights: dict[str, int], text: str, weight: int) -> None:
    for word in words_of(text):
        weights[word] = max(weight, weights.get(word, 0))


def matching(question: str, members: Iterable[Profile]) -> list[tuple[Profile, int]]:
    """Members whose cards speak of what is asked, best first, each with the weight of the words in common.

    A weight of 2 is one tag or two words of a description: enough to be worth asking.
    """
    asked = set(words_of(question))
    scored = ((member, sum(w for word, w in member.words().items() if word in asked)) for member in members)
    return sorted(((m, score) for m, score in scored if score >= 2), key=lambda pair: -pair[1])
