"""What carrying out an Action needs: the ledger, the clusters, a clock, and somebody who diagnoses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agents.executor.calls.servers import ConfiguredServers, ToolServers
from agents.executor.cluster_api import ClusterApi
from agents.executor.ledger import Ledger
from agents.runtime.settings import ApprovalSettings, PolicySettings
from agents.runtime.worker import new_worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Picture:
    """What is wrong at one moment."""

    causes: frozenset[str]
    """Root causes, each as `resource fault`."""
    troubled: frozenset[str] = frozenset()
    """Every object that something is wrong with, be it as a symptom: resources."""


Diagnose = Callable[[str, str], Awaitable[Picture]]
"""Cluster id and namespace (empty: all) to what is wrong there."""

DIAGNOSIS_SECONDS = 30.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workshop:
    """Shared by everything that proposes, applies, verifies and recovers."""

    ledger: Ledger
    open_cluster: Callable[[str | None], Awaitable[ClusterApi]]
    key: bytes
    policy: PolicySettings = field(default_factory=PolicySettings)
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    diagnose: Diagnose | None = None
    tool_servers: ToolServers = field(default_factory=lambda: ConfiguredServers({}))
    """Other people's MCP servers, for Actions of kind `call_tool`."""
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    owner: str = field(default_factory=new_worker)
    """This process, in the ledger."""
    lease: timedelta = timedelta(seconds=45)
    """How long an execution is ours without a sign of life; longer than a request to the API may take."""
    on_the_way: timedelta = timedelta(seconds=20)
    """How long after the last sign of life a request that was sent may still take effect; less than the lease."""

    @property
    def rollout_time(self) -> timedelta:
        """How long a change may take to show its effect."""
        return timedelta(seconds=self.approvals.rollout_seconds)

    async def picture(self, cluster: str, namespace: str) -> Picture | None:
        """What is wrong now; None when that cannot be found out, which must not hold anything up."""
        if self.diagnose is None:
            return None
        try:
            async with asyncio.timeout(DIAGNOSIS_SECONDS):
                return await self.diagnose(cluster, namespace)
        except Exception:
            logger.exception("the diagnosis around a change failed; the rollout alone is judged")
            return None
