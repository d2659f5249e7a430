"""A plan under way: which subtasks can start, kept up to date step by step instead of looked for in the whole plan."""

from __future__ import annotations

from collections.abc import Iterable

from planner.plan import Plan, Subtask


class Board:
    """The subtasks of one plan by id. A step costs what it touches, however large the plan is."""

    def __init__(self, plan: Plan) -> None:
        self._head = plan.model_copy(update={"subtasks": ()})
        self._subtasks: dict[str, Subtask] = {}
        self._waits: dict[str, int] = {}
        """How many of its dependencies are not over."""
        self._needed_by: dict[str, list[str]] = {}
        self._released: list[str] = []
        """Pending, with all dependencies over."""
        self._whole: Plan | None = None
        self._add(plan.subtasks)

    @property
    def plan(self) -> Plan:
        """The plan as it stands."""
        if self._whole is None:
            self._whole = self._head.model_copy(update={"subtasks": tuple(self._subtasks.values())})
        return self._whole

    @property
    def plan_id(self) -> str:
        """The plan's id."""
        return self._head.id

    def __getitem__(self, id: str) -> Subtask:
        return self._subtasks[id]

    def message_id(self, subtask: Subtask) -> str:
        """See `Plan.message_id`."""
        return self._head.message_id(subtask)

    def put(self, changed: Subtask) -> None:
        """One subtask in its new state."""
        before = self._subtasks[changed.id]
        self._subtasks[changed.id] = changed
        self._whole = None
        if changed.over and not before.over:
            for id in self._needed_by.get(changed.id, ()):
                self._waits[id] -= 1
                if self._waits[id] == 0:
                    self._released.append(id)

    def extend(self, added: Iterable[Subtask]) -> None:
        """The next revision, with follow-ups."""
        self._head = self._head.model_copy(update={"revision": self._head.revision + 1})
        self._add(added)

    def ready(self) -> list[Subtask]:
        """Pending subtasks whose dependencies are over, at least one of them with a result to build on."""
        return [subtask for subtask in self._open() if self._has_ground(subtask)]

    def hopeless(self) -> list[Subtask]:
        """Pending subtasks that depend only on work that brought nothing."""
        return [subtask for subtask in self._open() if not self._has_ground(subtask)]

    def _add(self, added: Iterable[Subtask]) -> None:
        new = {subtask.id: subtask for subtask in added}
        self._subtasks |= new
        self._whole = None
        for id, subtask in new.items():
            waits = [other for other in subtask.depends_on if not self._subtasks[other].over]
            self._waits[id] = len(waits)
            for other in waits:
                self._needed_by.setdefault(other, []).append(id)
            if not waits:
                self._released.append(id)

    def _open(self) -> list[Subtask]:
        self._released = [id for id in self._released if self._subtasks[id].status == "pending"]
        return [self._subtasks[id] for id in self._released]

    def _has_ground(self, subtask: Subtask) -> bool:
        return not subtask.depends_on or any(self._subtasks[id].status == "done" for id in subtask.depends_on)
