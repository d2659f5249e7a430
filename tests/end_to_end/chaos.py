"""People ask a team for changes and approve them, while its processes are killed, paused and started again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.end_to_end.attacked import Attacked, Service

TARGETS = ("cart", "frontend", "payment", "catalog")
MAX_REPLICAS = 9
PATIENCE_SECONDS = 150.0
"""A request that has not ended by then hangs: longer than all deadlines and leases together."""
ENDED = ("answered", "failed", "cancelled")
NOTHING_TO_DO = "nothing to change"
"""How the team says that things are as they were ordered already: no part of an answer is missing then."""

Fault = tuple[str, list[Service]]


@dataclass
class Outcome:
    """What came of the run."""

    ended: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    approved: set[str] = field(default_factory=set[str])
    """Proposals whose approval a planner has acknowledged."""
    hanging: list[str] = field(default_factory=list[str])
    incomplete: list[str] = field(default_factory=list[str])
    """Requests that ended otherwise than answered in full: killing processes must not cost anybody a part of it."""
    longest: float = 0.0
    """Seconds that a request took."""


class Deck:
    """Faults in random order, every service's turn coming before it is any service's turn again.

    The first cards are one kill of every kind of process, one of all at once, a pause and an orderly stop.
    """

    def __init__(self, services: list[Service], dice: random.Random) -> None:
        self._services, self._dice = services, dice
        kinds = list({service.name: service for service in services}.values())
        first: list[Fault] = [("kill", [service]) for service in kinds]
        first += [("kill all", services), ("pause", [dice.choice(services)]), ("stop", [dice.choice(services)])]
        dice.shuffle(first)
        self._cards = first

    def draw(self) -> Fault:
        if not self._cards:
            counts = {"kill": 3, "pause": 2, "stop": 1}
            self._cards = [(kind, [one]) for kind, count in counts.items() for one in self._services * count]
            self._cards += [("kill all", self._services)] * 3
            self._dice.shuffle(self._cards)
        return self._cards.pop()


class Chaos:
    """One run of `rounds` faults, while so many `people` ask and decide, each one request after the other."""

    def __init__(self, attacked: Attacked, seed: int, people: int) -> None:
        self.outcome = Outcome()
        self._planners = attacked.planners
        self._dice = random.Random(seed)
        self._deck = Deck(attacked.services, self._dice)
        self._people = people
        self._over = False
        self._http = httpx.AsyncClient(timeout=5)

    async def run(self, rounds: int) -> Outcome:
        """Returns when the last request that was begun has ended."""
        people = [asyncio.create_task(self._person(number)) for number in range(self._people)]
        for _ in range(rounds):
            await asyncio.sleep(self._dice.uniform(0.2, 1.5))
            await self.fault()
        self._over = True
        await asyncio.gather(*people)
        await self._http.aclose()
        return self.outcome

    async def fault(self) -> None:
        """The next thing that goes wrong."""
        kind, victims = self._deck.draw()
        self.outcome.faults[kind if len(victims) > 1 else f"{kind} {victims[0].name}"] += 1
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
            question = f"Scale deployment {name} in namespace shop to {self._dice.randint(1, MAX_REPLICAS)} replicas"
            if self._dice.random() < 0.3:
                question = f"Is deployment {name} in namespace shop healthy? (person {number}, {count})"
            asked = await self._until(lambda q=question: self._call("POST", "", {"question": q}))
            began = time.monotonic()
            await self._see_through(asked["id"])
            self.outcome.longest = max(self.outcome.longest, time.monotonic() - began)

    async def _see_through(self, request_id: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        status = "?"
        while time.monotonic() < deadline:
            shown = await self._until(lambda: self._call("GET", f"/{request_id}", None))
            status = shown["status"]
            if status in ENDED:
                self._note(shown)
                return
            if status == "input_required":
                await self._answer(request_id, shown)
            await asyncio.sleep(0.2)
        self.outcome.hanging.append(f"{request_id} {status}")

    def _note(self, shown: dict[str, Any]) -> None:
        self.outcome.ended[shown["status"]] += 1
        missing = [line for line in shown["missing"] if NOTHING_TO_DO not in line]
        if shown["status"] == "answered" and not missing:
            return
        if shown["status"] == "failed" and not missing and shown["missing"]:
            return  # the whole order was nothing to do
        self.outcome.incomplete.append(f"{shown['id']} {shown['status']} {shown['missing']} {shown['notes']}")

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

    async def _until(self, call: Callable[[], Awaitable[httpx.Response]]) -> Any:
        """Tries again until some planner answers: they are killed all the time."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                response = await call()
                if response.status_code < 300:
                    return response.json()
            await asyncio.sleep(0.1)

    async def _call(self, method: str, path: str, body: Any) -> httpx.Response:
        planner = self._dice.choice(self._planners)
        named = {"X-User-Id": "ann"}  # only somebody with a name may approve
        return await self._http.request(method, f"{planner.url}/v1/requests{path}", json=body, headers=named)
