"""Live progress of a request: a tree on a terminal, plain lines when piped. Always on standard error."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from kubeteam.planner_client import Event

_MARKS = {"done": "[green]✓[/]", "failed": "[red]✗[/]", "cancelled": "[yellow]–[/]", "pending": "[dim]·[/]"}
_RUNNING = ("running", "dispatched")


@dataclass
class SubtaskView:
    """What the screen shows of one subtask."""

    id: str
    specialist: str
    goal: str = ""
    status: str = "pending"
    note: str = ""
    seconds: float | None = None
    depends_on: list[str] = field(default_factory=list)


@dataclass
class PlanView:
    """The plan as far as events have told it."""

    goal: str = ""
    status: str = "queued"
    subtasks: dict[str, SubtaskView] = field(default_factory=dict)

    def apply(self, event: Event) -> SubtaskView | None:
        """Takes one event in; returns the subtask that it changed, if any."""
        data = event.data
        if event.type == "request":
            self.status = str(data.get("status", self.status))
        elif event.type == "plan":
            self.goal = str(data.get("goal", ""))
            for item in data.get("subtasks", []):
                self._subtask(item)
        elif event.type == "subtask":
            return self._subtask(data)
        elif event.type == "progress" and data.get("subtask") in self.subtasks:
            subtask = self.subtasks[data["subtask"]]
            subtask.note = str(data.get("text", ""))
            return subtask
        return None

    def _subtask(self, data: dict[str, Any]) -> SubtaskView:
        view = self.subtasks.setdefault(data["id"], SubtaskView(data["id"], data.get("specialist", "?")))
        view.status = data.get("status", view.status)
        view.seconds = data.get("seconds", view.seconds)
        view.note = data.get("note") or view.note
        view.goal = data.get("goal") or data.get("instruction") or view.goal
        view.depends_on = data.get("depends_on", view.depends_on)
        return view


class Progress(Protocol):
    """Shows events as they come."""

    def __enter__(self) -> Progress: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, event: Event) -> None: ...


def progress(quiet: bool = False) -> Progress:
    """The right Progress for where standard error goes."""
    console = Console(stderr=True)
    if quiet:
        return SilentProgress()
    return TreeProgress(console) if console.is_terminal else LineProgress()


class SilentProgress:
    """Shows nothing."""

    def __enter__(self) -> SilentProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        return None


class LineProgress(SilentProgress):
    """One line per change, for logs and pipes."""

    def __init__(self) -> None:
        self._plan = PlanView()
        self._began = time.monotonic()
        self._last: dict[str, tuple[str, str]] = {}

    def show(self, event: Event) -> None:
        subtask = self._plan.apply(event)
        if event.type == "plan":
            names = ", ".join(f"{s.id} ({s.specialist})" for s in self._plan.subtasks.values())
            self._line(f"plan: {self._plan.goal}: {names}")
        elif event.type == "input_required":
            self._line(f"needs input: {event.data.get('question', '')}")
        elif subtask and self._last.get(subtask.id) != (subtask.status, subtask.note):
            self._last[subtask.id] = (subtask.status, subtask.note)
            self._line(f"{subtask.specialist}: {subtask.status}{': ' + subtask.note if subtask.note else ''}")

    def _line(self, text: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - self._began:5.1f}s] {text}\n")
        sys.stderr.flush()


class TreeProgress(SilentProgress):
    """The plan as a tree: what runs, what is done, what each specialist does just now."""

    def __init__(self, console: Console) -> None:
        self._plan = PlanView()
        self._live = Live(self._render(), console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> TreeProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.update(self._render())
        self._live.stop()

    def show(self, event: Event) -> None:
        self._plan.apply(event)
        self._live.update(self._render())

    def _render(self) -> Tree:
        tree = Tree(Text(self._plan.goal or "planning …", style="bold"), guide_style="dim")
        for subtask in self._plan.subtasks.values():
            tree.add(_subtask_line(subtask))
        return tree


def _subtask_line(subtask: SubtaskView) -> Spinner | Text:
    took = f" {subtask.seconds:.1f}s" if subtask.seconds is not None else ""
    after = f" after {', '.join(subtask.depends_on)}" if subtask.depends_on else ""
    text = Text.assemble((subtask.specialist, "cyan"), (f"{after}{took}", "dim"), "  ", subtask.note[:100])
    if subtask.status in _RUNNING:
        return Spinner("dots", text=text)
    return Text.from_markup(_MARKS.get(subtask.status, _MARKS["pending"]) + " ").append_text(text)
