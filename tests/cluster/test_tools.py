"""What every specialist's tools share."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from agents.cluster.errors import UnknownCluster
from agents.cluster.tools import current_time, list_clusters, with_errors_in_words
from tests.cluster.fake_api import FakeApi, serving, status


async def test_clusters_are_listed_with_version_and_state(tmp_path: Path) -> None:
    api = FakeApi()
    api.answers["GET /version"] = (200, {"gitVersion": "v1.37.0"})
    async with serving(api, tmp_path, ("a", "b", "c")) as clusters:
        found = await list_clusters(clusters, page_size=2, page_num=2)
    assert found.count == 3
    assert [(info.cluster_id, info.state, info.current_version) for info in found.clusters] == [
        ("c", "running", "v1.37.0")
    ]


async def test_a_cluster_that_does_not_answer_is_listed_as_such(tmp_path: Path) -> None:
    api = FakeApi()
    api.answers["GET /version"] = status(401, "Unauthorized", "Unauthorized")
    async with serving(api, tmp_path) as clusters:
        (info,) = (await list_clusters(clusters)).clusters
    assert info.state == "unavailable"
    assert "credentials" in (info.error or "")


async def test_expected_errors_reach_the_caller_and_others_do_not() -> None:
    @with_errors_in_words
    async def fails(error: Exception) -> None:
        raise error

    with pytest.raises(ToolError, match=r"there is no cluster 'x'; known clusters .*: a, b"):
        await fails(UnknownCluster("x", ["a", "b"]))
    with pytest.raises(KeyError):
        await fails(KeyError("internal"))


def test_the_time_is_told_in_utc() -> None:
    assert current_time().current_time_iso.endswith("Z")
