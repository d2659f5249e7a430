"""How risky an Action is, and why. Pure: the highest reason decides."""

from __future__ import annotations

from collections.abc import Iterator

from agents.executor.action import Effects, Note, Object, Risk, RiskLevel, Target
from agents.executor.calls.call import OfferedTool
from agents.executor.changes.change import Change
from agents.runtime.findings import ActionKind

_ORDER: tuple[RiskLevel, ...] = ("low", "medium", "high")
_RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount")
_CLUSTER_WIDE = (
    "Namespace",
    "CustomResourceDefinition",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "StorageClass",
    "PersistentVolume",
    "PriorityClass",
)

Reason = tuple[RiskLevel, Note]


def risk_of(kind: ActionKind, target: Target, before: Object | None, change: Change, effects: Effects) -> Risk:
    """The level and the reasons, the gravest first."""
    return _graded(
        [*_of_kind(kind, target, before, effects), *_of_object(target, before), *_of_effects(kind, change, effects)]
    )


def risk_of_call(tool: OfferedTool, target: Target, before: Object | None, effects: Effects) -> Risk:
    """Of a call of another server's tool: never low, for nobody here knows what it does."""
    reasons: list[Reason] = [("medium", Note(code="foreign_tool"))]
    if not tool.harmless:
        said = "destructiveHint" in tool.annotations
        reasons.append(("high", Note(code="destructive_tool" if said else "unannotated_tool")))
    if effects.replicas_after is not None:
        reasons += _of_scale(effects.replicas_before or 0, effects.replicas_after)
    return _graded([*reasons, *_of_object(target, before)])


def _graded(found: list[Reason]) -> Risk:
    reasons = sorted(found, key=lambda reason: -_ORDER.index(reason[0]))
    if not reasons:
        return Risk(level="low", reasons=[Note(code="small_and_reversible")])
    return Risk(level=reasons[0][0], reasons=[note for _, note in reasons])


def _of_kind(kind: ActionKind, target: Target, before: Object | None, effects: Effects) -> Iterator[Reason]:
    if kind == "delete_resource":
        owned = any(
            owner.get("controller") for owner in (before or {}).get("metadata", {}).get("ownerReferences") or []
        )
        recreated = target.kind == "Pod" and owned
        yield ("medium", Note(code="pod_is_replaced")) if recreated else ("high", Note(code="deletes"))
    if kind == "drain_node":
        yield "high", Note(code="evicts", facts={"pods": len(effects.pods)})
    if kind == "cordon_node":
        yield "medium", Note(code="less_capacity")
    if kind in ("patch_resource", "apply_manifest"):
        yield "medium", Note(code="free_form")
    if kind == "scale_workload":
        yield from _of_scale(effects.replicas_before or 0, effects.replicas_after or 0)


def _of_scale(before: int, after: int) -> Iterator[Reason]:
    facts: dict[str, str | int] = {"before": before, "after": after}
    if after == 0:
        yield "high", Note(code="scales_to_zero", facts=facts)
    elif after < before:
        yield "medium", Note(code="less_capacity")
    elif after > max(before * 3, before + 5):
        yield "medium", Note(code="scales_far", facts=facts)


def _of_object(target: Target, before: Object | None) -> Iterator[Reason]:
    if target.kind in _RIGHTS:
        yield "high", Note(code="changes_rights")
    if target.kind in _CLUSTER_WIDE:
        yield "high", Note(code="cluster_wide")
    if target.kind == "StatefulSet" and before is not None:
        yield "medium", Note(code="stateful")


def _of_effects(kind: ActionKind, change: Change, effects: Effects) -> Iterator[Reason]:
    if effects.pods_restarted and kind not in ("drain_node", "delete_resource"):
        yield "medium", Note(code="replaces_pods", facts={"pods": effects.pods_restarted})
        if effects.replicas_before == 1:
            yield "medium", Note(code="single_replica")
    blocked = [budget for budget in effects.budgets if budget.endswith(": 0")]
    if blocked and (effects.pods_restarted or effects.pods):
        yield (
            "high" if kind == "drain_node" else "medium",
            Note(code="no_disruption", facts={"budget": blocked[0][:-3]}),
        )
    if any(note.code in ("managed_by", "autoscaled") for note in effects.notes):
        yield "medium", Note(code="will_be_overridden")
    if change.no_way_back is not None and kind not in ("restart_rollout", "delete_resource"):
        yield "medium", Note(code="no_way_back")
