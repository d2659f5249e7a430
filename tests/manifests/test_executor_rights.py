"""The executor's role is exactly what its changes need, found out by making every one of them under that role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.executor.agent import desk_for
from agents.executor.tools import build_tools
from agents.runtime.approvals import Decision, approve, load_key
from agents.runtime.settings import ApprovalSettings, KubernetesSettings, Settings, StoreSettings
from agents.runtime.tools import Tool, ToolFailure, in_process_tools
from sandbox import Sandbox
from tests.manifests.built import documents_of, needs_kubectl, objects_of
from tests.manifests.conftest import kubeconfig_of, kubectl
from tests.manifests.executor_work import FOUND, ORDERS, OUT_OF_REACH
from tests.manifests.gateway_api import GATEWAY_API
from tests.manifests.rights import Recorder, Right, granted

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]

SECRETS = {Right("list", "", "secrets"), Right("get", "", "secrets")}
NODE = {"name": "node-3"}


class Worker:
    """The executor under its own rights, with a person who approves everything."""

    def __init__(self, settings: Settings, tools: list[Tool]) -> None:
        self._key = load_key(settings)
        self._tools = {tool.info.name: tool for tool in tools}

    async def propose(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await self._tools[tool].call(arguments)

    async def apply(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Proposes, approves, applies. Gives the outcome."""
        proposal = await self.propose(tool, arguments)
        assert proposal["status"] == "proposed" and proposal["action"]["dry_run"] == "server", (tool, proposal)
        decided = Decision(proposal=proposal["proposal"], digest=proposal["digest"], decision="approve")
        token = approve(
            decided, approver="ann", key=self._key, now=datetime.now(UTC), lifetime=timedelta(minutes=5)
        )  # fmt: skip
        outcome = await self.propose(tool, {**arguments, "approval": token})
        assert outcome["status"] == "applied", (tool, arguments, outcome)
        return outcome


@asynccontextmanager
async def working(sandbox: Sandbox, folder: Path, *, diagnosing: bool) -> AsyncIterator[Worker]:
    settings = Settings(
        kubernetes=KubernetesSettings(kubeconfig=kubeconfig_of(sandbox, "executor", folder)),
        store=StoreSettings(folder=folder),
        approvals=ApprovalSettings(rollout_seconds=60 if diagnosing else 0.001),
    )
    desk = desk_for(settings)
    if not diagnosing:
        desk.shop = replace(desk.shop, diagnose=None)
    async with desk.lifespan():
        yield Worker(settings, await in_process_tools(build_tools(desk)))


async def test_the_executor_may_do_what_its_changes_need(living: Sandbox, tmp_path: Path) -> None:
    kubectl(living, "apply", "-f", "-", stdin=GATEWAY_API)
    kubectl(living, "apply", "-f", "-", stdin=documents_of(FOUND))
    recorder = Recorder(living)
    async with working(living, tmp_path, diagnosing=False) as worker:
        for order in ORDERS:
            await worker.apply(*order)
        for tool in ("cordon_node", "uncordon_node"):
            await worker.apply(tool, NODE)
        drained = await worker.propose("drain_node", {**NODE, "force": True, "delete_emptydir_data": True})
        assert drained["action"]["effects"]["pods"], drained
    async with working(living, tmp_path, diagnosing=True) as worker:
        limits = {"name": "checkout", "namespace": "shop", "kind": "Deployment", "limits": {"memory": "512Mi"}}
        outcome = await worker.apply("set_resources", limits)
        assert outcome["verdict"] == "fixed", outcome
    asked, base = recorder.by("executor"), granted(objects_of("base"), "executor")
    assert asked - SECRETS == base, {"missing": sorted(asked - SECRETS - base), "extra": sorted(base - asked)}


@pytest.mark.parametrize("wanted", OUT_OF_REACH, ids=lambda wanted: wanted["kind"])
async def test_what_it_may_not_do_is_said_before_anybody_approves(
    installed: Sandbox, tmp_path: Path, wanted: dict[str, Any]
) -> None:
    async with working(installed, tmp_path, diagnosing=False) as worker:
        with pytest.raises(ToolFailure, match="not allowed on cluster"):
            await worker.propose("apply_manifest", {"manifest": wanted})


async def test_secrets_are_out_of_its_reach(installed: Sandbox, tmp_path: Path) -> None:
    async with working(installed, tmp_path, diagnosing=False) as worker:
        with pytest.raises(ToolFailure, match='cannot get resource "secrets"'):
            await worker.propose("delete_resource", {"name": "x", "kind": "Secret", "namespace": "shop"})
