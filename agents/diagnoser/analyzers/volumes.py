"""Volumes: claims that are missing or cannot be bound, and volumes that cannot be attached or mounted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agents.diagnoser.containers import containers_of
from agents.diagnoser.evidence import from_event, from_log, from_object
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    dig,
    items,
    kind_of,
    labels,
    name_of,
    namespace_of,
    resource_name,
    resource_of,
    strings,
    text,
)
from agents.diagnoser.log_signs import classify
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount_or_zero
from agents.diagnoser.snapshot import Snapshot, is_active, is_ready
from agents.diagnoser.trouble import trouble_since

_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_READ_ELSEWHERE = re.compile(
    r"(?:secret|configmap) \"[^\"]+\" not found|references non-existent|timed out waiting for the condition$",
    re.IGNORECASE,
)
_STILL_HELD = re.compile(
    r"Multi-Attach error|already (?:exclusively attached|used by)|is already attached to", re.IGNORECASE
)
_HOLDER = re.compile(r"(?:on|to) node\(?s?\)? [\"']?([\w.-]+)", re.IGNORECASE)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Claims first, then pods that wait for a volume, then running pods whose log speaks of a full volume."""
    claimants = _claimants(snapshot)
    for claim in snapshot.kind("PersistentVolumeClaim"):
        pods = claimants.get(resource_of(claim), [])
        if text(claim, "status", "phase") in ("Pending", "Lost") and pods:
            yield from _unbound(snapshot, claim, pods)
    for pod in snapshot.active_pods:
        if not is_ready(pod):
            yield from _missing_claims(snapshot, pod)
            yield from _not_mounted(snapshot, pod)
        yield from _full(snapshot, pod)


def claims_of(pod: Obj) -> list[str]:
    """Names of the claims that a pod mounts; that of an ephemeral volume is derived from the pod's name."""
    found: list[str] = []
    for volume in items(pod, "spec", "volumes"):
        if text(volume, "persistentVolumeClaim", "claimName"):
            found.append(text(volume, "persistentVolumeClaim", "claimName"))
        elif dig(volume, "ephemeral") is not None:
            found.append(f"{name_of(pod)}-{text(volume, 'name')}")
    return found


def _claimants(snapshot: Snapshot) -> dict[str, list[Obj]]:
    found: dict[str, list[Obj]] = {}
    for pod in snapshot.kind("Pod"):
        if is_active(pod):
            for name in claims_of(pod):
                found.setdefault(resource_name(namespace_of(pod), "PersistentVolumeClaim", name), []).append(pod)
    return found


def _missing_claims(snapshot: Snapshot, pod: Obj) -> Iterator[Observation]:
    if not snapshot.can_see("PersistentVolumeClaim"):
        return
    for name in claims_of(pod):
        if snapshot.get("PersistentVolumeClaim", namespace_of(pod), name) is None:
            workload = snapshot.top(pod)
            here = [name_of(c) for c in snapshot.in_namespace("PersistentVolumeClaim", namespace_of(pod))]
            message = text(condition(pod, "PodScheduled"), "message")
            yield Observation(
                resource=resource_of(workload),
                fault="pvc_missing",
                facts={
                    "workload": name_of(workload), "kind": kind_of(workload), "namespace": namespace_of(pod),
                    "claim": name, "claims": here, "message": message, "pods": [name_of(pod)],
                },
                evidence=(from_object(snapshot, pod, f'claim "{name}" not found: {message}', "pod status"),),
                since=created(pod),
                confidence=0.97,
            )  # fmt: skip


def _unbound(snapshot: Snapshot, claim: Obj, pods: list[Obj]) -> Iterator[Observation]:
    name = text(claim, "spec", "storageClassName")
    events = [
        e for e in snapshot.events_of(claim) if e.warning or e.reason in ("ExternalProvisioning", "FailedBinding")
    ]
    facts = {
        "claim": name_of(claim),
        "namespace": namespace_of(claim),
        "storage_class": name,
        "size": text(claim, "spec", "resources", "requests", "storage"),
        "access_modes": strings(claim, "spec", "accessModes"),
        "phase": text(claim, "status", "phase"),
        "message": next((e.message for e in reversed(events) if e.warning), events[-1].message if events else ""),
        "classes": [name_of(c) for c in snapshot.kind("StorageClass")],
        "pods": [name_of(p) for p in pods],
        "volume": text(claim, "spec", "volumeName"),
    }
    seen = Observation(
        resource=resource_of(claim),
        fault="pvc_unbound",
        facts=facts,
        evidence=(
            from_object(
                snapshot, claim, f"status.phase {facts['phase']}, storageClassName {name or 'not set'}", "PVC status"
            ),
            *(from_event(snapshot, e) for e in sorted(events, key=lambda e: not e.warning)[:1]),
        ),
        since=created(claim),
        affects=tuple(dict.fromkeys(snapshot.top_name(p) for p in pods)),
        confidence=0.95,
    )
    storage_class = snapshot.get("StorageClass", "", name) if name else _default_class(snapshot)
    if storage_class is None and snapshot.can_see("StorageClass") and not _static_volumes(snapshot, name):
        yield replace(seen, fault="pvc_storage_class_missing")
    elif not _waits_for_pod(snapshot, claim, storage_class, pods):
        yield replace(seen, facts={**facts, "volumes": _why_no_volume(snapshot, claim)})


def _default_class(snapshot: Snapshot) -> Obj | None:
    for found in snapshot.kind("StorageClass"):
        if any(labels(found, "metadata", "annotations").get(key) == "true" for key in _DEFAULT_CLASS):
            return found
    return None


def _static_volumes(snapshot: Snapshot, storage_class: str) -> list[Obj]:
    return [v for v in snapshot.kind("PersistentVolume") if text(v, "spec", "storageClassName") == storage_class]


def _waits_for_pod(snapshot: Snapshot, claim: Obj, storage_class: Obj | None, pods: list[Obj]) -> bool:
    """With WaitForFirstConsumer a claim stays Pending while its pod cannot be scheduled for another reason."""
    events = snapshot.events_of(claim)
    if any(
        e.reason in ("ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ExternalProvisioning") for e in events
    ):
        return False
    if text(claim, "status", "phase") == "Lost" or text(claim, "spec", "volumeName"):
        return False
    late = text(storage_class, "volumeBindingMode") == "WaitForFirstConsumer"
    blamed = any("persistentvolume" in text(condition(p, "PodScheduled"), "message").lower() for p in pods)
    return late and not blamed


def _why_no_volume(snapshot: Snapshot, claim: Obj) -> list[str]:
    """Existing volumes of the claim's class, each with what does not fit."""
    wanted = amount_or_zero(text(claim, "spec", "resources", "requests", "storage"))
    modes = set(strings(claim, "spec", "accessModes"))
    told: list[str] = []
    for volume in _static_volumes(snapshot, text(claim, "spec", "storageClassName"))[:6]:
        size, offered = text(volume, "spec", "capacity", "storage"), strings(volume, "spec", "accessModes")
        reasons = [] if text(volume, "status", "phase") == "Available" else [f"phase {text(volume, 'status', 'phase')}"]
        if amount_or_zero(size) < wanted:
            reasons.append(f"capacity {size}")
        if not modes <= set(offered):
            reasons.append(f"accessModes {', '.join(offered)}")
        if reasons:
            told.append(f"{name_of(volume)} ({'; '.join(reasons)})")
    return told


def _not_mounted(snapshot: Snapshot, pod: Obj) -> Iterator[Observation]:
    waiting = any(v.waiting_reason in ("ContainerCreating", "PodInitializing") for v in containers_of(pod))
    events = snapshot.events_of(pod, "FailedMount", "FailedAttachVolume", "FailedMapVolume") if waiting else []
    held = next((e for e in reversed(events) if _STILL_HELD.search(e.message)), None)
    event = held or next((e for e in reversed(events) if not _READ_ELSEWHERE.search(e.message)), None)
    if event is None:
        return
    workload = snapshot.top(pod)
    facts = {
        "workload": name_of(workload), "kind": kind_of(workload), "namespace": namespace_of(pod),
        "message": event.message, "node": text(pod, "spec", "nodeName"), "claims": claims_of(pod),
        "pods": [name_of(pod)],
    }  # fmt: skip
    seen = Observation(
        resource=resource_of(workload),
        fault="volume_mount_failed",
        facts=facts,
        evidence=(from_event(snapshot, event),),
        since=event.first or created(pod),
        confidence=0.85,
    )
    if held:
        holders = _holders(snapshot, pod)
        facts |= {"holders": [f"{name_of(p)} on {text(p, 'spec', 'nodeName')}" for p in holders]}
        nodes = tuple(f"Node/{text(p, 'spec', 'nodeName')}" for p in holders if text(p, "spec", "nodeName"))
        seen = replace(seen, fault="volume_multi_attach", facts=facts, waits_for=nodes, confidence=0.95)
    yield seen


def _holders(snapshot: Snapshot, pod: Obj) -> list[Obj]:
    """Pods on other nodes that use one of the pod's claims, also while they are being deleted."""
    wanted, node = set(claims_of(pod)), text(pod, "spec", "nodeName")
    return [
        p
        for p in snapshot.in_namespace("Pod", namespace_of(pod))
        if p is not pod
        and text(p, "status", "phase") not in ("Succeeded", "Failed")
        and wanted & set(claims_of(p))
        and text(p, "spec", "nodeName") != node
    ]


def _full(snapshot: Snapshot, pod: Obj) -> Iterator[Observation]:
    """A pod that runs on although its volume is full: the last lines of its log complain about it."""
    for view in containers_of(pod):
        if not view.running or view.crashing(snapshot.now):
            continue
        lines = snapshot.log(view, previous=False).splitlines()[-15:]
        line = next((found for found in reversed(lines) if classify(found) == "disk_full"), "")
        mounts = {text(m, "name"): text(m, "mountPath") for m in items(view.spec, "volumeMounts")}
        for volume in items(pod, "spec", "volumes") if line else []:
            name = text(volume, "persistentVolumeClaim", "claimName")
            path = mounts.get(text(volume, "name"))
            if not name or path is None or ("/" in line and path not in line and len(claims_of(pod)) > 1):
                continue
            claim = snapshot.get("PersistentVolumeClaim", namespace_of(pod), name)
            yield Observation(
                resource=resource_name(namespace_of(pod), "PersistentVolumeClaim", name),
                fault="volume_full",
                facts={
                    **container_facts(snapshot, view), "claim": name, "path": path, "message": line,
                    "size": text(claim, "status", "capacity", "storage"),
                    "storage_class": text(claim, "spec", "storageClassName"),
                },
                evidence=(from_log(snapshot, view, line),),
                since=trouble_since(snapshot, pod),
                affects=(snapshot.top_name(pod),),
                confidence=0.93,
            )  # fmt: skip
            break
