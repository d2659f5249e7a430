"""What a change brought, on a machine that is never quiet: this checkout and others, measured in turns.

    git worktree add /tmp/before COMMIT
    python -m benchmarks.beside /tmp/before [--rounds 3] [--requests 30]

The requests of `benchmarks.team` at L = 50 ms; CPU of all threads as the scheduler counts it. Only one team runs at a
time: what another one does while it is idle would cost this one its caches.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import CRITICAL_PATH
from benchmarks.processes import Service
from benchmarks.team import AT_ONCE, Team, model_server, our_team

LATENCY = 0.05
WARM_UP = 12


@dataclass
class Side:
    """One checkout, and what its teams' requests took so far."""

    checkout: Path
    seconds: list[float] = field(default_factory=list[float])
    cpu_ms: list[list[float]] = field(default_factory=list[list[float]])
    """Of each request, by process."""
    tokens: int = 0
    per_second: list[float] = field(default_factory=list[float])

    async def measure(self, team: Team, requests: int) -> None:
        """Requests one at a time, then many at once."""
        for user in range(WARM_UP):
            await team.ask(user)
        await team.model.takes(LATENCY)
        for user in range(requests):
            before, began = [_cpu_ms(service) for service in team.services], time.perf_counter()
            await team.ask(user)
            self.seconds.append(time.perf_counter() - began)
            self.cpu_ms.append([_cpu_ms(service) - then for service, then in zip(team.services, before, strict=True)])
        self.tokens += (await team.model.takes(LATENCY))["tokens"]
        began = time.perf_counter()
        await asyncio.gather(*(team.ask(user) for user in range(AT_ONCE)))
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


async def compare(checkouts: list[Path], rounds: int, requests: int) -> None:
    """Starts, measures and stops one team after the other, several times, and prints a line for each checkout."""
    sides = [Side(checkout) for checkout in checkouts]
    async with model_server() as (model, folder):
        for side in sides * rounds:
            with TemporaryDirectory(dir=folder) as own:
                async with our_team(model, Path(own), side.checkout) as team:
                    await model.takes(LATENCY)
                    await side.measure(team, requests)
    print("\n".join(map(str, sides)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=30)
    arguments = parser.parse_args()
    asyncio.run(compare([*arguments.checkouts, Path.cwd()], arguments.rounds, arguments.requests))


if __name__ == "__main__":
    main()
