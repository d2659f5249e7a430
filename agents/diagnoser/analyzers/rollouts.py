"""Rollouts that are paused or that cannot go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from agents.diagnoser.evidence import from_object
from agents.diagnoser.facts import workload_facts
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    dig,
    flag,
    is_deleting,
    items,
    mapping,
    moment,
    name_of,
    number,
    resource_of,
    strings,
    text,
)
from agents.diagnoser.history import revisions
from agents.diagnoser.intent import declared_purpose
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready, template_of

_HASHES = ("pod-template-hash", "controller-revision-hash")
_PATIENCE = timedelta(minutes=10)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Paused Deployments with something to roll out, and rollouts that their own strategy or pods hold up."""
    for workload in snapshot.kind("Deployment"):
        if is_deleting(workload) or dig(workload, "spec", "replicas") == 0:
            continue
        if flag(workload, "spec", "paused"):
            yield from _paused(snapshot, workload)
        else:
            yield from _stuck(snapshot, workload)
    for workload in snapshot.kind("StatefulSet"):
        yield from _held_back(snapshot, workload)
    for workload in snapshot.kind("DaemonSet"):
        yield from _on_delete(snapshot, workload)


def _base(snapshot: Snapshot, workload: Obj, fault: str, told: str) -> Observation:
    state = condition(workload, "Progressing")
    facts = {
        **workload_facts(workload),
        "reason": text(state, "reason"),
        "message": text(state, "message"),
        "replicas": str(number(workload, "spec", "replicas") or 1),
        "updated": str(number(workload, "status", "updatedReplicas")),
        "ready": str(number(workload, "status", "readyReplicas")),
    }
    return Observation(
        resource=resource_of(workload),
        fault=fault,
        facts=facts,
        evidence=(from_object(snapshot, workload, told),),
        since=moment(state, "lastTransitionTime"),
        confidence=0.95,
    )


def _paused(snapshot: Snapshot, workload: Obj) -> Iterator[Observation]:
    known = revisions(snapshot, workload)
    wanted = _without_hash(mapping(template_of(workload)))
    waiting = bool(known) and wanted != _without_hash(known[0].template)
    halfway = len([s for s in snapshot.owned(workload, "ReplicaSet") if number(s, "spec", "replicas")]) > 1
    if declared_purpose(workload) or not (waiting or halfway or not known):
        return
    images = [text(c, "image") for c in items(wanted, "spec", "containers")]
    running = [text(c, "image") for c in items(known[0].template, "spec", "containers")] if known else []
    seen = _base(snapshot, workload, "rollout_paused", "spec.paused: true")
    facts = {**seen.facts, "wanted": images, "running": running if running != images else []}
    yield replace(seen, facts=facts)


def _without_hash(template: Obj) -> Obj:
    metadata = mapping(template, "metadata")
    labels = {k: v for k, v in mapping(metadata, "labels").items() if k not in _HASHES}
    kept = {k: v for k, v in metadata.items() if k != "creationTimestamp" and v is not None}
    return {**template, "metadata": {**kept, "labels": labels}}


def _stuck(snapshot: Snapshot, workload: Obj) -> Iterator[Observation]:
    """A deadline that passed says only that something holds the rollout up; pods that do not end say what."""
    state = condition(workload, "Progressing")
    late = text(state, "status") == "False" and text(state, "reason") == "ProgressDeadlineExceeded"
    wanted = number(workload, "spec", "replicas") or 1
    done = min(number(workload, "status", "updatedReplicas"), number(workload, "status", "availableReplicas")) >= wanted
    leaving = [p for p in snapshot.pods_of(workload) if is_deleting(p) and _overdue(snapshot, p)]
    recreate = text(workload, "spec", "strategy", "type") == "Recreate"
    blocked = recreate and bool(leaving) and not snapshot.active_pods_of(workload)
    if done or not (late or blocked):
        return
    seen = _base(snapshot, workload, "rollout_stuck", f"Progressing: {text(state, 'reason')}: {text(state, 'message')}")
    grace = max((number(p, "metadata", "deletionGracePeriodSeconds") for p in leaving), default=0)
    grace = grace or max((number(p, "spec", "terminationGracePeriodSeconds") for p in leaving), default=0)
    facts = {
        **seen.facts,
        "strategy": text(workload, "spec", "strategy", "type") or "RollingUpdate",
        "terminating": [name_of(p) for p in leaving] if blocked else [],
        "grace": grace if blocked else "",
        "finalizers": [f for p in leaving for f in strings(p, "metadata", "finalizers")],
        "min_ready": number(workload, "spec", "minReadySeconds") or "",
    }
    evidence = [from_object(snapshot, p, f"{name_of(p)} is Terminating, grace period {grace}s") for p in leaving[:2]]
    role = "cause" if blocked and not facts["finalizers"] else "symptom"
    yield replace(
        seen,
        facts=facts,
        evidence=(*seen.evidence, *evidence),
        role=role,
        waits_for=() if blocked else seen.waits_for,
        confidence=0.9 if blocked else 0.6,
    )


def _overdue(snapshot: Snapshot, pod: Obj) -> bool:
    """Whether a pod has been terminating for some minutes. The deletion time of a pod includes its grace period."""
    at = moment(pod, "metadata", "deletionTimestamp")
    grace = timedelta(
        seconds=number(pod, "metadata", "deletionGracePeriodSeconds")
        or number(pod, "spec", "terminationGracePeriodSeconds")
    )
    return at is not None and (at - snapshot.now > _PATIENCE or snapshot.now - (at - grace) > timedelta(minutes=3))


def _held_back(snapshot: Snapshot, workload: Obj) -> Iterator[Observation]:
    """A StatefulSet whose partition, OnDelete strategy or broken old pod keeps the new revision from its pods."""
    current, update = (text(workload, "status", key) for key in ("currentRevision", "updateRevision"))
    wanted, updated = number(workload, "spec", "replicas"), number(workload, "status", "updatedReplicas")
    if not current or not update or current == update or updated >= wanted or declared_purpose(workload):
        return
    newest = next((r.created for r in revisions(snapshot, workload) if r.name == update), None)
    if newest is not None and snapshot.now - newest < _PATIENCE:
        return
    strategy = text(workload, "spec", "updateStrategy", "type") or "RollingUpdate"
    partition = number(workload, "spec", "updateStrategy", "rollingUpdate", "partition")
    told = f"updateStrategy {strategy}, partition {partition}, revision {update} on {updated} of {wanted} pods"
    seen = _base(snapshot, workload, "rollout_stuck", told)
    old = [p for p in snapshot.active_pods_of(workload) if _revision_of(p) != update]
    facts = {
        **seen.facts,
        "strategy": strategy,
        "partition": str(partition) if partition else "",
        "current_revision": current,
        "update_revision": update,
        "old_pods": [name_of(p) for p in old],
    }
    seen = replace(seen, facts=facts, since=newest)
    broken = [p for p in old if not is_ready(p)]
    if strategy == "OnDelete" or partition:
        yield replace(seen, confidence=0.9)
    elif broken and text(workload, "spec", "podManagementPolicy") != "Parallel":
        # An ordered rollout waits for the broken pod of the old revision for ever, though the template is repaired.
        facts = {**facts, "broken_pod": name_of(broken[0])}
        yield replace(seen, facts=facts, role="symptom", confidence=0.6)


def _revision_of(pod: Obj) -> str:
    return text(pod, "metadata", "labels", "controller-revision-hash")


def _on_delete(snapshot: Snapshot, workload: Obj) -> Iterator[Observation]:
    wanted = number(workload, "status", "desiredNumberScheduled")
    updated = number(workload, "status", "updatedNumberScheduled")
    strategy = text(workload, "spec", "updateStrategy", "type")
    known = revisions(snapshot, workload)
    newest = known[0].created if known else created(workload)
    if strategy != "OnDelete" or updated >= wanted or (newest and snapshot.now - newest < _PATIENCE):
        return
    seen = _base(snapshot, workload, "rollout_stuck", f"updateStrategy OnDelete, updated {updated} of {wanted}")
    facts = {**seen.facts, "strategy": strategy, "updated": str(updated), "replicas": str(wanted)}
    yield replace(seen, facts=facts, since=newest, confidence=0.85)
