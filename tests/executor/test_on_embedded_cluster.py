"""The whole life of an Action on the embedded cluster: asked, proposed, approved, applied, verified, journaled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.executor.agent import DEFINITION, desk_for
from agents.executor.desk import Desk
from agents.executor.tools import build_tools
from agents.runtime import journal
from agents.runtime.approvals import Decision, Verdict, approve, load_key
from agents.runtime.definition import ToolResult, Turn
from agents.runtime.findings import Finding, SubtaskInput
from agents.runtime.language import language_of
from agents.runtime.settings import KubernetesSettings, Settings, StoreSettings
from agents.runtime.tools import ToolFailure, in_process_tools
from sandbox import Sandbox

INCIDENT = Path(__file__).parents[2] / "sandbox" / "incidents" / "checkout-oom"


@dataclass
class Executor:
    """The executor on a running sandbox, worked as the runtime works it."""

    settings: Settings
    desk: Desk

    async def ask(self, text: str, **inputs: Any) -> Finding:
        tools = {tool.info.name: tool for tool in await in_process_tools(build_tools(self.desk))}
        turn = Turn(text, SubtaskInput(question=text, language=language_of(text), inputs=inputs))
        results: list[ToolResult] = []
        while calls := DEFINITION.runbook(Turn(text, turn.subtask, tuple(results))):
            for call in calls:
                try:
                    content = await tools[call.name].call(call.arguments)
                    results.append(ToolResult(call.name, call.arguments, content=content))
                except ToolFailure as error:
                    results.append(ToolResult(call.name, call.arguments, error=str(error)))
        return DEFINITION.compose(Turn(text, turn.subtask, tuple(results)))

    def approved(self, proposal: dict[str, Any], decision: Verdict = "approve") -> dict[str, Any]:
        decided = Decision(proposal=proposal["proposal"], digest=proposal["digest"], decision=decision)
        options = {"key": load_key(self.settings), "now": datetime.now(UTC), "lifetime": timedelta(minutes=30)}
        token = approve(decided, approver="ann", **options)
        return {"action": proposal["action"], "approval": token, "cluster_id": proposal["cluster_id"]}


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[Executor]:
    async with Sandbox(INCIDENT) as box:
        settings = Settings(
            kubernetes=KubernetesSettings(kubeconfig=Path(box.kubeconfig)), store=StoreSettings(folder=tmp_path)
        )
        desk = desk_for(settings)
        async with desk.lifespan():
            yield Executor(settings, desk)


async def test_the_incident_goes_from_a_wish_to_healthy(executor: Executor) -> None:
    proposed = await executor.ask("把 checkout 的内存改回 512Mi")
    (proposal,) = proposed.facts["proposals"]
    assert "-            memory: 128Mi\n+            memory: 512Mi" in proposal["diff"]
    done = await executor.ask("apply", approvals=[executor.approved(proposal)])
    (outcome,) = done.facts["outcomes"]
    assert (outcome["status"], outcome["verdict"]) == ("applied", "fixed"), done.text
    engine = executor.desk.shop.ledger.engine
    assert [entry.event for entry in await journal.read(engine)] == [
        "proposed",
        "approved",
        "applying",
        "applied",
        "verified",
    ]
    assert (await journal.verify(engine))[2] is None


async def test_undoing_the_last_rollout_ends_the_incident_too(executor: Executor) -> None:
    (proposal,) = (await executor.ask("undo the last rollout of checkout")).facts["proposals"]
    done = await executor.ask("apply", approvals=[executor.approved(proposal)])
    assert done.facts["outcomes"][0]["verdict"] == "fixed", done.text


async def test_several_actions_run_in_order_and_the_first_failure_stops_the_rest(executor: Executor) -> None:
    asked = await executor.ask("scale frontend to 3; scale cart to 3; restart catalog")
    first, second, third = asked.facts["proposals"]
    forged = {**executor.approved(second), "approval": "yes"}
    done = await executor.ask("apply", approvals=[executor.approved(first), forged, executor.approved(third)])
    assert [outcome["status"] for outcome in done.facts["outcomes"]] == ["applied", "not_applied"]
    assert "restart_rollout" in done.missing[0]


async def test_protected_namespaces_are_left_alone(executor: Executor) -> None:
    finding = await executor.ask("scale kube-system/coredns to 1")
    assert finding.facts["outcomes"][0]["status"] == "refused"
    assert "kube-system is protected" in finding.text


async def test_what_is_not_there_is_said(executor: Executor) -> None:
    finding = await executor.ask("restart ghost")
    assert "no workload named ghost" in finding.text and finding.actions == []
