"""What else an Action does: pods replaced, budgets touched, and who uses the object. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.executor.action import Effects, Note, Object, Target
from agents.executor.changes.change import TEMPLATE_PATHS, Change
from agents.executor.neighbours import Neighbours
from agents.executor.state import clean
from agents.runtime.findings import ActionKind

_MANAGED_BY = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}
"""Labels and annotations of tools that put an object back to what their source says."""


def effects_of(
    kind: ActionKind, target: Target, before: Object | None, after: Object | None, change: Change, around: Neighbours
) -> Effects:
    """Works out the effects from the object before and after, and from what surrounds it."""
    notes = [*(note for note in change.notes if note.code != "inverse_from_dry_run")]
    notes += [Note(code="may_not_see", facts={"kinds": ", ".join(around.unseen)})] if around.unseen else []
    notes += _managed(before) + _autoscaled(kind, target, around)
    pods = _pods_of(target, before, around)
    evicted = [f"{write.target.namespace}/{write.target.name}" for write in change.writes if write.verb == "evict"]
    if target.kind == "Pod" and kind == "delete_resource":
        evicted = [f"{target.namespace}/{target.name}"]
    restarted = len(pods) if _restarts(kind, target, before, after) else len(evicted)
    touched = pods or [pod for pod in around.of("Pod") if pod["metadata"]["name"] == target.name]
    labels = [(pod["metadata"].get("namespace", ""), _labels(pod)) for pod in touched]
    return Effects(
        pods_restarted=restarted,
        replicas_before=_replicas(target, before),
        replicas_after=_replicas(target, after),
        pods=sorted(evicted),
        budgets=_budgets(around, labels, every=kind == "drain_node"),
        used_by=sorted(set(_users(target, before, around))),
        notes=notes,
    )


def selects(selector: Any, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector (or a plain map of labels) matches. An empty or missing one matches nothing."""
    if not selector:
        return False
    plain = selector.get("matchLabels") if "matchLabels" in selector or "matchExpressions" in selector else selector
    if any(labels.get(key) != value for key, value in (plain or {}).items()):
        return False
    return all(_holds(rule, labels) for rule in selector.get("matchExpressions") or [])


def _holds(rule: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = str(rule.get("key")), rule.get("values") or []
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(rule.get("operator")), False)


def _restarts(kind: ActionKind, target: Target, before: Object | None, after: Object | None) -> bool:
    if before is None or target.kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        return False
    if kind == "delete_resource" or after is None:
        return True
    return clean(before)["spec"].get("template") != clean(after)["spec"].get("template")


def _replicas(target: Target, obj: Object | None) -> int | None:
    if obj is None or target.kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return None
    return int(obj.get("spec", {}).get("replicas", 1))


def _pods_of(target: Target, obj: Object | None, around: Neighbours) -> list[Object]:
    if obj is None or target.kind not in TEMPLATE_PATHS:
        return []
    selector = (obj.get("spec") or {}).get("selector")
    return [pod for pod in around.of("Pod") if selects(selector, _labels(pod)) and _alive(pod)]


def _alive(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _labels(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _budgets(around: Neighbours, pods: Iterable[tuple[str, dict[str, str]]], *, every: bool) -> list[str]:
    listed = list(pods)
    found: list[str] = []
    for budget in around.of("PodDisruptionBudget"):
        namespace, selector = budget["metadata"].get("namespace", ""), (budget.get("spec") or {}).get("selector")
        if every or any(namespace == place and selects(selector, labels) for place, labels in listed):
            allowed = (budget.get("status") or {}).get("disruptionsAllowed", 0)
            found.append(f"{namespace}/{budget['metadata']['name']}: {allowed}")
    return sorted(found)


def _users(target: Target, before: Object | None, around: Neighbours) -> Iterable[str]:
    template = _template_labels(target, before)
    for service in around.of("Service"):
        if template is not None and selects((service.get("spec") or {}).get("selector"), template):
            yield f"{target.namespace}/Service/{service['metadata']['name']}"
    for consumer in ("Deployment", "StatefulSet", "DaemonSet", "CronJob"):
        for workload in around.of(consumer):
            if _mentions(workload.get("spec"), target):
                yield f"{target.namespace}/{consumer}/{workload['metadata']['name']}"
    for ingress in around.of("Ingress"):
        if _mentions(ingress.get("spec"), target):
            yield f"{target.namespace}/Ingress/{ingress['metadata']['name']}"


def _template_labels(target: Target, obj: Object | None) -> dict[str, str] | None:
    if obj is None or target.kind not in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        return None
    return ((obj["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {}


_REFERENCES = {
    "ConfigMap": (("configMap", "name"), ("configMapRef", "name"), ("configMapKeyRef", "name")),
    "PersistentVolumeClaim": (("persistentVolumeClaim", "claimName"),),
    "Service": (("service", "name"),),
}


def _mentions(value: Any, target: Target) -> bool:
    """Whether a spec refers to the target, wherever in it."""
    if isinstance(value, list):
        return any(_mentions(item, target) for item in value)
    if not isinstance(value, dict):
        return False
    if target.kind == "ServiceAccount" and value.get("serviceAccountName") == target.name:
        return True
    for key, inner in _REFERENCES.get(target.kind, ()):
        if isinstance(value.get(key), dict) and value[key].get(inner) == target.name:
            return True
    return any(_mentions(item, target) for item in value.values())


def _managed(obj: Object | None) -> list[Note]:
    metadata = (obj or {}).get("metadata") or {}
    names = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    tools = dict.fromkeys(tool for key, tool in _MANAGED_BY.items() if key in names)
    return [Note(code="managed_by", facts={"tool": tool}) for tool in tools]


def _autoscaled(kind: ActionKind, target: Target, around: Neighbours) -> list[Note]:
    if kind != "scale_workload":
        return []
    scalers = [
        hpa["metadata"]["name"]
        for hpa in around.of("HorizontalPodAutoscaler")
        if (hpa["spec"].get("scaleTargetRef") or {}).get("kind") == target.kind
        and hpa["spec"]["scaleTargetRef"].get("name") == target.name
    ]
    return [Note(code="autoscaled", facts={"name": name}) for name in scalers]
