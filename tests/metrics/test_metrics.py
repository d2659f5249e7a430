"""The metrics analyst compares usage with limits, and never says more than a moment can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from agents.metrics.agent import DEFINITION
from agents.metrics.guidance import CATEGORIES, metric_guidance
from agents.metrics.tools import build_tools
from agents.runtime.settings import Settings
from tests.cluster.fake_api import FakeApi, serving
from tests.cluster.turns import ask, call

STAMP = {"timestamp": "2026-01-01T00:00:00Z", "window": "15s"}
ACK_PARAMETERS = {
    "query_prometheus": ({"cluster_id", "promql", "start_time", "end_time", "step"}, ["promql"]),
    "query_prometheus_metric_guidance": (
        {"resource_label", "metric_category"},
        ["resource_label", "metric_category"],
    ),
    "analyze_workload_cost": (
        {"cluster_id", "namespace", "workload_type", "workload_name"},
        ["namespace", "workload_type", "workload_name"],
    ),
    "analyze_workload_autoscaling": (
        {"cluster_id", "namespace", "workload_type", "workload_name"},
        ["namespace", "workload_type", "workload_name"],
    ),
}


def pod(name: str, hash_: str = "5d4f8b7c9d", restarts: int = 0, **resources: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": f"{name}-{hash_}", "controller": True}
    state = {"terminated": {"reason": "OOMKilled", "exitCode": 137}} if restarts else {}
    return {
        "metadata": {
            "name": f"{name}-{hash_}-x2x7k",
            "namespace": "web",
            "ownerReferences": [owner],
            "labels": {"pod-template-hash": hash_},
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "app", "resources": resources}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False" if restarts else "True"}],
            "containerStatuses": [{"name": "app", "restartCount": restarts, "lastState": state}],
        },
    }


def used(name: str, cpu: str, memory: str) -> dict[str, Any]:
    metadata = {"name": f"{name}-5d4f8b7c9d-x2x7k", "namespace": "web"}
    return {"metadata": metadata, "containers": [{"name": "app", "usage": {"cpu": cpu, "memory": memory}}], **STAMP}


LIMITED = {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    pods = [pod("api", **LIMITED), pod("worker", restarts=9, **LIMITED), pod("free")]
    for place in ("", "/namespaces/web"):
        api.objects(f"/api/v1{place}/pods", *pods)
        api.objects(f"/apis/apps/v1{place}/replicasets")
        api.objects(f"/apis/batch/v1{place}/jobs")
        api.objects(f"/apis/autoscaling/v2{place}/horizontalpodautoscalers")
    node = {"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}}
    api.objects("/api/v1/nodes", node)
    metrics = "/apis/metrics.k8s.io/v1beta1"
    api.objects(f"{metrics}/nodes", {"metadata": {"name": "n1"}, "usage": {"cpu": "1", "memory": "4Gi"}, **STAMP})
    api.objects(f"{metrics}/pods", used("api", "150m", "126Mi"), used("free", "2", "10Mi"))
    return api


@pytest.fixture
async def server(api: FakeApi, tmp_path: Path) -> AsyncIterator[MCPServer[Any]]:
    async with serving(api, tmp_path):
        tools = build_tools(Settings.model_validate({"kubernetes": {"kubeconfig": tmp_path / "kubeconfig"}}))
        async with tools.settings.lifespan(tools):  # type: ignore[misc]
            yield tools


async def test_the_tools_are_those_of_the_design_and_all_read_only(server: MCPServer[Any]) -> None:
    listed = {tool.name: tool for tool in await server.list_tools()}
    own = {"list_clusters", "get_current_time", "top_resources", "analyze_workload_trend", "analyze_capacity"}
    assert set(listed) == {*ACK_PARAMETERS, *own}
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.values())
    for name, (parameters, required) in ACK_PARAMETERS.items():
        schema = listed[name].input_schema
        assert set(schema["properties"]) == parameters, name
        assert schema.get("required", []) == required, name


async def test_usage_is_set_against_limits_by_workload(server: MCPServer[Any]) -> None:
    found = await call(server, "top_resources", sort_by="memory_percent")
    row = found["consumers"][0]
    assert row["resource"] == "web/Deployment/api"
    assert (row["memory_percent"], row["cpu_percent"]) == (98.4, 15.0)
    assert row["fullest"] == "api-5d4f8b7c9d-x2x7k/app"
    assert found["point_in_time"] is True


async def test_trouble_comes_first_when_asked_for(server: MCPServer[Any]) -> None:
    found = await call(server, "top_resources", sort_by="trouble")
    assert [row["resource"] for row in found["consumers"]] == [
        "web/Deployment/worker",
        "web/Deployment/api",
        "web/Deployment/free",
    ]
    assert found["consumers"][0]["last_exit"] == "OOMKilled (exit code 137)"
    assert found["consumers"][0]["memory"] is None


async def test_nodes_are_set_against_what_they_can_allocate(server: MCPServer[Any]) -> None:
    (row,) = (await call(server, "top_resources", group_by="nodes"))["consumers"]
    assert (row["resource"], row["cpu_percent"], row["memory_percent"]) == ("Node/n1", 25.0, 50.0)
    assert row["cpu_request"] == 0.4


async def test_an_incident_names_what_is_under_strain(server: MCPServer[Any]) -> None:
    finding, _ = await ask(DEFINITION, server, "The shop is down, what is wrong?")
    assert "2 workload(s) under strain" in finding.text
    assert "98.4% of its memory limit" in finding.text
    assert "9 restarts, last OOMKilled" in finding.text
    assert "a point in time" in finding.text
    assert any(evidence.source == "metrics.k8s.io (point in time)" for evidence in finding.evidence)
    assert any(evidence.source == "pod status" for evidence in finding.evidence)


async def test_top_consumers_are_named_and_a_time_range_is_not_pretended(server: MCPServer[Any]) -> None:
    finding, _ = await ask(DEFINITION, server, "Which applications used most CPU in the last five minutes?")
    assert "Most CPU right now: `web/Deployment/free` 2, `web/Deployment/api` 150m." in finding.text
    assert any("Prometheus" in text for text in finding.missing)
    chinese, _ = await ask(DEFINITION, server, "最近五分钟哪些应用内存占用最高？")
    assert "当前内存用量最高：`web/Deployment/api` 126Mi" in chinese.text


async def test_sizing_recommends_with_its_rule(server: MCPServer[Any]) -> None:
    finding, results = await ask(DEFINITION, server, "Is the sizing of api right?")
    assert results[-1].name == "analyze_workload_cost"
    assert "container app is **too small**: request 195m CPU and 164Mi (now 200m and 64Mi)" in finding.text
    assert "Rule: CPU request = peak x 1.3" in finding.text
    assert "check it against a day of history" in finding.text


async def test_autoscaling_tells_what_stands_in_the_way(api: FakeApi, server: MCPServer[Any]) -> None:
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 95}}}
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "at most 3"}
    hpa = {
        "metadata": {"name": "api", "namespace": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "api"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [metric],
        },
        "status": {
            "currentReplicas": 3,
            "desiredReplicas": 3,
            "currentMetrics": [current],
            "conditions": [{"type": "AbleToScale", "status": "True"}, limited],
        },
    }
    api.objects("/apis/autoscaling/v2/namespaces/web/horizontalpodautoscalers", hpa)
    finding, _ = await ask(DEFINITION, server, "Why does the autoscaler of api not scale up?")
    assert "holds 3 of 1 to 3 replicas and wants 3: cpu 95% of requests, target 70%" in finding.text
    assert "TooManyReplicas: at most 3" in finding.text


async def test_without_metrics_server_requests_and_restarts_remain(api: FakeApi, server: MCPServer[Any]) -> None:
    for kind in ("nodes", "pods"):
        del api.answers[f"LIST /apis/metrics.k8s.io/v1beta1/{kind}"]
    finding, _ = await ask(DEFINITION, server, "What is wrong?")
    assert any("metrics-server" in text for text in finding.missing)
    assert "9 restarts" in finding.text
    assert {evidence.source for evidence in finding.evidence} == {"pod status"}


async def test_a_prometheus_that_is_not_configured_is_said_in_the_result(server: MCPServer[Any]) -> None:
    found = await call(server, "query_prometheus", promql="up")
    assert found["error"]["error_code"] == "NOT_CONFIGURED"
    assert found["result"] == []


async def test_a_workload_without_pods_is_an_error_in_words(server: MCPServer[Any]) -> None:
    with pytest.raises(ToolError, match="web/Deployment/nobody has no running pods"):
        await call(server, "analyze_workload_cost", namespace="web", workload_type="deploy", workload_name="nobody")


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("resource", ["node", "pod", "deployment"])
def test_there_is_guidance_for_every_category(resource: str, category: str) -> None:
    found = metric_guidance(resource, category)
    assert found.metrics
    assert found.promql_samples
    assert found.error is None


def test_guidance_for_an_unknown_category_names_the_known_ones() -> None:
    error = metric_guidance("pod", "colour").error
    assert error is not None
    assert "cpu, memory, network, disk" in error.error_message
