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
from agents.metrics import guidance, prometheus, sizing, top
from agents.metrics.results import MetricGuidance, PrometheusAnswer, TopResources, WorkloadAutoscaling, WorkloadCost
from agents.runtime.settings import Settings

ClusterId = Annotated[str | None, Field(description="Kubeconfig context; may be left out when there is only one.")]
WorkloadType = Annotated[str, Field(description="deployment, statefulset, daemonset, cronjob, job or pod.")]


def build_tools(settings: Settings) -> MCPServer[Any]:
    """The MCP server with the metrics analyst's tools."""
    clusters = Clusters(settings.kubernetes)

    @asynccontextmanager
    async def lifespan(server: MCPServer[Any]) -> AsyncGenerator[None]:
        async with clusters.lifespan():
            yield

    server = MCPServer[Any]("kubeteam-metrics", lifespan=lifespan)
    _add_common(server, clusters)
    _add_prometheus(server, clusters)
    _add_usage(server, clusters)
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


def _add_prometheus(server: MCPServer[Any], clusters: Clusters) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def query_prometheus(
        promql: str,
        cluster_id: ClusterId = None,
        start_time: Annotated[str | None, Field(description="With end_time: a range query.")] = None,
        end_time: str | None = None,
        step: Annotated[str | None, Field(description="Such as 30s, 5m.")] = None,
    ) -> PrometheusAnswer:
        """Runs a PromQL query. Without a configured Prometheus it says so, and metrics.k8s.io tools remain."""
        await clusters.get(cluster_id)
        return await prometheus.query_prometheus(None, promql, start_time, end_time, step)

    @server.tool(annotations=READ_ONLY)
    async def query_prometheus_metric_guidance(
        resource_label: Annotated[str, Field(description="pod, deployment, container, namespace or node.")],
        metric_category: Annotated[str, Field(description="cpu, memory, network or disk.")],
    ) -> MetricGuidance:
        """Names the metrics and PromQL queries for a kind of resource."""
        return guidance.metric_guidance(resource_label, metric_category)


def _add_usage(server: MCPServer[Any], clusters: Clusters) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def top_resources(
        cluster_id: ClusterId = None,
        group_by: top.Grouping = "workloads",
        namespace: Annotated[str | None, Field(description="Default: all namespaces.")] = None,
        sort_by: Annotated[top.Order, Field(description="`trouble`: not ready, restarting, close to limits.")] = "cpu",
        limit: Annotated[int, Field(description="At most 200.")] = 10,
    ) -> TopResources:
        """Lists what uses most right now, against requests and limits, with restarts and why containers ended."""
        cluster = await clusters.get(cluster_id)
        return await top.top_resources(cluster, group_by=group_by, namespace=namespace, sort_by=sort_by, limit=limit)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_workload_cost(
        namespace: str, workload_type: WorkloadType, workload_name: str, cluster_id: ClusterId = None
    ) -> WorkloadCost:
        """Compares a workload's requests with its usage right now, and recommends requests per container."""
        resource = _workload(namespace, workload_type, workload_name)
        return await sizing.analyze_workload_cost(await clusters.get(cluster_id), resource)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_workload_autoscaling(
        namespace: str, workload_type: WorkloadType, workload_name: str, cluster_id: ClusterId = None
    ) -> WorkloadAutoscaling:
        """Tells how a workload's autoscaler is doing, or whether one would help and with which bounds."""
        resource = _workload(namespace, workload_type, workload_name)
        return await sizing.analyze_workload_autoscaling(await clusters.get(cluster_id), resource)


def _workload(namespace: str, workload_type: str, name: str) -> Resource:
    return Resource(CATALOGUE.get(workload_type).name, name, namespace)
