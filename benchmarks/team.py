"""The team against an ADK coordinator with the same specialists: latency, CPU, throughput, tokens, memory.

    python -m benchmarks.team [--minutes 3]

Both are five processes with LiteLLM, a model server whose answers take a set time L beside them, and do the work of
`benchmarks.load`. All on loopback. The longest that it may take is
three minutes, which a busy machine may exceed: then it ends without a table, and `--minutes` gives it more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.load import ANSWER, CRITICAL_PATH, MODEL_CALLS, QUESTION, SPECIALISTS
from benchmarks.processes import Service, free_ports, started
from kubeteam.planner_client import PlannerClient

WARM_UP, MANY, FEW, AT_ONCE = 10, 20, 3, 32
SECONDS_PER_REQUEST = 60

Ask = Callable[[int], Awaitable[str]]
"""Asks the question as one of several users and returns the answer."""


@dataclass(frozen=True)
class Team:
    """A team that runs: how to ask it, and its processes, the one that is asked first."""

    ask: Ask
    services: list[Service]
    model: Model


@dataclass(frozen=True)
class Model:
    """The model server."""

    url: str

    async def takes(self, seconds: float) -> dict[str, int]:
        """Sets L; returns calls and input tokens since the last time."""
        async with httpx.AsyncClient() as http:
            return (await http.post(f"{self.url}/control", json={"latency": seconds})).json()


@dataclass(frozen=True)
class Measure:
    """What one team needed. Latencies are medians, as multiples of the critical path's 5 L."""

    at_50_ms: float
    at_500_ms: float
    cpu_ms: float
    first_cpu_ms: float
    busy_cpu_ms: float
    """Like `cpu_ms`, of requests that come together: with a warm cache and shared turns of the loop."""
    per_second: float
    failed: int
    calls: float
    tokens: float
    start_cpu: float
    start_mb: float
    after_mb: float


async def measure(team: Team) -> Measure:
    """All measurements, in a fixed order."""
    start_cpu = sum(service.cpu_to_ready for service in team.services)
    start_mb = _memory(team)
    await team.model.takes(0.05)
    for user in range(WARM_UP):
        await _asked(team, user)
    after_mb = _memory(team)
    await team.model.takes(0.05)
    before = _spent(team)
    quick = [await _asked(team, user) for user in range(MANY)]
    spent = [now - then for now, then in zip(_spent(team), before, strict=True)]
    counts = await team.model.takes(0.5)
    slow = [await _asked(team, user) for user in range(FEW)]
    await team.model.takes(0.05)
    began, before = time.perf_counter(), _spent(team)
    crowd = await asyncio.gather(*(_asked(team, user) for user in range(AT_ONCE)))
    seconds = time.perf_counter() - began
    busy = sum(_spent(team)) - sum(before)
    return Measure(
        at_50_ms=_median(quick) / (CRITICAL_PATH * 0.05),
        at_500_ms=_median(slow) / (CRITICAL_PATH * 0.5),
        cpu_ms=sum(spent) * 1000 / MANY,
        first_cpu_ms=spent[0] * 1000 / MANY,
        busy_cpu_ms=busy * 1000 / AT_ONCE,
        per_second=sum(one is not None for one in crowd) / seconds,
        failed=sum(one is None for one in (*quick, *slow, *crowd)),
        calls=counts["calls"] / MANY,
        tokens=counts["tokens"] / MANY,
        start_cpu=start_cpu,
        start_mb=start_mb,
        after_mb=after_mb,
    )


async def _asked(team: Team, user: int) -> float | None:
    """Seconds until the right answer; None when it was another or none."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(SECONDS_PER_REQUEST):
            answer = await team.ask(user)
    except (OSError, httpx.HTTPError, TimeoutError) as error:
        print(f"  failed: {error!r}")
        return None
    return time.perf_counter() - began if ANSWER.strip() in answer else None


def _median(times: list[float | None]) -> float:
    return statistics.median(one for one in times if one is not None)


def _spent(team: Team) -> list[float]:
    return [service.cpu_seconds for service in team.services]


def _memory(team: Team) -> float:
    return sum(service.megabytes for service in team.services)


@asynccontextmanager
async def model_server() -> AsyncGenerator[tuple[Model, Path]]:
    """The model server, and a folder for whoever asks it; both are gone afterwards."""
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="kubeteam-benchmark-") as name:
        folder, command = Path(name), ["benchmarks.model_server", str(port)]
        async with started({"model": command}, {"model": port}, folder, ready=""):
            yield Model(f"http://127.0.0.1:{port}"), folder


@asynccontextmanager
async def our_team(model: Model, folder: Path, checkout: Path | None = None) -> AsyncGenerator[Team]:
    """The planner and four specialists, each started as a process of its own; of another checkout when it is named."""
    names = ["planner", *SPECIALISTS]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    env = {
        "KUBETEAM_MODEL__NAME": "openai/test-model",
        "KUBETEAM_MODEL__BASE_URL": f"{model.url}/v1",
        "KUBETEAM_STORE__FOLDER": str(folder),
        "KUBETEAM_AGENTS": json.dumps({name: {"port": port} for name, port in ports.items()}),
    }
    commands = {name: ["benchmarks.our_service", name] for name in names}
    async with started(commands, ports, folder, env=env, checkout=checkout) as services:
        clients = [PlannerClient(services["planner"].url, f"user-{number}") for number in range(4)]
        for client in clients:
            await client.__aenter__()

        async def ask(user: int) -> str:
            client, answer = clients[user % len(clients)], ""
            async for event in client.events(await client.ask(QUESTION)):
                answer = str(event.data.get("answer", answer))
            return answer

        yield Team(ask, list(services.values()), model)
        for client in clients:
            await client.__aexit__(None, None, None)


@asynccontextmanager
async def adk_team(model: Model, folder: Path) -> AsyncGenerator[Team]:
    """An ADK coordinator with four ADK specialists as AgentTools over RemoteA2aAgent."""
    names = ["coordinator", *SPECIALISTS]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    others = [f"{name}={ports[name]}" for name in SPECIALISTS]
    commands = {
        name: ["benchmarks.adk_service", name, str(port), f"{model.url}/v1", *(others if name == names[0] else ())]
        for name, port in ports.items()
    }
    async with (
        started(commands, ports, folder, ready="/.well-known/agent-card.json") as services,
        httpx.AsyncClient(base_url=services[names[0]].url, timeout=SECONDS_PER_REQUEST) as http,
    ):

        async def ask(_user: int) -> str:
            answer = await http.post("/ask", json={"question": QUESTION})
            return str(answer.json()["answer"]) if answer.status_code == 200 else ""

        yield Team(ask, list(services.values()), model)


ROWS: list[tuple[str, str, str]] = [
    ("at_50_ms", "latency at L = 50 ms, x 5L", "<= 1.25"),
    ("at_500_ms", "latency at L = 500 ms, x 5L", "<= 1.05"),
    ("cpu_ms", "CPU ms per request, five processes", "<= 90"),
    ("first_cpu_ms", "  of it in the planner", "<= 25"),
    ("busy_cpu_ms", "CPU ms per request, 32 at once", "<= 90"),
    ("per_second", "requests/s, 32 at once, L = 50 ms", ">= 16"),
    ("failed", "failed requests", "0"),
    ("calls", "model calls per request", str(MODEL_CALLS)),
    ("tokens", "input tokens per request (chars / 4)", "<= 80 %"),
    ("start_cpu", "CPU s to ready, five processes", "<= 10"),
    ("start_mb", "MB resident at start, five processes", ""),
    ("after_mb", "MB resident after ten requests", "<= 1500"),
]


def print_table(ours: Measure, theirs: Measure) -> None:
    """One row per measurement."""
    print(f"\n| {'':37} | {'target':>8} | {'kubeteam':>9} | {'ADK':>9} | {'ratio':>6} |")
    print(f"|{'-' * 39}|{'-' * 9}:|{'-' * 10}:|{'-' * 10}:|{'-' * 7}:|")
    for field, label, target in ROWS:
        mine, other = getattr(ours, field), getattr(theirs, field)
        ratio = f"{mine / other:.2f}" if other else ""
        print(f"| {label:37} | {target:>8} | {mine:9,.2f} | {other:9,.2f} | {ratio:>6} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    asyncio.run(_main(parser.parse_args().minutes))


async def _main(minutes: float) -> None:
    async with asyncio.timeout(minutes * 60):
        print_table(*await _measured())


async def _measured() -> list[Measure]:
    measures: list[Measure] = []
    async with model_server() as (model, folder):
        for kind in (our_team, adk_team):
            (folder / kind.__name__).mkdir()
            async with kind(model, folder / kind.__name__) as team:
                measures.append(await measure(team))
                print(f"{kind.__name__}: {measures[-1]}", flush=True)
    return measures


if __name__ == "__main__":
    main()
