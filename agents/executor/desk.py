"""Where orders for changes come in, whoever sends them: it names the cluster and the object, and has it prepared."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.cluster.clusters import Clusters
from agents.executor.action import ActionError, Target
from agents.executor.changes.objects import parsed, target_of
from agents.executor.cluster_adapter import AdaptedCluster
from agents.executor.cluster_api import ClusterApi
from agents.executor.locate import locate
from agents.executor.prepare import prepare
from agents.runtime.findings import Action, ActionKind


@dataclass(frozen=True)
class Order:
    """What all tools take: the object, as far as it was named, the cluster, and the Approval."""

    kind: str | None
    namespace: str | None
    name: str | None
    cluster_id: str | None
    approval: str | None


class Desk:
    """Takes orders. In this version it only ever proposes."""

    def __init__(self, clusters: Clusters, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clusters = clusters
        self._now = now

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Keeps the connections while the MCP server runs."""
        async with self._clusters.lifespan():
            yield

    def cluster_ids(self) -> list[str]:
        """The ids of the configured clusters. Raises NoCluster."""
        return self._clusters.ids()

    async def take(self, kind: ActionKind, order: Order, arguments: dict[str, Any]) -> dict[str, Any]:
        """Prepares the Action; nothing is changed. Raises ActionError and ClusterError."""
        if order.approval:
            raise ActionError("this executor proposes changes and does not apply them yet")
        cluster = AdaptedCluster(await self._clusters.get(order.cluster_id))
        wanted = await wanted_action(cluster, kind, order, arguments)
        prepared = (await prepare(cluster, wanted, self._now())).action
        return {"status": "proposed", "wanted": wanted.model_dump(), "digest": prepared.digest} | {
            "action": prepared.model_dump()
        }


async def wanted_action(cluster: ClusterApi, kind: ActionKind, order: Order, arguments: dict[str, Any]) -> Action:
    """The Action that an order asks for, its object found. Raises ActionError when that is unclear."""
    if kind == "apply_manifest":
        manifest = parsed(arguments.get("manifest"), "manifest")
        if not isinstance(manifest, dict):
            raise ActionError("manifest must be one object, not a list; propose one Action for each")
        named = target_of(manifest)
        arguments = {"manifest": manifest}
        target = Target(order.namespace or named.namespace, order.kind or named.kind, order.name or named.name)
    else:
        target = await locate(cluster, order.kind, order.namespace, order.name or "")
    return Action(kind=kind, resource=str(target), arguments=arguments)
