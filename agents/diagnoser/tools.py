"""The diagnoser's MCP tools. All of them only read, and all of them are views on the same engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from agents.cluster import tools
from agents.cluster.clusters import Clusters
from agents.cluster.tools import READ_ONLY, ClusterList, with_errors_in_words
from agents.diagnoser.focus import Focus
from agents.diagnoser.inquiry import focus_on, inquire
from agents.diagnoser.risks import health_facts
from agents.diagnoser.views import (
    DiagnosisResult,
    InspectReport,
    diagnosis_result,
    inspect_report,
    object_view,
    rows,
)
from agents.runtime.findings import Language
from agents.runtime.language import language_of
from agents.runtime.settings import Settings

ClusterId = Annotated[str | None, Field(description="Kubeconfig context; may be left out when there is only one.")]
Namespace = Annotated[str | None, Field(description="Default: all namespaces.")]
MAX_ROWS = 200


def build_tools(settings: Settings) -> MCPServer[Any]:
    """The MCP server with the diagnoser's tools."""
    clusters = Clusters(settings.kubernetes)

    @asynccontextmanager
    async def lifespan(server: MCPServer[Any]) -> AsyncGenerator[None]:
        async with clusters.lifespan():
            yield

    server = MCPServer[Any]("kubeteam-diagnoser", lifespan=lifespan)
    _add_diagnosis(server, clusters, settings)
    _add_reading(server, clusters)
    return server


def _add_diagnosis(server: MCPServer[Any], clusters: Clusters, settings: Settings) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def find_root_causes(
        question: Annotated[str, Field(description="The person's own words; empty asks about everything.")] = "",
        namespace: Annotated[str | None, Field(description="Only when the question is about one.")] = None,
        language: Annotated[Language | None, Field(description="en or zh; default: the question's.")] = None,
        cluster_id: ClusterId = None,
        include_risks: Annotated[bool, Field(description="Also what works now but will hurt one day.")] = False,
    ) -> DiagnosisResult:
        """Names the root causes of what is wrong, with evidence, changes and remedies; unrelated faults in one line."""
        cluster = await clusters.get(cluster_id)
        asked = f"{question} {namespace}" if namespace else question
        words = language or language_of(question)
        found = await inquire(cluster, settings, asked, words)
        risks = await asyncio.to_thread(health_facts, found.snapshot, words) if include_risks else None
        return diagnosis_result(found.snapshot, found.diagnosis, risks, question)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def diagnose_resource(
        resource_type: Annotated[str, Field(description="node, ingress, memory, pod, service or network.")],
        resource_target: Annotated[
            str,
            Field(
                description='JSON: {"namespace", "name"}; for network {"src", "dst", "dport", "protocol"}, '
                "where src and dst are namespace/Kind/name."
            ),
        ],
        cluster_id: ClusterId = None,
        language: Language = "en",
    ) -> DiagnosisResult:
        """Names the root causes behind one object's trouble; faults that do not concern it in one line."""
        focus = focus_on(resource_type, resource_target)
        cluster = await clusters.get(cluster_id)
        found = await inquire(cluster, settings, resource_target, language, focus)
        return diagnosis_result(found.snapshot, found.diagnosis)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def query_inspect_report(
        cluster_id: ClusterId = None,
        region_id: Annotated[str, Field(description="Not used; other servers take it.")] = "",
        is_result_exception: Annotated[bool, Field(description="Only what is wrong.")] = True,
        language: Language = "en",
    ) -> InspectReport:
        """Inspects the whole cluster for known faults and risks and lists them by severity."""
        found = await inquire(await clusters.get(cluster_id), settings, "", language, Focus())
        return inspect_report(found.snapshot, found.diagnosis, only_exceptions=is_result_exception, language=language)


def _add_reading(server: MCPServer[Any], clusters: Clusters) -> None:
    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def list_clusters(page_size: int = 10, page_num: int = 1) -> ClusterList:
        """Lists the clusters that other tools can be pointed at, with version and state."""
        return await tools.list_clusters(clusters, page_size, page_num)

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def list_resources(
        kind: Annotated[str, Field(description="Such as Pod, deployments, po, or group/Kind of a custom resource.")],
        namespace: Namespace = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 50,
        cluster_id: ClusterId = None,
    ) -> dict[str, Any]:
        """Lists objects of a kind, one line each, with their state."""
        cluster = await clusters.get(cluster_id)
        found = await cluster.list(kind, namespace, label_selector, field_selector, limit=limit)
        return {"kind": kind, "count": len(found), "cut": len(found) >= limit, "items": rows(found, limit)}

    @server.tool(annotations=READ_ONLY)
    @with_errors_in_words
    async def get_resource(
        kind: str, name: str, namespace: str | None = None, cluster_id: ClusterId = None
    ) -> dict[str, Any]:
        """Shows one object without managed fields and secrets. Of a Secret only its metadata is shown."""
        cluster = await clusters.get(cluster_id)
        return object_view(await cluster.get(kind, name, namespace))
