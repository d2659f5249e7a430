"""How a workload does, and what two looks at it add up to: fixed, unchanged or worse. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from agents.executor.action import Note, Object, PreparedAction

Verdict = Literal["fixed", "unchanged", "worse", "unverified"]
"""`unverified`: a call of another server's tool that names nothing to look at."""

_ON_PURPOSE = ("cordon_node", "drain_node", "delete_resource")
"""Kinds after which a fault of the target itself is what was wanted."""


@dataclass(frozen=True)
class Rollout:
    """The state of a workload's pods. None where the object has none."""

    desired: int | None = None
    available: int | None = None
    complete: bool = True
    """The controller has done everything that the object asks for."""


def rollout_of(obj: Object | None) -> Rollout:
    """Reads a workload's status, as `kubectl rollout status` does."""
    if obj is None or obj.get("kind") not in ("Deployment", "StatefulSet", "DaemonSet"):
        return Rollout()
    status, spec, metadata = obj.get("status") or {}, obj.get("spec") or {}, obj["metadata"]
    if obj["kind"] == "DaemonSet":
        desired = int(status.get("desiredNumberScheduled", 0))
        available, updated = int(status.get("numberAvailable", 0)), int(status.get("updatedNumberScheduled", 0))
        total = desired
    else:
        desired = int(spec.get("replicas", 1))
        available = int(status.get("availableReplicas", status.get("readyReplicas", 0)))
        updated = int(status.get("updatedReplicas", 0))
        total = int(status.get("replicas", 0))
    noticed = int(status.get("observedGeneration", 0)) >= int(metadata.get("generation", 0))
    return Rollout(desired, available, noticed and updated >= desired and available >= desired and total <= desired)


def judge(
    action: PreparedAction,
    available_before: int | None,
    causes_before: Collection[str] | None,
    after: Rollout,
    causes_after: Collection[str] | None,
    troubled: Collection[str] = (),
) -> tuple[Verdict, list[Note]]:
    """The verdict and its reasons.

    Causes are `resource fault`. A new cause on an object that was in trouble before is the old trouble in other words;
    one on an object that was well makes things worse.
    """
    notes: list[Note] = []
    if available_before is not None and after.available is not None and after.desired is not None:
        wanted = min(available_before, after.desired)
        if after.available < wanted:
            notes.append(Note(code="less_available", facts={"before": available_before, "after": after.available}))
    new = new_causes(action, causes_before, causes_after, troubled)
    notes += [Note(code="new_cause", facts={"cause": cause}) for cause in new]
    if notes:
        return "worse", notes
    if not after.complete:
        return "unchanged", [Note(code="rollout_incomplete", facts={"available": after.available or 0})]
    if causes_before is None or causes_after is None:
        return "unchanged", [Note(code="not_diagnosed")]
    gone = sorted(set(causes_before) - set(causes_after))
    still = [cause for cause in causes_after if cause.split(" ")[0] == action.resource]
    if gone and not still:
        return "fixed", [Note(code="cause_gone", facts={"cause": cause}) for cause in gone]
    return "unchanged", [Note(code="cause_remains", facts={"cause": cause}) for cause in sorted(causes_after)]


def new_causes(
    action: PreparedAction,
    before: Collection[str] | None,
    after: Collection[str] | None,
    troubled_before: Collection[str] = (),
) -> list[str]:
    """Causes on objects that were well before, leaving out what the Action is meant to do.

    A symptom of what was repaired may outlast it for a while and look like a cause of its own; it was not well before.
    """
    if before is None or after is None:
        return []
    troubled = {cause.split(" ")[0] for cause in before} | set(troubled_before)
    if action.kind in _ON_PURPOSE or action.effects.replicas_after == 0:
        troubled.add(action.resource)
    return sorted(cause for cause in after if cause.split(" ")[0] not in troubled)
