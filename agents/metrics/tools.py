"""The metrics analyst's MCP tools. All of them only read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from agents.cluster import tools
from agents.cluster.clusters import Clusters
from agents.cluster.kinds import CATALOGUE
from agents.cluster.resources import Resource
from agents.cluster.tools import READ_ONLY, ClusterList, CurrentTime, with_errors_in_words
from agents.metrics import autoscaling, guidance, prometheus, sizing, top, trends
from agents.metrics.capacity_tool import add_capacity
from agents.metrics.prometheus import Servers
from agents.metrics.results import (
    MetricGuidance,
    PrometheusAnswer,
    TopResources,
    WorkloadAutoscaling,
    WorkloadCost,
    WorkloadTrend,
)
from agents.runtime.settings import Settings

ClusterId = Annotated[str | None, Field(description="Kubeconfig context; may be left out when there is only one.")]
WorkloadType = Annotated[str, Field(description="deployment, statefulset, daemonset, cronjob, job or pod.")]


def build_tools(settings: Settings) -> MCPServer[Any]:
    """The MCP server with the metrics analyst's tools."""
    clusters = Clusters(settings.kubernetes)
    servers = Servers(settings)

    @asynccontextmanager
    async def lifespan(server: MCPServer[Any]) -> AsyncGenerator[None]:
        async with clusters.lifespan(), servers.lifespan():
            yield

    server = MCPServer[Any]("kubeteam-metrics", lifespan=lifespan)
    _add_common(server, clusters)
    _add_prometheus(server, clusters, servers)
    _add_usage(server, clusters, servers)
    _add_analyses(server, clusters, servers)
    add_capacity(server, clusters, settings)
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


def _add_prometheus(server: MCPServer[Any], clusters: Clusters, servers: Servers) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def query_prometheus(
        promql: str,
        cluster_id: ClusterId = None,
        start_time: Annotated[
            str | None, Field(description="ISO 8601, or how long ago (1h): makes it a range query.")
        ] = None,
        end_time: Annotated[str | None, Field(description="ISO 8601, or how long ago; default now.")] = None,
        step: Annotated[str | None, Field(description="Such as 30s, 5m; default fits the range.")] = None,
    ) -> PrometheusAnswer:
        """Runs a PromQL query, instant or over a range; points and series are bounded, and what was left out is said.

        Without a configured Prometheus it says so, and the tools that read metrics.k8s.io remain.
        """
        cluster = await clusters.get(cluster_id)
        return await prometheus.query_prometheus(servers.of(cluster.id), promql, start_time, end_time, step)

    @server.tool(annotations=READ_ONLY)
    async def query_prometheus_metric_guidance(
        resource_label: Annotated[str, Field(description="pod, deployment, container, namespace or node.")],
        metric_category: Annotated[str, Field(description="cpu, memory, network or disk.")],
    ) -> MetricGuidance:
        """Names the metrics and PromQL queries for a kind of resource."""
        return guidance.metric_guidance(resource_label, metric_category)


def _add_usage(server: MCPServer[Any], clusters: Clusters, servers: Servers) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def top_resources(
        cluster_id: ClusterId = None,
        group_by: top.Grouping = "workloads",
        namespace: Annotated[str | None, Field(description="Default: all namespaces.")] = None,
        sort_by: Annotated[top.Order, Field(description="`trouble`: not ready, restarting, close to limits.")] = "cpu",
        limit: Annotated[int, Field(description="At most 200.")] = 10,
        window: Annotated[
            str | None, Field(description="Such as 5m: the average of that time, from Prometheus; default right now.")
        ] = None,
    ) -> TopResources:
        """Lists what uses most, against requests and limits, with restarts and why containers ended."""
        cluster = await clusters.get(cluster_id)
        return await top.top_resources(
            cluster,
            group_by=group_by,
            namespace=namespace,
            sort_by=sort_by,
            limit=limit,
            window=window,
            prometheus=servers.of(cluster.id),
        )


def _add_analyses(server: MCPServer[Any], clusters: Clusters, servers: Servers) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_workload_trend(
        namespace: str,
        workload_type: WorkloadType,
        workload_name: str,
        cluster_id: ClusterId = None,
        metric: Annotated[str, Field(description="memory or cpu.")] = "memory",
        window: Annotated[str, Field(description="How far back to look: 1h, 24h.")] = "1h",
    ) -> WorkloadTrend:
        """Tells whether a workload's pods use more and more, how fast, and when they reach their limit."""
        resource, cluster = _workload(namespace, workload_type, workload_name), await clusters.get(cluster_id)
        return await trends.analyze_workload_trend(cluster, servers.of(cluster.id), resource, metric, window)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_workload_cost(
        namespace: str, workload_type: WorkloadType, workload_name: str, cluster_id: ClusterId = None
    ) -> WorkloadCost:
        """Compares a workload's requests and limits with its usage (percentiles over time, with a Prometheus), and
        recommends requests and limits per container, with the rule."""
        resource, cluster = _workload(namespace, workload_type, workload_name), await clusters.get(cluster_id)
        return await sizing.analyze_workload_cost(cluster, resource, servers.of(cluster.id))

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_workload_autoscaling(
        namespace: str, workload_type: WorkloadType, workload_name: str, cluster_id: ClusterId = None
    ) -> WorkloadAutoscaling:
        """Tells how a workload's autoscaler is doing, or whether one would help and with which bounds."""
        resource, cluster = _workload(namespace, workload_type, workload_name), await clusters.get(cluster_id)
        return await autoscaling.analyze_workload_autoscaling(cluster, resource, servers.of(cluster.id))


def _workload(namespace: str, workload_type: str, name: str) -> Resource:
    return Resource(CATALOGUE.get(workload_type).name, name, namespace)
