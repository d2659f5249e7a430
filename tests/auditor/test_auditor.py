"""The auditor says who did what, what it did to the pods, and nothing that is secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from agents.auditor.agent import DEFINITION
from agents.auditor.control_plane import entry_of
from agents.auditor.tools import build_tools
from agents.runtime.settings import Settings
from tests.auditor.conftest import NOW
from tests.cluster.fake_api import FakeApi
from tests.cluster.turns import ask, call

LEAK = "Sw0rdf1sh-9931"
ACK_PARAMETERS = {
    "query_audit_log": (
        [
            "cluster_id",
            "namespace",
            "verbs",
            "resource_types",
            "resource_name",
            "user",
            "start_time",
            "end_time",
            "limit",
        ],
        [],
    ),
    "query_controlplane_logs": (
        ["cluster_id", "component_name", "filter_pattern", "start_time", "end_time", "limit"],
        ["component_name"],
    ),
    "list_clusters": (["page_size", "page_num"], []),
    "get_current_time": ([], []),
}


async def test_the_tools_are_those_of_the_design_and_all_read_only(server: MCPServer[Any]) -> None:
    listed = {tool.name: tool for tool in await server.list_tools()}
    assert set(listed) == {*ACK_PARAMETERS, "get_pod_logs", "list_denied_requests", "list_events"}
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.values())
    for name, (parameters, required) in ACK_PARAMETERS.items():
        schema = listed[name].input_schema
        assert set(schema.get("properties", {})) == set(parameters), name
        assert schema.get("required", []) == required, name


async def test_an_incident_is_answered_with_changes_events_and_the_log_before_the_crash(
    server: MCPServer[Any], api: FakeApi
) -> None:
    finding, results = await ask(DEFINITION, server, "ledger keeps crashing, what is wrong?", names=["ledger"])
    assert [result.error for result in results] == [None] * 4
    assert {evidence.source for evidence in finding.evidence} == {"audit log", "events", "logs"}
    assert "FATAL: no license" in finding.text
    assert "**bob@example.com** changed `web/Deployment/ledger`: containers[app].image = ledger:2" in finding.text
    assert any("--previous" in evidence.query for evidence in finding.evidence)
    assert finding.facts["changes"][0]["by"] == "bob@example.com"
    assert LEAK not in finding.model_dump_json()


async def test_the_same_answer_in_chinese(server: MCPServer[Any]) -> None:
    finding, _ = await ask(DEFINITION, server, "ledger 一直崩溃，是什么问题？")
    assert finding.language == "zh"
    assert "**bob@example.com** 修改了 `web/Deployment/ledger`" in finding.text
    assert "### 告警事件" in finding.text


@pytest.mark.parametrize(
    "question",
    [
        "Who deleted the billing service?",
        "Which port did the deleted service billing have?",
        "被删除的 billing 服务用的是哪个端口？",
    ],
)
async def test_a_deleted_object_is_answered_from_its_last_known_state(server: MCPServer[Any], question: str) -> None:
    finding, results = await ask(DEFINITION, server, question)
    assert "ann@example.com" in finding.text
    assert "web/Service/billing" in finding.text
    assert "port 7443 -> 9000/TCP (http)" in finding.text
    assert not any(result.name == "get_pod_logs" for result in results)
    assert finding.facts["deleted"]["web/Service/billing"]["spec"]["ports"][0]["port"] == 7443


async def test_what_changed_in_the_last_hour_leaves_out_what_came_before(server: MCPServer[Any]) -> None:
    finding, results = await ask(DEFINITION, server, "What changed in the last hour?")
    assert results[0].arguments["start_time"] == "1h"
    assert "colors" in finding.text
    assert "billing" in finding.text
    assert "ledger" not in finding.text
    assert "replicaset-controller" not in finding.text
    assert LEAK not in finding.model_dump_json()


async def test_an_object_that_the_question_names_is_the_answer(server: MCPServer[Any]) -> None:
    finding, _ = await ask(DEFINITION, server, "Who changed ledger today?")
    assert finding.text.startswith("1 change(s) in the last 24h; the latest: **bob@example.com**")
    assert "colors" not in finding.text


async def test_nothing_changed_is_said_with_how_far_the_log_reaches(server: MCPServer[Any]) -> None:
    finding, _ = await ask(DEFINITION, server, "Who changed anything in the last 5 minutes?")
    assert "no matching change" in finding.text
    assert "The audit log begins at" in finding.text


async def test_without_an_audit_log_the_rest_is_answered_and_that_is_said(api: FakeApi, tmp_path: Path) -> None:
    from tests.cluster.fake_api import serving

    async with serving(api, tmp_path):
        server = build_tools(Settings.model_validate({"kubernetes": {"kubeconfig": tmp_path / "kubeconfig"}}))
        async with server.settings.lifespan(server):  # type: ignore[misc]
            finding, _ = await ask(DEFINITION, server, "What is wrong with ledger?")
    assert any("audit.path" in text for text in finding.missing)
    assert "FATAL: no license" in finding.text


async def test_denied_events_cost_only_their_part(api: FakeApi, server: MCPServer[Any]) -> None:
    from tests.cluster.fake_api import status

    del api.answers["LIST /api/v1/events"]
    api.answers["GET /api/v1/events"] = status(403, "Forbidden", 'events is forbidden: User "x" cannot list resource')
    finding, _ = await ask(DEFINITION, server, "What is wrong, and who changed it?")
    assert any("cannot list" in text for text in finding.missing)
    assert "bob@example.com" in finding.text


async def test_logs_are_folded_redacted_and_found_by_workload(server: MCPServer[Any]) -> None:
    found = await call(server, "get_pod_logs", namespace="web", name="ledger")
    assert len(found["containers"]) == 2
    log = found["containers"][0]
    assert log["lines"] == 302
    assert log["text"].startswith("[300x] ")
    assert log["errors"][0] == "FATAL: no license"
    assert LEAK not in json.dumps(found)


async def test_logs_can_be_narrowed_to_a_pattern(server: MCPServer[Any]) -> None:
    found = await call(server, "get_pod_logs", namespace="web", name="ledger-5d4f8b7c9d-x2x7k", filter_pattern="fatal")
    assert [log["matched"] for log in found["containers"]] == [1]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("query_audit_log", {"start_time": "whenever"}, "ISO 8601"),
        ("get_pod_logs", {"namespace": "web", "name": "nobody"}, "neither a pod nor a workload"),
        ("get_pod_logs", {"namespace": "web", "name": "ledger", "container": "x"}, "has no container"),
        ("get_pod_logs", {"namespace": "..", "name": "ledger"}, "no name of a Kubernetes object"),
        ("query_controlplane_logs", {"component_name": "ccm"}, "cloud-controller-manager runs in no pod"),
        ("query_audit_log", {"cluster_id": "other"}, "there is no cluster 'other'"),
    ],
)
async def test_errors_are_told_in_words(
    api: FakeApi, server: MCPServer[Any], tool: str, arguments: dict[str, Any], words: str
) -> None:
    api.objects("/api/v1/namespaces/kube-system/pods")
    with pytest.raises(ToolError, match=words):
        await call(server, tool, **arguments)


async def test_control_plane_lines_are_read_in_klogs_format(api: FakeApi, server: MCPServer[Any]) -> None:
    stamp = NOW.strftime("%m%d %H:%M:%S")
    lines = f'I{stamp}.1 1 a.go:1] all well\nE{stamp}.2 1 b.go:2] "Unable to schedule" token=abcdef12345678\n'
    name = "kube-scheduler-node-1"
    api.objects("/api/v1/namespaces/kube-system/pods", {"metadata": {"name": name, "namespace": "kube-system"}})
    api.answers[f"GET /api/v1/namespaces/kube-system/pods/{name}/log"] = (200, lines)
    found = await call(server, "query_controlplane_logs", component_name="scheduler", filter_pattern="unable")
    (entry,) = found["entries"]
    assert entry["level"] == "error"
    assert "abcdef" not in entry["message"]
    assert entry["component"] == "kube-scheduler"


def test_a_klog_date_in_the_future_was_last_years() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    entry = entry_of("etcd", "etcd-0", "W1231 23:59:00.000000       1 x.go:1] slow", 1, now)
    assert entry.timestamp == datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
