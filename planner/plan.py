"""A Plan: a directed acyclic graph of Subtasks with a goal. Pure data, revisable, and the rules that keep it sound."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from agents.runtime.findings import Wire

SubtaskStatus = Literal["pending", "running", "input_required", "done", "failed", "skipped", "cancelled"]
OVER: frozenset[SubtaskStatus] = frozenset({"done", "failed", "skipped", "cancelled"})
Intent = Literal["diagnose", "repair", "facts", "change", "report"]
"""What the answer is about: causes, causes and what ends them, facts that were asked for, a change,
or the facts of a health report."""
ORDERS: frozenset[Intent] = frozenset({"repair", "change"})
"""Something is to be changed: a person is asked for the approval."""

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


class PlanError(ValueError):
    """A plan that breaks the rules; `problems` has one line per broken rule."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("the plan is not valid: " + "; ".join(self.problems))


class Subtask(Wire):
    """One piece of work for one specialist. It becomes one A2A task."""

    id: str
    specialist: str
    title: str
    """A few words for people who watch, in the asker's language."""
    instruction: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    depth: int = 0
    """0 for the first plan; one more than the finding that led to it for a follow-up."""
    status: SubtaskStatus = "pending"
    note: str = ""
    """Why it failed or was skipped."""
    task_id: str | None = None
    """The A2A task, once the member has told it."""
    context_id: str | None = None
    reply: str | None = None
    """A person's answer that the member waits for."""
    turn: int = 0
    """How many messages the member has had before this one: a person's reply is a new one, and so is a new attempt."""
    continues: bool = False
    """This turn's message answers a question of `task_id`; otherwise that is what the message began."""
    given_seconds: float | None = None
    """The time that the message gives the member: a message that is sent again must be the same to the letter."""
    deadline_seconds: float | None = None
    """Its own time limit, where that of all subtasks does not fit: a rollout takes its time."""
    after_change: bool = False
    """It looks at what a change brought; what it finds is no cause of what was asked."""
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def over(self) -> bool:
        """It will not run (again)."""
        return self.status in OVER

    def seconds(self, now: datetime) -> float | None:
        """How long it has run, None when it has not started."""
        if self.started_at is None:
            return None
        return round(((self.ended_at or now) - self.started_at).total_seconds(), 3)


class Plan(Wire):
    """What the team will do for a Request."""

    id: str
    request_id: str
    goal: str
    intent: Intent = "diagnose"
    strategy: str = "runbook"
    """Who made it: `runbook`, or the model's name."""
    revision: int = 0
    subtasks: tuple[Subtask, ...] = ()

    def subtask(self, id: str) -> Subtask:
        """Raises KeyError when there is none of that id."""
        for subtask in self.subtasks:
            if subtask.id == id:
                return subtask
        raise KeyError(id)

    def ready(self) -> list[Subtask]:
        """Pending subtasks whose dependencies are over, at least one of them with a result to build on."""
        status = self._statuses()
        return [s for s in self._released(status) if not s.depends_on or "done" in _states(s, status)]

    def hopeless(self) -> list[Subtask]:
        """Pending subtasks that depend only on work that brought nothing."""
        status = self._statuses()
        return [s for s in self._released(status) if s.depends_on and "done" not in _states(s, status)]

    def _statuses(self) -> dict[str, SubtaskStatus]:
        return {subtask.id: subtask.status for subtask in self.subtasks}

    def _released(self, status: dict[str, SubtaskStatus]) -> list[Subtask]:
        return [s for s in self.subtasks if s.status == "pending" and _states(s, status) <= OVER]

    @property
    def over(self) -> bool:
        """No subtask is left to run."""
        return all(subtask.over for subtask in self.subtasks)

    def with_subtask(self, changed: Subtask) -> Plan:
        """The same plan with one subtask in its new state."""
        subtasks = tuple(changed if subtask.id == changed.id else subtask for subtask in self.subtasks)
        return self.model_copy(update={"subtasks": subtasks})

    def extended(self, added: Iterable[Subtask]) -> Plan:
        """The next revision, with follow-ups."""
        return self.model_copy(update={"subtasks": (*self.subtasks, *added), "revision": self.revision + 1})

    def message_id(self, subtask: Subtask) -> str:
        """The same for every attempt to send this turn of this subtask, so that the receiver recognises a repeat."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.id}/{subtask.id}/{subtask.turn}"))


def numbered(stem: str, plan: Plan) -> str:
    """An id that the plan has not yet: `stem`, `stem-2`, …"""
    taken = {subtask.id for subtask in plan.subtasks}
    numbers = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(id for id in numbers if id not in taken)


def new_plan_id(request_id: str) -> str:
    """One plan per request: planning again after a crash yields the same id."""
    return str(uuid.uuid5(_NAMESPACE, f"plan/{request_id}"))


def check(plan: Plan, members: Collection[str], *, max_subtasks: int, max_depth: int) -> None:
    """Raises PlanError unless every subtask has a known specialist and a way to run, within the bounds."""
    problems = [*_size(plan, max_subtasks, max_depth), *_names(plan, members)]
    if not problems and (cycle := cyclic(plan.subtasks)):
        problems.append(f"these subtasks wait for each other: {', '.join(sorted(cycle))}")
    if problems:
        raise PlanError(problems)


def _size(plan: Plan, max_subtasks: int, max_depth: int) -> Iterable[str]:
    if not plan.subtasks:
        yield "it has no subtasks"
    if len(plan.subtasks) > max_subtasks:
        yield f"it has {len(plan.subtasks)} subtasks, and {max_subtasks} are allowed"
    if any(subtask.depth > max_depth for subtask in plan.subtasks):
        yield f"follow-ups of follow-ups go deeper than {max_depth}"


def _names(plan: Plan, members: Collection[str]) -> Iterable[str]:
    ids = [subtask.id for subtask in plan.subtasks]
    known = set(ids)
    if len(known) < len(ids):
        yield f"ids are used twice: {', '.join(sorted({id for id in known if ids.count(id) > 1}))}"
    for subtask in plan.subtasks:
        if subtask.specialist not in members:
            yield f"{subtask.id}: there is no specialist {subtask.specialist!r} (there are {', '.join(members)})"
        if not subtask.instruction.strip():
            yield f"{subtask.id}: it has no instruction"
        for missing in sorted(set(subtask.depends_on) - known):
            yield f"{subtask.id}: it depends on {missing!r}, which is not in the plan"


def cyclic(subtasks: Iterable[Subtask]) -> set[str]:
    """The ids that can never become ready: those on a cycle, and those behind one."""
    waiting = {subtask.id: set(subtask.depends_on) for subtask in subtasks}
    needed_by: dict[str, list[str]] = {}
    for id, dependencies in waiting.items():
        for dependency in dependencies:
            needed_by.setdefault(dependency, []).append(id)
    free = [id for id, dependencies in waiting.items() if not dependencies]
    while free:
        done = free.pop()
        del waiting[done]
        for id in needed_by.get(done, ()):
            waiting[id].discard(done)
            if not waiting[id]:
                free.append(id)
    return set(waiting)


def _states(subtask: Subtask, status: dict[str, SubtaskStatus]) -> set[SubtaskStatus]:
    return {status[id] for id in subtask.depends_on}
