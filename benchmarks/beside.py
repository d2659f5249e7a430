"""What a change brought, on a machine that is never quiet: this checkout and others, asked in turns.

    git worktree add /tmp/before COMMIT
    python -m benchmarks.beside /tmp/before [--requests 20]

The requests of `benchmarks.team` at L = 50 ms; CPU of all threads as the scheduler counts it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import CRITICAL_PATH
from benchmarks.processes import Service
from benchmarks.team import AT_ONCE, Team, model_server, our_team

LATENCY = 0.05
WARM_UP = 12
BURSTS = 2


@dataclass
class Side:
    """One checkout's team, and what its requests took so far."""

    checkout: Path
    team: Team
    seconds: list[float] = field(default_factory=list[float])
    cpu_ms: list[list[float]] = field(default_factory=list[list[float]])
    """Of each request, by process."""
    tokens: int = 0
    per_second: list[float] = field(default_factory=list[float])

    async def ask(self, user: int) -> None:
        """One request, measured."""
        await self.team.model.takes(LATENCY)
        before, began = [_cpu_ms(service) for service in self.team.services], time.perf_counter()
        await self.team.ask(user)
        self.seconds.append(time.perf_counter() - began)
        self.cpu_ms.append([_cpu_ms(service) - then for service, then in zip(self.team.services, before, strict=True)])
        self.tokens += (await self.team.model.takes(LATENCY))["tokens"]

    async def burst(self) -> None:
        """Many requests at once."""
        began = time.perf_counter()
        await asyncio.gather(*(self.team.ask(user) for user in range(AT_ONCE)))
        self.per_second.append(AT_ONCE / (time.perf_counter() - began))

    def __str__(self) -> str:
        cpu = [statistics.mean(spent) for spent in zip(*self.cpu_ms, strict=True)]
        latency = statistics.median(self.seconds) / (CRITICAL_PATH * LATENCY)
        rates = ", ".join(f"{rate:.1f}" for rate in self.per_second)
        return (
            f"{self.checkout}: {latency:.2f} x 5L; CPU {sum(cpu):.1f} ms, of it planner {cpu[0]:.1f}; "
            f"{self.tokens / len(self.seconds):,.0f} tokens; {AT_ONCE} at once: {rates} requests/s"
        )


def _cpu_ms(service: Service) -> float:
    """CPU time of all threads so far, to the nanosecond: a request takes but a few of the kernel's ticks."""
    threads = Path(f"/proc/{service.process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6


async def compare(checkouts: list[Path], requests: int) -> None:
    """Starts all, asks them in turns, and prints a line for each."""
    async with AsyncExitStack() as stack:
        model, folder = await stack.enter_async_context(model_server())
        sides: list[Side] = []
        for number, checkout in enumerate(checkouts):
            own = folder / str(number)
            own.mkdir()
            sides.append(Side(checkout, await stack.enter_async_context(our_team(model, own, checkout))))
        await model.takes(LATENCY)
        for side in sides:
            for user in range(WARM_UP):
                await side.team.ask(user)
        for user in range(requests):
            for side in sides:
                await side.ask(user)
        for _ in range(BURSTS):
            for side in sides:
                await side.burst()
        print("\n".join(map(str, sides)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--requests", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(compare([*arguments.checkouts, Path.cwd()], arguments.requests))


if __name__ == "__main__":
    main()
