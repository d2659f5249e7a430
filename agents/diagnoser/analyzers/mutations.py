"""Pods that a mutating webhook made different from their template, to their harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.diagnoser.changes import differences
from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.evidence import from_object
from agents.diagnoser.facts import workload_facts
from agents.diagnoser.fields import (
    Obj,
    condition,
    dig,
    items,
    kind_of,
    labels,
    mapping,
    matches_selector,
    name_of,
    namespace_of,
    resource_of,
    strings,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount
from agents.diagnoser.snapshot import Snapshot, is_ready, template_of

_OF_CONTAINERS = ("image", "command", "args", "env", "resources", "securityContext", "workingDir", "ports")
_OF_PODS = ("nodeSelector", "affinity", "hostNetwork", "dnsPolicy", "dnsConfig", "schedulerName", "securityContext",
            "serviceAccountName", "priorityClassName", "runtimeClassName")  # fmt: skip
_DEFAULTS = {"serviceAccountName": "default", "schedulerName": "default-scheduler", "dnsPolicy": "ClusterFirst"}


@dataclass(frozen=True)
class _Difference:
    path: str
    template: str
    pod: str


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per configuration and workload: pods in trouble that do not say what their template says."""
    hooks = [c for c in snapshot.kind("MutatingWebhookConfiguration") if _on_pods(c)]
    for pod in snapshot.active_pods if hooks else []:
        controller = snapshot.owner(pod)
        if is_ready(pod) or controller is None or not template_of(controller):
            continue
        found = list(_harmful(snapshot, pod, mapping(template_of(controller), "spec")))
        config = _to_blame(snapshot, hooks, pod) if found else None
        if config is not None:
            yield _observation(snapshot, config, pod, found)


def _on_pods(config: Obj) -> bool:
    return any(_covers_pods(hook) for hook in items(config, "webhooks"))


def _covers_pods(hook: Obj) -> bool:
    return any(
        {"pods", "*", "pods/*"} & set(strings(rule, "resources"))
        and {"CREATE", "*"} & set(strings(rule, "operations"))
        and {"", "*"} & set(strings(rule, "apiGroups"))
        for rule in items(hook, "rules")
    )


def _harmful(snapshot: Snapshot, pod: Obj, template: Obj) -> Iterator[_Difference]:
    """Differences in containers that do not work, injected ones included, and in how the pod is placed and run."""
    wanted = {text(c, "name"): c for key in ("containers", "initContainers") for c in items(template, key)}
    suffering = [v for v in containers_of(pod) if _suffers(snapshot, v)]
    for view in suffering:
        if view.name not in wanted:
            yield _Difference(f"container {view.name}", "absent", view.image)
            continue
        for key in _OF_CONTAINERS:
            for path, old, new in differences(wanted[view.name].get(key), view.spec.get(key), key):
                if old is not None and not _same(old, new):
                    yield _Difference(f"containers[{view.name}].{path}", str(old), str(new))
                elif old is None and new is not None and key in ("command", "args"):
                    yield _Difference(f"containers[{view.name}].{path}", "unset", str(new))
    for key in _OF_PODS if suffering or text(condition(pod, "PodScheduled"), "status") == "False" else ():
        old, new = template.get(key), dig(pod, "spec", key)
        if (old or None) != (new or None) and new not in (_DEFAULTS.get(key), None, {}):
            yield _Difference(key, str(old) if old else "unset", str(new))


def _suffers(snapshot: Snapshot, view: ContainerView) -> bool:
    return (
        view.crashing(snapshot.now) or bool(view.waiting_reason) or (view.running and not view.ready and not view.init)
    )


def _same(one: object, other: object) -> bool:
    """Quantities are the same however they are written."""
    left, right = amount(one), amount(other)
    return left is not None and left == right


def _to_blame(snapshot: Snapshot, hooks: list[Obj], pod: Obj) -> Obj | None:
    """The configuration that left its name on the pod, else the only one that sees this pod."""
    notes = " ".join(
        f"{k} {v}" for where in ("annotations", "labels") for k, v in labels(pod, "metadata", where).items()
    )
    namespace = snapshot.get("Namespace", "", namespace_of(pod))
    seeing = [c for c in hooks if any(_sees(h, namespace, pod) for h in items(c, "webhooks"))]
    signed = [c for c in seeing if any(name and name in notes for name in _names(c))]
    return signed[0] if signed else seeing[0] if len(seeing) == 1 else None


def _names(config: Obj) -> list[str]:
    hooks = items(config, "webhooks")
    return [
        name_of(config),
        *(text(h, "name") for h in hooks),
        *(text(h, "clientConfig", "service", "name") for h in hooks),
    ]


def _sees(hook: Obj, namespace: Obj | None, pod: Obj) -> bool:
    return (
        _covers_pods(hook)
        and matches_selector(mapping(hook, "namespaceSelector"), labels(namespace, "metadata", "labels"))
        and matches_selector(mapping(hook, "objectSelector"), labels(pod, "metadata", "labels"))
    )


def _observation(snapshot: Snapshot, config: Obj, pod: Obj, found: list[_Difference]) -> Observation:
    top = snapshot.top(pod)
    told = [f"{d.path}: template {d.template}, pod {d.pod}" for d in found][:6]
    ends = [f"{v.name} {v.end_reason} (exit code {v.exit_code})" for v in containers_of(pod) if v.ended]
    hooks = items(config, "webhooks")
    facts = {
        **workload_facts(top),
        "configuration": name_of(config),
        "webhooks": [text(h, "name") for h in hooks],
        "differences": told,
        "ends": ends,
        "pods": [name_of(pod)],
        "policy": [text(h, "failurePolicy") for h in hooks],
        "controller": kind_of(top),
    }
    return Observation(
        resource=resource_of(config),
        fault="admission_mutated_badly",
        facts=facts,
        evidence=(
            from_object(snapshot, pod, f"{name_of(pod)} differs from its template: {'; '.join(told)}", "pod spec"),
            from_object(snapshot, config, f"webhooks {', '.join(facts['webhooks'])} change pods on CREATE"),
        ),
        affects=(resource_of(top),),
        confidence=0.9,
    )
