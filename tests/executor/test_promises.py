"""Random sequences of proposals, decisions, edits, crashes and restarts: nothing is applied that was not approved, and
nothing is applied twice.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.cluster.errors import ClusterError, Unavailable
from agents.executor import gate
from agents.executor.action import ActionError, Target
from agents.executor.cluster_api import Write
from agents.executor.ledger import Proposal
from agents.executor.recover import recover
from agents.runtime import journal
from agents.runtime.approvals import ApprovalRefused
from agents.runtime.findings import Action
from tests.executor.conftest import WEB, Bench, make_bench


class Crash(BaseException):
    """The process dies."""


@dataclass
class World:
    """The team, people, and bad luck. `approved` are the replicas of properly approved proposals."""

    bench: Bench
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    tokens: list[tuple[Proposal, str]] = field(default_factory=list[tuple[Proposal, str]])
    approved: list[int] = field(default_factory=list[int])
    next: int = 10

    async def step(self, name: str, pick: random.Random) -> None:
        try:
            await getattr(self, name)(pick)
        except (ApprovalRefused, ActionError, ClusterError, gate.Refused):
            return
        except Crash:
            self.bench = self.bench.restarted()
        finally:
            self.bench.cluster.fault = None

    async def propose(self, pick: random.Random) -> None:
        self.next += 1  # every proposal wants a number of its own, so that each write tells where it comes from
        wanted = Action(kind="scale_workload", resource=WEB, arguments={"replicas": self.next})
        self.proposals.append(await self.bench.propose(wanted))

    async def approve(self, pick: random.Random) -> None:
        if self.proposals:
            proposal = pick.choice(self.proposals)
            self.tokens.append((proposal, self.bench.sign(proposal)))
            self.approved.append(proposal.action.arguments["replicas"])
            await self.bench.decide(*self.tokens[-1])

    async def approve_in_two_places(self, pick: random.Random) -> None:
        if self.proposals:
            proposal = pick.choice(self.proposals)
            self.approved.append(proposal.action.arguments["replicas"])
            both = (self.bench.decide(proposal, self.bench.sign(proposal, who)) for who in ("bob", "eve"))
            await asyncio.gather(*both, return_exceptions=True)

    async def reject(self, pick: random.Random) -> None:
        if self.proposals:
            proposal = pick.choice(self.proposals)
            await self.bench.decide(proposal, self.bench.sign(proposal, decision="reject"))

    async def replay(self, pick: random.Random) -> None:
        if self.tokens:
            await self.bench.decide(*pick.choice(self.tokens))

    async def forge(self, pick: random.Random) -> None:
        if self.proposals:
            proposal = pick.choice(self.proposals)
            await self.bench.decide(proposal, self.bench.sign(proposal, key=b"forged" * 10))

    async def use_for_another(self, pick: random.Random) -> None:
        if self.tokens and self.proposals:
            await self.bench.decide(pick.choice(self.proposals), pick.choice(self.tokens)[1])

    async def edit(self, pick: random.Random) -> None:
        replicas = pick.randint(1, 5)
        self.bench.cluster.edit(Target.parse(WEB), lambda obj: obj["spec"].update(replicas=replicas))

    async def crash_while_applying(self, pick: random.Random) -> None:
        self.bench.cluster.fault = _fault(pick.choice(["before", "after"]), Crash())
        await self.approve(pick)

    async def lose_the_answer(self, pick: random.Random) -> None:
        self.bench.cluster.fault = _fault(pick.choice(["before", "after"]), Unavailable("demo", "500"))
        await self.approve(pick)

    async def restart(self, pick: random.Random) -> None:
        self.bench = self.bench.restarted()
        await recover(self.bench.shop)

    async def wait(self, pick: random.Random) -> None:
        await self.bench.clock.sleep(pick.choice([1, 60, 3600]))


def _fault(moment: str, error: BaseException) -> Callable[[Write, str], None]:
    def fault(request: Write, when: str) -> None:
        if when == moment:
            raise error

    return fault


STEPS = (
    ["propose"] * 3
    + ["approve"] * 2
    + ["approve_in_two_places", "reject", "replay", "forge", "use_for_another", "edit"]
    + ["crash_while_applying", "lose_the_answer", "restart", "wait"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=25), st.randoms(use_true_random=False))
def test_nothing_is_applied_that_was_not_approved_and_nothing_twice(steps: list[str], pick: random.Random) -> None:
    asyncio.run(_live_through(steps, pick))


async def _live_through(steps: list[str], pick: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(await make_bench(Path(folder)))
        try:
            for name in steps:
                await world.step(name, pick)
            await world.bench.clock.sleep(3600)
            await world.step("restart", pick)
            applied = [request.body["spec"]["replicas"] for request in world.bench.cluster.writes]
            assert len(applied) == len(set(applied)), "nothing is applied twice"
            assert set(applied) <= set(world.approved), "nothing is applied that was not approved"
            ledger = world.bench.shop.ledger
            later = world.bench.clock.now().replace(year=2030)
            assert await ledger.orphans(later) == [], "every execution has come to an end"
            _, _, problem = await journal.verify(ledger.engine)
            assert problem is None
        finally:
            await world.bench.shop.ledger.close()
