"""A workshop on a cluster in memory, with a clock that only moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.executor import gate
from agents.executor.cluster_api import ClusterApi
from agents.executor.ledger import Ledger, Proposal
from agents.executor.workshop import Picture, Workshop
from agents.runtime import journal
from agents.runtime.approvals import Decision, Verdict, approve
from agents.runtime.findings import Action
from agents.runtime.settings import PolicySettings, Settings, StoreSettings
from tests.executor.fake_cluster import FakeCluster
from tests.executor.objects import deployment, pod, service

KEY = b"k" * 64
WEB = "shop/Deployment/web"
SCALE = Action(kind="scale_workload", resource=WEB, arguments={"replicas": 5})
LIMIT = Action(kind="set_resources", resource=WEB, arguments={"limits": {"memory": "512Mi"}})


@dataclass
class Clock:
    time: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 12, tzinfo=UTC))

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Bench:
    """Everything that a test of the gate needs."""

    cluster: FakeCluster
    clock: Clock
    shop: Workshop
    causes: list[str] = field(default_factory=list)
    troubled: list[str] = field(default_factory=list)

    async def diagnose(self, cluster: str, namespace: str) -> Picture:
        return Picture(frozenset(self.causes), frozenset(self.troubled))

    async def propose(self, wanted: Action = SCALE, asked_by: str = "ann") -> Proposal:
        return await gate.propose(self.shop, self.cluster, wanted, asked_by)

    def sign(self, proposal: Proposal, who: str = "bob", decision: Verdict = "approve", **more: Any) -> str:
        decided = Decision(
            proposal=proposal.id, digest=more.pop("digest", proposal.action.digest), decision=decision, reason="ok"
        )
        options = {"key": KEY, "now": self.clock.now(), "lifetime": timedelta(minutes=30), **more}
        return approve(decided, approver=who, **options)

    async def decide(
        self, proposal: Proposal, token: str | None = None, called: Action | None = None
    ) -> dict[str, Any]:
        return await gate.decide(self.shop, token or self.sign(proposal), called or proposal.wanted, None)

    async def events(self) -> list[str]:
        return [entry.event for entry in await journal.read(self.shop.ledger.engine, limit=1000)]

    def restarted(self) -> Bench:
        """The same store and cluster, another process."""
        return replace(self, shop=replace(self.shop, owner=f"{self.shop.owner}+"))

    def with_policy(self, **policy: Any) -> Bench:
        return replace(self, shop=replace(self.shop, policy=PolicySettings(**policy)))

    @property
    def replicas(self) -> int:
        return next(o for t, o in self.cluster.objects.items() if str(t) == WEB)["spec"]["replicas"]


def controllers(cluster: FakeCluster, request: Any) -> None:
    """Rollouts finish at once."""
    for target, obj in list(cluster.objects.items()):
        if target.kind == "Deployment":
            count = obj["spec"]["replicas"]
            names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            obj["status"] = {**dict.fromkeys(names, count), "observedGeneration": 99}


async def make_bench(folder: Path) -> Bench:
    cluster, clock = FakeCluster(deployment(), *(pod(f"web-{n}") for n in range(3)), service()), Clock()
    cluster.after_write = controllers
    engine = journal.changes_engine(Settings(store=StoreSettings(folder=folder)))

    async def open_cluster(name: str | None) -> ClusterApi:
        return cluster

    shop = Workshop(Ledger(engine), open_cluster, KEY, now=clock.now, sleep=clock.sleep, owner="first")
    await shop.ledger.open()
    bench = Bench(cluster, clock, shop)
    return replace(bench, shop=replace(shop, diagnose=bench.diagnose))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = await make_bench(tmp_path)
    yield made
    _, _, problem = await journal.verify(made.shop.ledger.engine)
    assert problem is None, "every test must leave a whole journal"
    await made.shop.ledger.close()
