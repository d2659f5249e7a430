"""A team that is killed, paused and restarted at random while people ask it for changes and approve them.

Two planners, two executors behind one address each way in (their URLs), and the embedded cluster. The invariants are
checked by the journal and the store, not by what anybody claims.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx

from agents.runtime import journal
from agents.runtime.settings import Settings, load_settings
from kubeteam import team
from kubeteam.target import embedded_cluster

ROOT = Path(__file__).parent.parent.parent
INCIDENT = ROOT / "sandbox/incidents/checkout-oom"
TARGETS = ("cart", "catalog")
PATIENCE_SECONDS = 150.0
"""A request that has not ended by then hangs: longer than all deadlines and leases together."""
ENDED = ("answered", "failed", "cancelled")


@dataclass
class Service:
    """One process of the team, and how to start it again."""

    name: str
    settings: Settings
    log: Path
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port(self.name)}"

    def start(self) -> None:
        nursery = multiprocessing.get_context("forkserver")
        nursery.set_forkserver_preload(team.PRELOAD)
        self.process = nursery.Process(target=_serve, args=(self.name, self.settings, self.log), daemon=True)
        self.process.start()

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.send(number)
        if self.process is not None:
            await asyncio.to_thread(self.process.join, 20)


def _serve(name: str, settings: Settings, log: Path) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    team.serve_service(name, settings)


@dataclass
class Outcome:
    """What came of the run."""

    ended: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    approved: set[str] = field(default_factory=set[str])
    """Proposals whose approval a planner has acknowledged."""
    hanging: list[str] = field(default_factory=list[str])
    incomplete: list[str] = field(default_factory=list[str])
    """Requests that ended otherwise than answered in full: killing processes must not cost anybody an answer."""


class Chaos:
    """One run. `rounds` faults, while `people` ask at a time."""

    def __init__(self, services: list[Service], seed: int, people: int) -> None:
        self.services = services
        self.planners = [service for service in services if service.name == "planner"]
        self.outcome = Outcome()
        self._dice = random.Random(seed)
        self._people = people
        self._over = False
        self._http = httpx.AsyncClient(timeout=5)

    async def run(self, rounds: int) -> Outcome:
        people = [asyncio.create_task(self._person(number)) for number in range(self._people)]
        for _ in range(rounds):
            await asyncio.sleep(self._dice.uniform(0.2, 1.5))
            await self._fault()
        self._over = True
        await asyncio.gather(*people)
        await self._http.aclose()
        return self.outcome

    async def _fault(self) -> None:
        kind = self._dice.choices(("kill", "pause", "stop", "kill all"), (5, 3, 1, 1))[0]
        self.outcome.faults[kind] += 1
        victims = self.services if kind == "kill all" else [self._dice.choice(self.services)]
        if kind == "pause":
            victims[0].send(signal.SIGSTOP)
            await asyncio.sleep(self._dice.choice((0.3, 1.0, 3.0)))
            victims[0].send(signal.SIGCONT)
            return
        number = signal.SIGTERM if kind == "stop" else signal.SIGKILL
        await asyncio.gather(*(victim.end(number) for victim in victims))
        await asyncio.sleep(self._dice.choice((0.0, 0.2, 1.0)))
        for victim in victims:
            victim.start()

    async def _person(self, number: int) -> None:
        count = 0
        while not self._over or count == 0:
            count += 1
            name = TARGETS[(number + count) % len(TARGETS)]
            replicas = self._dice.randint(1, 4)
            question = f"Scale deployment {name} in namespace shop to {replicas} replicas"
            if self._dice.random() < 0.3:
                question = f"Is deployment {name} in namespace shop healthy? (person {number}, {count})"
            asked = await self._until(lambda q=question: self._call("POST", "", {"question": q}))
            await self._see_through(asked["id"])

    async def _see_through(self, request_id: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        status = "?"
        while time.monotonic() < deadline:
            shown = await self._until(lambda: self._call("GET", f"/{request_id}", None))
            status = shown["status"]
            if status in ENDED:
                self.outcome.ended[status] += 1
                if status != "answered" or shown["missing"]:
                    self.outcome.incomplete.append(f"{request_id} {status} {shown['missing']} {shown['notes']}")
                return
            if status == "input_required":
                await self._answer(request_id, shown)
            await asyncio.sleep(0.2)
        self.outcome.hanging.append(f"{request_id} {status}")

    async def _answer(self, request_id: str, shown: dict[str, Any]) -> None:
        asked = shown["input_required"]
        if asked["kind"] != "approval":
            await self._once("POST", f"/{request_id}/reply", {"text": "shop"})
            return
        ids = [action["proposal"]["proposal"] for action in asked["actions"]]
        decisions = [{"proposal": id, "decision": "approve"} for id in ids]
        if await self._once("POST", f"/{request_id}/approvals", {"decisions": decisions}):
            self.outcome.approved |= set(ids)

    async def _once(self, method: str, path: str, body: Any) -> bool:
        """An answer that may come too late, or twice: either is for the planner to tell apart."""
        with contextlib.suppress(httpx.HTTPError):
            return (await self._call(method, path, body)).status_code < 300
        return False

    async def _until(self, call: Any) -> Any:
        """Tries again until some planner answers: they are killed all the time."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                response = await call()
                if response.status_code < 300:
                    return response.json()
            await asyncio.sleep(0.1)

    async def _call(self, method: str, path: str, body: Any) -> httpx.Response:
        planner = self._dice.choice(self.planners)
        named = {"X-User-Id": "ann"}  # only somebody with a name may approve
        return await self._http.request(method, f"{planner.url}/v1/requests{path}", json=body, headers=named)


@contextlib.asynccontextmanager
async def team_under_attack(store_url: str, folder: Path) -> AsyncGenerator[tuple[list[Service], Settings]]:
    """Two planners, a diagnoser and an executor as processes on one database, on the embedded cluster."""
    base = load_settings(
        store={"url": store_url, "folder": folder, "lease_seconds": 2},
        limits={"subtask_deadline_seconds": 60, "request_deadline_seconds": 90},
        approvals={"rollout_seconds": 5},
        server={"shutdown_grace_seconds": 0.5},
        agents={"metrics": {"enabled": False}, "auditor": {"enabled": False}},
    )
    with embedded_cluster(base, INCIDENT) as settings:
        quick = settings.kubernetes.model_copy(update={"request_timeout_seconds": 2})
        settings = settings.model_copy(update={"kubernetes": quick})
        first = team.on_free_ports(settings)
        other = team.on_free_ports(settings)
        twin_port = {**first.agents, "planner": other.agents["planner"]}
        second = first.model_copy(update={"agents": twin_port})
        members = [("planner", first), ("planner", second), ("diagnoser", first), ("executor", first)]
        services = [Service(name, own, folder / f"{name}-{n}.log") for n, (name, own) in enumerate(members)]
        for service in services:
            service.start()
        try:
            await asyncio.gather(*(_ready(service) for service in services))
            yield services, first
        finally:
            for service in services:
                service.send(signal.SIGCONT)
            await asyncio.gather(*(service.end() for service in services))


async def _ready(service: Service) -> None:
    async with httpx.AsyncClient(timeout=2) as http, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{service.url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def check(outcome: Outcome, settings: Settings) -> dict[str, int]:
    """Raises AssertionError when a promise was broken; gives the journal's events by name."""
    assert not outcome.hanging, f"these requests hang: {outcome.hanging}"
    assert not outcome.incomplete, "not answered in full:\n" + "\n".join(outcome.incomplete)
    engine = journal.changes_engine(settings)
    good, _, problem = await journal.verify(engine)
    assert problem is None, problem
    entries: list[journal.Entry] = []
    while batch := await journal.read(engine, after=entries[-1].seq if entries else 0, limit=500):
        entries += batch
    await engine.dispose()
    assert good == len(entries)
    of = Counter((entry.event, entry.subject) for entry in entries)
    twice = [key for key, count in of.items() if key[0] in ("applying", "approved") and count > 1]
    assert not twice, f"executed twice: {twice}"
    decided = {entry.subject for entry in entries if entry.event in ("approved", "rejected", "refused")}
    assert outcome.approved <= decided, f"approvals were lost: {outcome.approved - decided}"
    open_ones = [subject for event, subject in of if event == "applying" and not _ended(entries, subject)]
    assert not open_ones, f"begun and never ended: {open_ones}"
    return dict(Counter(entry.event for entry in entries))


def _ended(entries: list[journal.Entry], subject: str) -> bool:
    begun = [number for number, entry in enumerate(entries) if entry.subject == subject and entry.event == "applying"]
    later = (entry.event for entry in entries[begun[-1] + 1 :] if entry.subject == subject)
    return any(event != "applied" for event in later)
