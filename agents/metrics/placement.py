"""Which pods may run on which nodes: taints, node selectors and required node affinity, as the scheduler reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Obj = dict[str, Any]
HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"


def labels_of(obj: Obj) -> dict[str, str]:
    """metadata.labels."""
    return (obj.get("metadata") or {}).get("labels") or {}


def may_run(pod: Obj, node: Obj) -> bool:
    """Whether nothing but a lack of room keeps the pod off the node."""
    spec = pod.get("spec") or {}
    having = labels_of(node)
    if any(having.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    taints = (node.get("spec") or {}).get("taints") or []
    if not all(_tolerated(spec.get("tolerations") or [], taint) for taint in taints):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or []
    return not terms or any(_term(term, having) for term in terms)


def apart(pod: Obj) -> bool:
    """Whether the pod may not share a node with others of its workload (required anti-affinity by host name)."""
    affinity = ((pod.get("spec") or {}).get("affinity") or {}).get("podAntiAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    own = labels_of(pod)
    for term in required:
        wanted = (term.get("labelSelector") or {}).get("matchLabels") or {}
        if term.get("topologyKey") == HOSTNAME and wanted and all(own.get(k) == v for k, v in wanted.items()):
            return True
    return False


def has_volume_claim(pod: Obj) -> bool:
    """Whether the pod mounts a PersistentVolumeClaim, which ties it to a zone."""
    return any(volume.get("persistentVolumeClaim") for volume in (pod.get("spec") or {}).get("volumes") or [])


def is_ready(node: Obj) -> bool:
    """Whether the node's Ready condition is True."""
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def is_open(node: Obj) -> bool:
    """Whether ordinary pods are meant to run here: ready, not cordoned, not kept for a purpose by a taint."""
    spec = node.get("spec") or {}
    keeping = [t for t in spec.get("taints") or [] if t.get("effect") in ("NoSchedule", "NoExecute")]
    return is_ready(node) and not spec.get("unschedulable") and not keeping


def _tolerated(tolerations: Sequence[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    if taint.get("effect") == "PreferNoSchedule":
        return True
    for toleration in tolerations:
        if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
            continue
        if toleration.get("key") and toleration["key"] != taint.get("key"):
            continue
        if toleration.get("operator") == "Exists":
            return True
        if toleration.get("key") and (toleration.get("value") or "") == (taint.get("value") or ""):
            return True
    return False


def _term(term: Mapping[str, Any], having: Mapping[str, str]) -> bool:
    return all(_expression(e, having) for e in term.get("matchExpressions") or [])


def _expression(expression: Mapping[str, Any], having: Mapping[str, str]) -> bool:
    value, values = having.get(str(expression.get("key"))), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            # Gt and Lt are rare; a pod that uses them stays where it may be rather than where it may not.
            return True
