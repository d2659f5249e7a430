"""What the planner itself costs per subtask, in plans of 10, 100 and 1,000: `python -m benchmarks.plans`.

Wide, deep and random plans over members that answer at once, in this process, with the store on SQLite. CPU of the
whole process, threads of the store included; of a few runs the middle one. No model, no network: all is overhead.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.runtime.findings import Finding, SubtaskInput, Usage
from agents.runtime.settings import LimitSettings
from agents.runtime.updates import Completed, Progress, TaskStarted, Update
from planner.answer import Answer
from planner.engine import Desk
from planner.plan import Plan, Subtask
from planner.request import Request, new_request
from planner.store import Store
from planner.supervisor import Supervisor
from planner.team import Profile, Team
from planner.watch import Watch

SIZES = (10, 100, 1_000)
RUNS = 3
TARGET_MS = 5.0
NAMES = ("diagnoser", "auditor", "metrics", "executor")


class Prompt:
    """A member that has taken every task, said a line about it, and finished it, before anybody can wait."""

    async def run(
        self, instruction: str, subtask: SubtaskInput, *, message_id: str, **_: Any
    ) -> AsyncGenerator[Update]:
        yield TaskStarted(task_id=f"task-{message_id}", context_id="context")
        yield Progress("Calling find_root_causes")
        yield Completed(Finding(specialist="diagnoser", text="Nothing is wrong here."))

    async def cancel(self, task_id: str, *, user: str | None = None) -> None:
        raise AssertionError("nothing is cancelled here")


class Members:
    """Four prompt members."""

    def __init__(self) -> None:
        self._member: Any = Prompt()

    async def profiles(self) -> Team:
        return {name: Profile(name=name, built_in=True) for name in NAMES}

    async def clusters(self) -> list[str]:
        return ["demo"]

    def client(self, name: str) -> Any:
        return self._member

    def leave(self) -> None:
        """Nobody has to be told."""

    async def call_tool(self, member: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("no decisions are carried out here")


class Given:
    """A strategy with the plan in its hand."""

    def __init__(self, subtasks: Sequence[Subtask]) -> None:
        self._subtasks = tuple(subtasks)

    async def plan(self, request: Request, team: Team) -> tuple[Plan, Usage, list[str]]:
        return Plan(id=f"p-{request.id}", request_id=request.id, goal="g", subtasks=self._subtasks), Usage(), []

    async def answer(
        self, request: Request, plan: Plan, findings: Mapping[str, Finding]
    ) -> tuple[Answer, Usage, list[str]]:
        return Answer(text=f"{len(findings)} findings"), Usage(), []


def _subtask(number: int, depends_on: Sequence[int] = ()) -> Subtask:
    return Subtask(
        id=f"s{number}",
        specialist=NAMES[number % len(NAMES)],
        title=f"part {number}",
        instruction=f"Look at part {number}.",
        depends_on=tuple(f"s{other}" for other in depends_on),
    )


def wide(size: int) -> list[Subtask]:
    """All at once."""
    return [_subtask(number) for number in range(size)]


def deep(size: int) -> list[Subtask]:
    """One after the other."""
    return [_subtask(number, [number - 1] if number else []) for number in range(size)]


def mixed(size: int) -> list[Subtask]:
    """Each needs up to three earlier ones, the same in every run."""
    dice = random.Random(size)
    return [_subtask(n, dice.sample(range(n), min(n, dice.randint(0, 3)))) for n in range(size)]


SHAPES: dict[str, Callable[[int], list[Subtask]]] = {"wide": wide, "deep": deep, "random": mixed}


async def milliseconds(subtasks: Sequence[Subtask], folder: Path) -> tuple[float, float]:
    """CPU and wall time per subtask of one plan, from the question to the stored answer."""
    store = Store(f"sqlite+aiosqlite:///{folder / 'planner.db'}")
    await store.open()
    limits = LimitSettings(request_deadline_seconds=3600)
    supervisor = Supervisor(Desk(store, Watch(store), Members(), Given(subtasks), limits))
    await supervisor.start()
    request = new_request("Why is web down?", cluster_id="demo")
    cpu, wall = time.process_time(), time.perf_counter()
    await supervisor.submit(request)
    while not (await store.request(request.id)).ended:  # noqa: ASYNC110 - what watches would be measured, too
        await asyncio.sleep(0.02)
    spent = (time.process_time() - cpu) * 1000 / len(subtasks), (time.perf_counter() - wall) * 1000 / len(subtasks)
    answer = await store.answer(request.id)
    assert answer is not None and answer.text == f"{len(subtasks)} findings", "a subtask was lost"
    await supervisor.stop()
    await store.close()
    return spent


async def main() -> None:
    """Prints the table for docs/performance.md."""
    sys.stdout.write(
        "| plan | subtasks | CPU ms per subtask | wall ms per subtask | target met |\n|---|--:|--:|--:|---|\n"
    )
    for shape, make in SHAPES.items():
        for size in SIZES:
            runs: list[tuple[float, float]] = []
            for _ in range(RUNS):
                with tempfile.TemporaryDirectory(prefix="kubeteam-plans-") as folder:
                    runs.append(await milliseconds(make(size), Path(folder)))
            cpu, wall = (statistics.median(column) for column in zip(*runs, strict=True))
            met = "yes" if cpu <= TARGET_MS else "no"
            sys.stdout.write(f"| {shape} | {size:,} | {cpu:.2f} | {wall:.2f} | {met} |\n")


if __name__ == "__main__":
    asyncio.run(main())
