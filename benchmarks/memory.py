"""What many requests leave behind in memory: the resident size of every process while they are answered.

    python -m benchmarks.memory [--requests 10000]

The team of `benchmarks.team` with the model server at L = 10 ms, 32 requests at once. "Growth" is the slope of a
straight line through the sizes after the warm-up, per 1,000 requests.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator

from benchmarks.load import ANSWER
from benchmarks.team import Team, model_server, our_team

AT_ONCE = 32
LATENCY = 0.01
LOOKS = 20
"""So many times the sizes are read."""
WARM_UP = 0.2
"""Part of the requests that pools, caches and allocators need to fill."""


async def measure(team: Team, requests: int) -> list[tuple[int, list[float]]]:
    """Megabytes of each process after so many requests, LOOKS times."""
    sizes: list[tuple[int, list[float]]] = []
    began = time.perf_counter()
    for look in range(LOOKS):
        first, last = requests * look // LOOKS, requests * (look + 1) // LOOKS
        queue = iter(range(first, last))
        wrong = sum(await asyncio.gather(*(_ask(team, queue) for _ in range(AT_ONCE))))
        sizes.append((last, [service.megabytes for service in team.services]))
        rate = last / (time.perf_counter() - began)
        print(f"{last:6} requests, {rate:4.1f}/s, wrong answers {wrong}: {_line(sizes[-1][1])}", flush=True)
    return sizes


async def _ask(team: Team, numbers: Iterator[int]) -> int:
    """Asks one request after the other; gives how many answers were wrong."""
    wrong = 0
    for number in numbers:
        wrong += ANSWER.strip() not in await team.ask(number)
    return wrong


def _line(sizes: list[float]) -> str:
    return "  ".join(f"{size:6.1f}" for size in sizes)


def print_table(team: Team, sizes: list[tuple[int, list[float]]]) -> None:
    """One row per process."""
    warm = [(count, row) for count, row in sizes if count >= sizes[-1][0] * WARM_UP]
    print(f"\n| process   | MB at {warm[0][0]:,} | MB at {warm[-1][0]:,} | growth, MB per 1,000 |")
    print("|-----------|------------:|------------:|---------------------:|")
    for place, service in enumerate(team.services):
        counts, own = [count / 1000 for count, _ in warm], [row[place] for _, row in warm]
        slope = statistics.linear_regression(counts, own).slope
        print(f"| {service.name:9} | {own[0]:11.1f} | {own[-1]:11.1f} | {slope:20.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    asyncio.run(_main(parser.parse_args().requests))


async def _main(requests: int) -> None:
    async with model_server() as (model, folder), our_team(model, folder) as team:
        await model.takes(LATENCY)
        print_table(team, await measure(team, requests))


if __name__ == "__main__":
    main()
