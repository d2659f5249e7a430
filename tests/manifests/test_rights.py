"""Each specialist's role is exactly what its tools ask of the API: nothing missing, nothing extra.

The tools run with a token of their own service account, under the RBAC of `manifests/base`; the embedded API server
notes what it is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.auditor.tools import build_tools as auditor_tools
from agents.cluster.kinds import BUILT_IN
from agents.diagnoser.collect import NOT_NEEDED
from agents.diagnoser.tools import build_tools as diagnoser_tools
from agents.metrics.tools import build_tools as metrics_tools
from agents.runtime.settings import AuditSettings, KubernetesSettings, Settings
from agents.runtime.tools import ToolFailure, in_process_tools
from sandbox import Sandbox
from tests.manifests.built import SERVICES, needs_kubectl, objects_of, of_kind
from tests.manifests.conftest import kubeconfig_of, kubectl
from tests.manifests.gateway_api import GATEWAY_API
from tests.manifests.rights import Recorder, Right, granted

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]

SECRETS = {Right("list", "", "secrets"), Right("get", "", "secrets")}
"""Asked for and refused: what depends on the keys of a Secret is then named as not seen."""
QUESTION = "Customers in the shop get errors when they check out. What is wrong?"


@asynccontextmanager
async def tools_of(sandbox: Sandbox, account: str, build: Any, folder: Path) -> AsyncIterator[Any]:
    """A function that calls the specialist's tools under its own rights."""
    kubeconfig = kubeconfig_of(sandbox, account, folder)
    settings = Settings(
        kubernetes=KubernetesSettings(kubeconfig=kubeconfig), audit=AuditSettings(path=sandbox.audit_log)
    )
    server = build(settings)
    tools = {tool.info.name: tool for tool in await in_process_tools(server)}
    called: set[str] = set()

    async def call(tool: str, /, **arguments: Any) -> Any:
        called.add(tool)
        return await tools[tool].call(arguments)

    async with server.settings.lifespan(server):
        yield call
    assert called == set(tools), f"tools that were not exercised: {set(tools) - called}"


async def test_the_metrics_analyst_may_do_what_its_tools_do(installed: Sandbox, tmp_path: Path) -> None:
    recorder = Recorder(installed)
    async with tools_of(installed, "metrics", metrics_tools, tmp_path) as call:
        assert (await call("list_clusters"))["clusters"][0]["state"] == "running"
        await call("get_current_time")
        await call("query_prometheus", promql="up")
        await call("query_prometheus_metric_guidance", resource_label="pod", metric_category="cpu")
        for group in ("nodes", "workloads", "pods", "containers"):
            assert (await call("top_resources", group_by=group))["problem"] is None
        workload = {"namespace": "shop", "workload_type": "deployment", "workload_name": "checkout"}
        await call("analyze_capacity")
        await call("analyze_workload_trend", **workload)
        assert (await call("analyze_workload_cost", **workload))["problem"] is None
        assert (await call("analyze_workload_autoscaling", **workload))["problem"] is None
    assert recorder.by("metrics") == granted(objects_of("base"), "metrics")


async def test_the_auditor_may_do_what_its_tools_do(installed: Sandbox, tmp_path: Path) -> None:
    recorder = Recorder(installed)
    async with tools_of(installed, "auditor", auditor_tools, tmp_path) as call:
        await call("list_clusters")
        await call("get_current_time")
        assert (await call("query_audit_log", namespace="shop"))["entries"]
        await call("list_denied_requests")
        assert (await call("list_events", namespace="shop"))["events"]
        logs = await call("get_pod_logs", namespace="shop", name="checkout")
        assert logs["containers"] and all(log["problem"] is None for log in logs["containers"])
        await call("get_pod_logs", namespace="shop", name=logs["containers"][0]["pod"])
        assert "query" in await call("query_controlplane_logs", component_name="scheduler")
    assert recorder.by("auditor") == granted(objects_of("base"), "auditor")


async def test_the_diagnoser_may_do_what_its_tools_do(installed: Sandbox, tmp_path: Path) -> None:
    kubectl(installed, "apply", "-f", "-", stdin=GATEWAY_API)
    recorder = Recorder(installed)
    async with tools_of(installed, "diagnoser", diagnoser_tools, tmp_path) as call:
        await call("list_clusters")
        found = await call("find_root_causes", question=QUESTION)
        assert [(c["resource"], c["fault"]) for c in found["root_causes"]] == [
            ("shop/Deployment/checkout", "oom_killed")
        ]
        assert any("Secret" in line and "forbidden" in line for line in found["missing"])
        await call(
            "diagnose_resource", resource_type="service", resource_target='{"namespace":"shop","name":"checkout"}'
        )
        await call("query_inspect_report")
        for kind in BUILT_IN:
            if kind.name not in NOT_NEEDED:
                await readable(call, f"{kind.group}/{kind.name}", kind.namespaced, allowed=kind.name != "Secret")
    asked = recorder.by("diagnoser")
    assert asked - SECRETS == granted(objects_of("base"), "diagnoser")
    assert asked >= SECRETS


async def readable(call: Any, kind: str, namespaced: bool, *, allowed: bool) -> None:
    """Both reading tools answer for a kind, or are refused by RBAC."""
    outcome = "there is none|not found" if allowed else "not allowed|cannot"
    if allowed:
        await call("list_resources", kind=kind)
    else:
        with pytest.raises(ToolFailure, match=outcome):
            await call("list_resources", kind=kind)
    with pytest.raises(ToolFailure, match=outcome):
        await call("get_resource", kind=kind, name="absent", namespace="shop" if namespaced else None)


@pytest.mark.parametrize("service", SERVICES)
def test_no_role_reads_secrets_or_grants_everything(service: str) -> None:
    rights = granted(objects_of("base"), service)
    assert not any("*" in right or right.resource.startswith("secrets") for right in rights)
    escalations = {"escalate", "bind", "impersonate", "deletecollection", "*"}
    assert not any(right.verb in escalations for right in rights)


@pytest.mark.parametrize("service", ["planner", "metrics", "auditor", "diagnoser"])
def test_only_the_executor_may_change_anything(service: str) -> None:
    assert {right.verb for right in granted(objects_of("base"), service)} <= {"get", "list"}


def test_the_planner_has_no_rights_and_no_token() -> None:
    objects = objects_of("base")
    assert granted(objects, "planner") == set()
    assert of_kind(objects, "ServiceAccount")["planner"]["automountServiceAccountToken"] is False
    assert (
        of_kind(objects, "Deployment")["planner"]["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    )
