"""A real Prometheus with the demo incident's series: questions are answered from it, our queries parse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mcp.server.mcpserver import MCPServer

from agents.metrics.agent import DEFINITION
from agents.metrics.guidance import CATEGORIES, metric_guidance
from agents.metrics.tools import build_tools
from agents.runtime.settings import Settings
from sandbox import Sandbox
from tests.cluster.turns import ask, call
from tests.end_to_end.conftest import INCIDENT
from tests.end_to_end.prometheus_server import parsed, prometheus, require


class Place(NamedTuple):
    """Where the incident's cluster and its series are."""

    kubeconfig: Path
    url: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require()
    with (
        Sandbox(INCIDENT, frozen=True) as sandbox,
        prometheus(tmp_path_factory.mktemp("prometheus"), sandbox.metrics) as url,
    ):
        yield Place(sandbox.kubeconfig, url)


@pytest.fixture
async def server(place: Place) -> AsyncIterator[MCPServer[Any]]:
    settings = {"kubernetes": {"kubeconfig": place.kubeconfig}, "prometheus": {"default": {"url": place.url}}}
    tools = build_tools(Settings.model_validate(settings))
    async with tools.settings.lifespan(tools):  # type: ignore[misc]
        yield tools


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Which applications used most CPU in the last five minutes?", "Most CPU over the last 5m: `shop/Deployment/"),
        ("最近五分钟哪些应用最耗 CPU？", "最近 5m CPU 用量最高：`shop/Deployment/"),
        ("Is memory of cart growing?", "No, memory of `shop/Deployment/cart` is steady over the last 1h."),
        ("cart 的内存是不是在涨？", "没有增长，`shop/Deployment/cart` 的内存在最近 1h 内保持平稳。"),
        ("Is the sizing of checkout right?", "container checkout is **too small**"),
        ("checkout 的规格合理吗？", "容器 checkout **规格偏小**"),
    ],
)
async def test_questions_about_history_are_answered_from_it(server: MCPServer[Any], question: str, words: str) -> None:
    finding, results = await ask(DEFINITION, server, question)
    assert [result.error for result in results] == [None] * len(results)
    assert words in finding.text
    assert any(evidence.source.startswith("prometheus (") for evidence in finding.evidence)
    assert finding.facts["point_in_time"] is False or "trends" in finding.facts
    assert not finding.missing


async def test_sizes_come_from_percentiles_of_pods_before_and_after_a_rollout(server: MCPServer[Any]) -> None:
    found = await call(
        server, "analyze_workload_cost", namespace="shop", workload_type="deployment", workload_name="checkout"
    )
    (box,) = found["resource_recommendation"]["containers"]
    assert found["source"] == "prometheus"
    assert box["memory_percentiles"]["p99"] > 300 * 2**20, "what it used before its limit was lowered"
    assert box["memory_limit_now"] == "128Mi"
    assert "last 24h" not in found["resource_recommendation"]["rule"], "there are but two hours of history"


async def test_a_range_is_answered_with_bounded_points(server: MCPServer[Any]) -> None:
    found = await call(
        server,
        "query_prometheus",
        promql='sum by (pod) (container_memory_working_set_bytes{namespace="shop"})',
        start_time="2h",
        end_time="now",
        step="1s",
    )
    assert found["resultType"] == "matrix"
    assert max(len(row["values"]) for row in found["result"]) <= 300
    assert any("step" in warning for warning in found["warnings"])


async def test_a_query_that_does_not_parse_is_refused_in_the_servers_words(server: MCPServer[Any]) -> None:
    with pytest.raises(Exception, match="parse error"):
        await call(server, "query_prometheus", promql="sum(")


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("resource", ["node", "pod"])
async def test_every_query_of_the_guidance_is_valid(place: Place, resource: str, category: str) -> None:
    for sample in metric_guidance(resource, category).promql_samples:
        assert await parsed(place.url, sample.expression) is None, sample.rule_name
