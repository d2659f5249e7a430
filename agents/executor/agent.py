"""Who the executor is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from mcp.server.mcpserver import MCPServer

from agents.cluster.clusters import Clusters
from agents.executor.calls.servers import ConfiguredServers
from agents.executor.cluster_adapter import AdaptedCluster
from agents.executor.cluster_api import ClusterApi
from agents.executor.desk import Desk
from agents.executor.diagnosis import picture
from agents.executor.findings import compose
from agents.executor.ledger import Ledger
from agents.executor.runbook import APPROVALS, runbook
from agents.executor.tools import build_tools
from agents.executor.workshop import Picture, Workshop
from agents.runtime.approvals import load_key
from agents.runtime.definition import AgentDefinition
from agents.runtime.journal import changes_engine
from agents.runtime.settings import Settings


def desk_for(settings: Settings) -> Desk:
    """The desk on the configured clusters and store. Raises SettingsError for an unusable signing key."""
    clusters = Clusters(settings.kubernetes)
    servers = settings.agent("executor").mcp_servers
    longest = max([settings.kubernetes.request_timeout_seconds, *(each.timeout_seconds for each in servers.values())])

    async def open_cluster(cluster_id: str | None) -> ClusterApi:
        return AdaptedCluster(await clusters.get(cluster_id))

    async def diagnose(cluster_id: str, namespace: str) -> Picture:
        return await picture(clusters, cluster_id, namespace)

    shop = Workshop(
        ledger=Ledger(changes_engine(settings)),
        open_cluster=open_cluster,
        key=load_key(settings),
        policy=settings.policy,
        approvals=settings.approvals,
        diagnose=diagnose,
        tool_servers=ConfiguredServers(servers),
        lease=timedelta(seconds=2 * longest + 15),
        on_the_way=timedelta(seconds=longest),
    )
    return _DeskWithClusters(shop, clusters)


class _DeskWithClusters(Desk):
    """Also closes the clusters' connections."""

    def __init__(self, shop: Workshop, clusters: Clusters) -> None:
        super().__init__(shop, clusters.ids)
        self._clusters = clusters

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """The clusters close after the desk."""
        async with self._clusters.lifespan(), super().lifespan():
            yield


def tools(settings: Settings) -> MCPServer:
    """The executor's MCP server on the configured clusters."""
    return build_tools(desk_for(settings))


DEFINITION = AgentDefinition(
    name="executor",
    tools=tools,
    runbook=runbook,
    compose=compose,
    without_model=lambda turn: bool(turn.subtask.inputs.get(APPROVALS)),
    instruction=(Path(__file__).parent / "instruction.md").read_text(encoding="utf-8"),
)
