"""Pods that a mutating webhook made different from their template, to their harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.diagnoser.analyzers.throttling import at_cpu_limit
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
from agents.diagnoser.probe_kills import killed_by_probe
from agents.diagnoser.quantities import amount
from agents.diagnoser.snapshot import Snapshot, is_ready, template_of

_HOW_IT_RUNS = ("command", "args", "env", "securityContext", "workingDir")
_PLACING = ("nodeSelector", "affinity", "schedulerName", "runtimeClassName")
_RUNNING = ("hostNetwork", "dnsPolicy", "dnsConfig", "securityContext", "serviceAccountName")
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
        if controller is None or not template_of(controller):
            continue
        if is_ready(pod) and not any(at_cpu_limit(snapshot, v) for v in containers_of(pod)):
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
    """Differences that fit the harm: in containers that do not work, and in where a pending pod may go."""
    wanted = {text(c, "name"): c for key in ("containers", "initContainers") for c in items(template, key)}
    suffering = [v for v in containers_of(pod) if _suffers(snapshot, v)]
    for view in suffering:
        if view.name in wanted:
            yield from _of_container(snapshot, view, wanted[view.name])
        else:
            yield _Difference(f"container {view.name}", "absent", view.image)
    pending = text(condition(pod, "PodScheduled"), "status") == "False"
    placing = () if kind_of(snapshot.owner(pod) or {}) == "DaemonSet" else _PLACING  # its controller adds affinity
    for key in placing if pending else _RUNNING if suffering else ():
        old, new = template.get(key), dig(pod, "spec", key)
        changed = (old or None) != (new or None) and new not in (_DEFAULTS.get(key), None, {})
        if changed and (pending or old):
            yield _Difference(key, str(old) if old else "unset", str(new))
    if pending:
        for view in containers_of(pod):
            yield from _changed(view, wanted.get(view.name, {}), "resources")


def _of_container(snapshot: Snapshot, view: ContainerView, wanted: Obj) -> Iterator[_Difference]:
    """What was changed in a container that could cause how it fails."""
    starting = view.waiting_reason not in ("", "CrashLoopBackOff") or view.exit_code in (126, 127)
    if starting:
        yield from _changed(view, wanted, "image")
    if view.end_reason == "OOMKilled" or at_cpu_limit(snapshot, view) or killed_by_probe(snapshot, view):
        yield from _changed(view, wanted, "resources")
    else:
        for key in _HOW_IT_RUNS:
            yield from _changed(view, wanted, key)


def _changed(view: ContainerView, wanted: Obj, key: str) -> Iterator[_Difference]:
    for path, old, new in differences(wanted.get(key), view.spec.get(key), key):
        given = old is not None or key in ("command", "args")
        if given and new is not None and not _same(old, new):
            yield _Difference(f"containers[{view.name}].{path}", str(old or "unset"), str(new))


def _suffers(snapshot: Snapshot, view: ContainerView) -> bool:
    unready = view.running and not view.ready and not view.init
    return view.crashing(snapshot.now) or bool(view.waiting_reason) or unready or at_cpu_limit(snapshot, view)


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
