"""One scenario from question to repaired: the diagnoser's remedies through the executor's own life of an Action."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from agents.diagnoser.agent import DEFINITION as DIAGNOSER
from agents.executor.agent import DEFINITION as EXECUTOR
from agents.executor.agent import desk_for
from agents.executor.tools import build_tools
from agents.runtime.approvals import Decision, approve, load_key
from agents.runtime.definition import AgentDefinition, ToolResult, Turn
from agents.runtime.findings import Finding, SubtaskInput
from agents.runtime.settings import (
    ApprovalSettings,
    AuditSettings,
    KubernetesSettings,
    PolicySettings,
    Settings,
    StoreSettings,
)
from agents.runtime.tools import Tool, ToolFailure, in_process_tools
from planner.plan import Plan, Subtask
from planner.proposals import ProposedAction, all_proposed, offered
from sandbox import Sandbox

KINDS: dict[str, tuple[str, ...]] = {
    "scale": ("scale_workload",),
    "set_image": ("set_image", "undo_rollout"),
    "set_resources": ("set_resources",),
    "set_env": ("set_env",),
    "patch": ("patch_resource", "apply_manifest"),
    "apply": ("apply_manifest",),
    "rollout_undo": ("undo_rollout", "set_image"),
    "rollout_restart": ("restart_rollout",),
    "delete": ("delete_resource",),
    "cordon": ("cordon_node", "drain_node"),
    "uncordon": ("uncordon_node",),
}
"""A scenario's kind of remedy, and the kinds of Action that are one."""


@dataclass(frozen=True)
class Result:
    """What became of a scenario; empty `problem`: all is well."""

    name: str
    problem: str = ""


def wants_remedy(folder: Path) -> bool:
    """Whether the scenario expects an Action."""
    remedy = _truth(folder)["expect"].get("remedy")
    return bool(remedy) and remedy["kind"] != "none"


async def repair(folder: Path, rollout_seconds: float = 60) -> Result:
    """Asks the scenario's question, approves the expected remedy, applies it, and diagnoses again."""
    truth = _truth(folder)
    remedy, question = truth["expect"]["remedy"], truth["questions"]["en"]
    with tempfile.TemporaryDirectory() as store:
        async with Sandbox(folder) as box:
            settings = _settings(box, Path(store), rollout_seconds)
            desk = desk_for(settings)
            diagnosing = DIAGNOSER.tools(settings)
            async with desk.lifespan():
                worker = _Worker(await in_process_tools(diagnosing), await in_process_tools(build_tools(desk)))
                found = await worker.ask(DIAGNOSER, question)
                actions = [a for c in found.root_causes for a in c.remedies if a.term == "short"]
                wanted = [a for a in actions if a.resource == remedy["resource"] and a.kind in KINDS[remedy["kind"]]]
                if not wanted:
                    said = [f"{a.kind} {a.resource}" for a in actions] or [c.resource for c in found.root_causes]
                    return Result(folder.name, f"not proposed: {remedy['kind']} {remedy['resource']}; but {said}")
                prepared = await worker.ask(EXECUTOR, question, actions=[a.model_dump(mode="json") for a in actions])
                chosen = _chosen(found, prepared, remedy)
                if not chosen:
                    return Result(folder.name, f"not prepared: {prepared.missing or prepared.text[:400]}")
                done = await worker.ask(EXECUTOR, question, approvals=[_approved(a, settings) for a in chosen])
                outcomes = done.facts.get("outcomes", [])
                bad = [o["text"] for o in outcomes if o["status"] != "applied" or o.get("verdict") == "worse"]
                if bad or len(outcomes) < len(chosen):
                    return Result(folder.name, f"not applied: {bad or done.missing}")
                again = await worker.ask(DIAGNOSER, question)
                blamed = {cause["resource"] for cause in truth["expect"]["root_causes"]}
                repaired = {a.resource for a in chosen} & blamed
                left = [f"{c.resource} {c.fault}" for c in again.root_causes if c.resource in (repaired or blamed)]
                texts = [o["text"] for o in outcomes]
                return Result(folder.name, f"not over: {left}; {texts}" if left else "")


class _Worker:
    """Works a turn without a model, as the runtime does."""

    def __init__(self, *tools: list[Tool]) -> None:
        self._tools = {tool.info.name: tool for each in tools for tool in each}

    async def ask(self, definition: AgentDefinition, question: str, **inputs: Any) -> Finding:
        turn = Turn(question, SubtaskInput(question=question, inputs=inputs))
        results: list[ToolResult] = []
        while calls := definition.runbook(Turn(question, turn.subtask, tuple(results))):
            for call in calls:
                try:
                    content = await self._tools[call.name].call(call.arguments)
                    results.append(ToolResult(call.name, call.arguments, content, at=datetime.now(UTC)))
                except ToolFailure as error:
                    results.append(ToolResult(call.name, call.arguments, error=str(error), at=datetime.now(UTC)))
        return definition.compose(Turn(question, turn.subtask, tuple(results)))


def _chosen(found: Finding, prepared: Finding, remedy: dict[str, str]) -> list[ProposedAction]:
    """What a person would approve: the planner's offer, with the expected remedy in the place of its alternative."""
    subtasks = (
        Subtask(id="d", specialist="diagnoser", title="", instruction="", status="done"),
        Subtask(id="p", specialist="executor", title="", instruction="", status="done"),
    )
    plan = Plan(id="plan", request_id="r", goal="", subtasks=subtasks)
    findings = {"d": found, "p": prepared}
    expected = [
        a
        for a in all_proposed(plan, findings)
        if a.proposal and a.resource == remedy["resource"] and a.kind in KINDS[remedy["kind"]]
    ][:1]
    others = [a for a in offered(plan, findings) if expected and a.resource != remedy["resource"]]
    return [*(a for a in others), *expected] if expected else []


def _approved(action: ProposedAction, settings: Settings) -> dict[str, Any]:
    assert action.proposal is not None
    decision = Decision(proposal=action.proposal.proposal, digest=action.proposal.digest, decision="approve")
    options: dict[str, Any] = {"key": load_key(settings), "now": datetime.now(UTC), "lifetime": timedelta(minutes=5)}
    token = approve(decision, approver="ann", **options)
    wanted = action.model_dump(mode="json", exclude={"proposal", "outcome"})
    return {"action": wanted, "approval": token, "cluster_id": action.proposal.cluster_id}


def _settings(box: Sandbox, store: Path, rollout_seconds: float) -> Settings:
    """Nothing is protected: some incidents are in the system's own namespaces."""
    return Settings(
        kubernetes=KubernetesSettings(kubeconfig=Path(box.kubeconfig)),
        audit=AuditSettings(path=box.audit_log) if box.audit_log else AuditSettings(),
        store=StoreSettings(folder=store),
        policy=PolicySettings(protected_namespaces=[]),
        approvals=ApprovalSettings(rollout_seconds=rollout_seconds),
    )


def _truth(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
