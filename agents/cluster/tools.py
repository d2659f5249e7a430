"""What every specialist's tools share: clusters, the time, read-only annotations, and errors in words."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from agents.cluster.clusters import Clusters
from agents.cluster.errors import ClusterError
from agents.cluster.redaction import redact
from agents.cluster.times import iso

READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

STATE_SECONDS = 5.0
"""A cluster that has not told its version by then is listed as unavailable."""

P = ParamSpec("P")
R = TypeVar("R")


def with_errors_in_words(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Lets a tool's anticipated errors reach whoever called it; MCP hides the text of all others."""

    @functools.wraps(tool)
    async def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except (ClusterError, ValueError) as error:
            raise ToolError(redact(str(error))) from error

    return called


class ClusterInfo(BaseModel):
    """One cluster that tools can be pointed at."""

    cluster_name: str
    cluster_id: str
    """What `cluster_id` parameters take: the kubeconfig context."""
    state: str
    """`running` or `unavailable`."""
    current_version: str | None = None
    api_server_endpoints: str | None = None
    error: str | None = None


class ClusterList(BaseModel):
    """The clusters of one page."""

    count: int
    """How many there are in all."""
    clusters: list[ClusterInfo] = Field(default_factory=list[ClusterInfo])


class CurrentTime(BaseModel):
    """Now."""

    current_time_iso: str
    current_time_unix: int
    timezone: str = "UTC"


async def list_clusters(clusters: Clusters, page_size: int = 10, page_num: int = 1) -> ClusterList:
    """The configured clusters, with state and version."""
    ids = clusters.ids()
    start = max(page_num - 1, 0) * page_size
    shown = ids[start : start + max(page_size, 1)]
    return ClusterList(count=len(ids), clusters=list(await asyncio.gather(*(_info(clusters, name) for name in shown))))


def current_time() -> CurrentTime:
    """Now, in UTC."""
    now = datetime.now(UTC)
    return CurrentTime(current_time_iso=iso(now), current_time_unix=int(now.timestamp()))


async def _info(clusters: Clusters, name: str) -> ClusterInfo:
    try:
        cluster = await clusters.get(name)
        async with asyncio.timeout(STATE_SECONDS):
            version = await cluster.version()
    except TimeoutError:
        text = f"no answer within {STATE_SECONDS:g} s"
        return ClusterInfo(cluster_name=name, cluster_id=name, state="unavailable", error=text)
    except ClusterError as error:
        return ClusterInfo(cluster_name=name, cluster_id=name, state="unavailable", error=redact(str(error)))
    return ClusterInfo(
        cluster_name=name,
        cluster_id=name,
        state="running",
        current_version=version.get("gitVersion"),
        api_server_endpoints=cluster.server,
    )
