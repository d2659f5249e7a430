"""The real kubernetes-mcp-server on the embedded cluster: what it changes is proposed, approved, and done once."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.cluster.clusters import Clusters
from agents.executor.agent import desk_for
from agents.executor.desk import Desk
from agents.executor.tools import build_tools
from agents.runtime.approvals import Decision, approve, load_key
from agents.runtime.settings import (
    AgentSettings,
    ApprovalSettings,
    KubernetesSettings,
    McpServerSettings,
    PolicySettings,
    Settings,
    StoreSettings,
    ToolCallSettings,
)
from agents.runtime.tools import Tool, ToolFailure, in_process_tools
from sandbox import Sandbox

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".venv" / "npm" / "node_modules" / ".bin" / "kubernetes-mcp-server"
BINARY = (
    os.environ.get("KUBERNETES_MCP_SERVER")
    or shutil.which("kubernetes-mcp-server")
    or (str(INSTALLED) if INSTALLED.exists() else None)
)
pytestmark = pytest.mark.skipif(
    BINARY is None,
    reason="kubernetes-mcp-server not found: `make mcp-server`, or set KUBERNETES_MCP_SERVER to it",
)
INCIDENT = ROOT / "sandbox" / "incidents" / "checkout-oom"
WRITING = ["resources_scale", "pods_delete", "pods_run", "helm_install", "resources_create_or_update", "pods_exec"]


@dataclass
class Place:
    """The executor with that server, and a person who approves."""

    settings: Settings
    call: Tool
    clusters: Clusters

    async def ask(self, tool: str, arguments: dict[str, Any], **more: str) -> dict[str, Any]:
        return await self.call.call({"server": "kubernetes", "tool": tool, "arguments": arguments, **more})

    def signed(self, proposal: dict[str, Any]) -> str:
        decided = Decision(proposal=proposal["proposal"], digest=proposal["digest"], decision="approve")
        options = {"key": load_key(self.settings), "now": datetime.now(UTC), "lifetime": timedelta(minutes=5)}
        return approve(decided, approver="ann", **options)

    async def replicas(self, name: str) -> int:
        return (await (await self.clusters.get(None)).get("Deployment", name, "shop"))["spec"]["replicas"]

    async def pods(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in await (await self.clusters.get(None)).list("Pod", "shop")]


async def listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("kubernetes-mcp-server does not listen")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    async with Sandbox(INCIDENT) as box:
        flags = ["--port", str(port), "--bind-address", "127.0.0.1", "--kubeconfig", str(box.kubeconfig)]
        process = await asyncio.create_subprocess_exec(
            str(BINARY),
            *flags,
            "--toolsets",
            "core,config,helm",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await listening(port)
            server = McpServerSettings(url=f"http://127.0.0.1:{port}/mcp", tools=[*WRITING, "pods_list"])
            settings = Settings(
                kubernetes=KubernetesSettings(kubeconfig=Path(box.kubeconfig)),
                store=StoreSettings(folder=tmp_path),
                agents={"executor": AgentSettings(mcp_servers={"kubernetes": server})},
                policy=PolicySettings(tool_calls=[ToolCallSettings(server="kubernetes", tools=WRITING)]),
                approvals=ApprovalSettings(rollout_seconds=0.001),
            )
            desk: Desk = desk_for(settings)
            desk.shop = replace(desk.shop, diagnose=None)
            clusters = Clusters(settings.kubernetes)
            async with clusters.lifespan(), desk.lifespan():
                tools = {tool.info.name: tool for tool in await in_process_tools(build_tools(desk))}
                yield Place(settings, tools["call_tool"], clusters)
        finally:
            os.killpg(process.pid, 9)
            await process.wait()


async def test_what_the_server_would_change_is_proposed_and_done_once_after_approval(place: Place) -> None:
    before = await place.replicas("frontend")
    scale = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "frontend",
        "namespace": "shop",
        "scale": before + 1,
    }
    proposal = await place.ask("resources_scale", scale)
    assert proposal["status"] == "proposed" and await place.replicas("frontend") == before
    assert proposal["action"]["resource"] == "shop/Deployment/frontend"
    assert proposal["action"]["effects"]["replicas_after"] == before + 1
    assert (await place.ask("resources_scale", scale, approval="yes"))["status"] == "not_applied"
    token = place.signed(proposal)
    outcome = await place.ask("resources_scale", scale, approval=token)
    assert outcome["status"] == "applied" and await place.replicas("frontend") == before + 1
    assert (await place.ask("resources_scale", scale, approval=token))["status"] == "not_applied"


async def test_a_pod_is_deleted_only_when_that_was_approved(place: Place) -> None:
    name = next(pod for pod in await place.pods() if pod.startswith("frontend"))
    pod = {"name": name, "namespace": "shop"}
    proposal = await place.ask("pods_delete", pod)
    assert proposal["action"]["risk"]["level"] == "high" and name in await place.pods()
    outcome = await place.ask("pods_delete", pod, approval=place.signed(proposal))
    assert outcome["status"] == "applied" and name not in await place.pods()


async def test_tools_that_only_add_are_writes_too(place: Place) -> None:
    run = await place.ask("pods_run", {"name": "extra", "namespace": "shop", "image": "busybox"})
    helm = await place.ask("helm_install", {"chart": "oci://example.test/x", "name": "x", "namespace": "shop"})
    assert run["status"] == helm["status"] == "proposed" and "extra" not in await place.pods()
    assert helm["action"]["resource"] == "shop/McpTool/kubernetes.helm_install"


async def test_its_shell_and_its_secrets_are_out_of_reach(place: Place) -> None:
    name = (await place.pods())[0]
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n"
    with pytest.raises(ToolFailure, match="approved or not"):
        await place.ask("pods_exec", {"name": name, "namespace": "shop", "command": ["id"]})
    with pytest.raises(ToolFailure, match="Secrets"):
        await place.ask("resources_create_or_update", {"resource": secret})
    with pytest.raises(ToolFailure, match="only reads"):
        await place.ask("pods_list", {})
