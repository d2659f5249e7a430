"""The auditor's MCP tools. All of them only read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from agents.auditor import audit_query, control_plane, events, pod_logs
from agents.auditor.results import AuditLog, ControlPlaneLogs, DeniedRequests, EventList, PodLogs
from agents.auditor.sources import Sources
from agents.cluster import tools
from agents.cluster.audit import AuditSource
from agents.cluster.clusters import Clusters
from agents.cluster.tools import READ_ONLY, ClusterList, CurrentTime, with_errors_in_words
from agents.runtime.settings import Settings

ClusterId = Annotated[str | None, Field(description="Kubeconfig context; may be left out when there is only one.")]
Start = Annotated[str, Field(description="ISO 8601, or how long ago: 30m, 24h, 7d.")]
End = Annotated[str | None, Field(description="ISO 8601, or how long ago; default now.")]


def build_tools(settings: Settings) -> MCPServer[Any]:
    """The MCP server with the auditor's tools."""
    clusters = Clusters(settings.kubernetes)
    sources = Sources(settings)

    async def audit(cluster_id: str | None) -> AuditSource:
        """The source of a cluster's audit events. One that holds for all clusters needs no name."""
        if cluster_id:
            await clusters.get(cluster_id)  # a wrong id must not be answered from another cluster's log
            return sources.audit(cluster_id)
        return sources.audit(clusters.default() if settings.audit.clusters else "")

    @asynccontextmanager
    async def lifespan(server: MCPServer[Any]) -> AsyncGenerator[None]:
        async with clusters.lifespan(), sources.lifespan():
            yield

    server = MCPServer[Any]("kubeteam-auditor", lifespan=lifespan)
    _add_common(server, clusters)
    _add_audit(server, audit)
    _add_control_plane(server, clusters, sources)
    _add_logs(server, clusters)
    return server


def _add_common(server: MCPServer[Any], clusters: Clusters) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def list_clusters(page_size: int = 10, page_num: int = 1) -> ClusterList:
        """Lists the clusters that other tools can be pointed at, with version and state."""
        return await tools.list_clusters(clusters, page_size, page_num)

    @server.tool(annotations=READ_ONLY)
    async def get_current_time() -> CurrentTime:
        """Tells the current time in UTC."""
        return tools.current_time()


def _add_audit(server: MCPServer[Any], audit: Callable[[str | None], Awaitable[AuditSource]]) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def query_audit_log(
        cluster_id: ClusterId = None,
        namespace: Annotated[str | None, Field(description="Exact, or a prefix with `*`.")] = None,
        verbs: Annotated[
            str | None,
            Field(description="Comma-separated: get, list, create, update, patch, delete, deletecollection."),
        ] = None,
        resource_types: Annotated[
            str | None, Field(description="Comma-separated kinds, full or short: deployments, svc, cm.")
        ] = None,
        resource_name: Annotated[str | None, Field(description="Exact, or a prefix with `*`.")] = None,
        user: Annotated[str | None, Field(description="Exact, or a prefix with `*`.")] = None,
        start_time: Start = "24h",
        end_time: End = None,
        limit: Annotated[int, Field(description="At most 100.")] = 10,
    ) -> AuditLog:
        """Finds who did what in the Kubernetes audit log, newest first; says which fields a change set.

        A deletion carries the object as it last was. Asked for changing verbs alone (no resource, no name), it leaves
        out heartbeats and what controllers did on their own.
        """
        return await audit_query.query_audit_log(
            await audit(cluster_id),
            namespace=namespace,
            verbs=verbs,
            resource_types=resource_types,
            resource_name=resource_name,
            user=user,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def list_denied_requests(
        cluster_id: ClusterId = None,
        namespace: Annotated[str | None, Field(description="Exact, or a prefix with `*`.")] = None,
        user: Annotated[str | None, Field(description="Exact, or a prefix with `*`.")] = None,
        start_time: Start = "24h",
        end_time: End = None,
        limit: Annotated[int, Field(description="At most 100.")] = 20,
    ) -> DeniedRequests:
        """Lists who was refused what for want of rights (403), reads included, alike requests counted as one."""
        return await audit_query.list_denied_requests(
            await audit(cluster_id),
            namespace=namespace,
            user=user,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )


def _add_control_plane(server: MCPServer[Any], clusters: Clusters, sources: Sources) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def query_controlplane_logs(
        component_name: Annotated[str, Field(description="apiserver, scheduler, kcm, ccm or etcd.")],
        cluster_id: ClusterId = None,
        filter_pattern: Annotated[str | None, Field(description="Regular expression or plain text.")] = None,
        start_time: Start = "24h",
        end_time: End = None,
        limit: Annotated[int, Field(description="At most 100.")] = 10,
    ) -> ControlPlaneLogs:
        """Reads what a control plane component logged, newest first, repeated lines folded."""
        cluster = await clusters.get(cluster_id)
        source, loki = sources.control_plane(cluster.id)
        return await control_plane.query_controlplane_logs(
            cluster,
            source=source,
            loki=loki,
            component_name=component_name,
            filter_pattern=filter_pattern,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )


def _add_logs(server: MCPServer[Any], clusters: Clusters) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def get_pod_logs(
        namespace: str,
        name: Annotated[str, Field(description="A pod, or a workload (its worst pods are read).")],
        cluster_id: ClusterId = None,
        container: Annotated[str | None, Field(description="Default: all, init containers included.")] = None,
        previous: Annotated[bool, Field(description="The instance before the last restart.")] = False,
        since: Annotated[str | None, Field(description="Such as 30m, 24h; default everything.")] = None,
        tail_lines: Annotated[int, Field(description="Lines to read per container, from the end.")] = 2_000,
        filter_pattern: Annotated[str | None, Field(description="Regular expression or plain text.")] = None,
    ) -> PodLogs:
        """Reads container logs, with repeated lines folded into one with a count, and errors pointed out."""
        return await pod_logs.get_pod_logs(
            await clusters.get(cluster_id),
            namespace=namespace,
            name=name,
            container=container,
            previous=previous,
            since=since,
            tail_lines=tail_lines,
            filter_pattern=filter_pattern,
        )

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def list_events(
        cluster_id: ClusterId = None,
        namespace: Annotated[str | None, Field(description="Default: all namespaces.")] = None,
        resource: Annotated[str | None, Field(description="namespace/Kind/name, or an object's name.")] = None,
        event_type: Annotated[str | None, Field(description="Warning or Normal; default both.")] = None,
        since: Start = "24h",
        limit: Annotated[int, Field(description="At most 200.")] = 50,
    ) -> EventList:
        """Lists what the cluster itself reported, newest first, with counts."""
        return await events.list_events(
            await clusters.get(cluster_id),
            namespace=namespace,
            resource=resource,
            event_type=event_type,
            since=since,
            limit=limit,
        )
