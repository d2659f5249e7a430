"""HorizontalPodAutoscalers that cannot scale: no target, no metric, no requests, or no room up to maxReplicas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    is_deleting,
    items,
    kind_of,
    mapping,
    moment,
    name_of,
    namespace_of,
    number,
    resource_name,
    resource_of,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount_or_zero
from agents.diagnoser.snapshot import Snapshot, template_of

_SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet")
_NO_REQUEST = re.compile(r"missing request for (?P<resource>[\w./-]+)(?: in container (?P<container>[\w.-]+))?")
_NO_SAMPLES = re.compile(r"did not receive metrics|no metrics returned|pods might be unready", re.IGNORECASE)
_API = re.compile(r"\b((?:external|custom)\.metrics\.k8s\.io|metrics\.k8s\.io)\b")
_SOURCES = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
            "External": "external"}  # fmt: skip
_TOLERANCE = 1.1


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """At most one observation per autoscaler."""
    for scaler in snapshot.kind("HorizontalPodAutoscaler"):
        if not is_deleting(scaler):
            seen = _judge(snapshot, scaler)
            if seen is not None:
                yield seen


def _judge(snapshot: Snapshot, scaler: Obj) -> Observation | None:
    able, active, limited = (condition(scaler, kind) for kind in ("AbleToScale", "ScalingActive", "ScalingLimited"))
    target = mapping(scaler, "spec", "scaleTargetRef")
    kind, name = text(target, "kind"), text(target, "name")
    obj = snapshot.get(kind, namespace_of(scaler), name)
    gone = obj is None and kind in _SCALABLE and snapshot.can_see(kind)
    if gone or (text(able, "status") == "False" and "not found" in text(able, "message")):
        here = [
            f"{kind_of(w)} {name_of(w)}" for k in _SCALABLE[:2] for w in snapshot.in_namespace(k, namespace_of(scaler))
        ]
        seen = _base(snapshot, scaler, able, "hpa_target_missing")
        return replace(seen, facts={**seen.facts, "present": here[:6]})
    if obj is not None and number(obj, "spec", "replicas") == 0 and "replicas" in mapping(obj, "spec"):
        return None  # ScalingDisabled: the zero replicas are the fault
    if text(active, "status") == "False" and text(active, "reason") != "ScalingDisabled":
        return _no_metric(snapshot, scaler, active, obj)
    if text(limited, "status") == "True" and text(limited, "reason") == "TooManyReplicas":
        return _at_max(snapshot, scaler, limited)
    return None


def _base(snapshot: Snapshot, scaler: Obj, state: Obj, fault: str) -> Observation:
    events = [e for e in snapshot.events_of(scaler) if e.warning]
    target = mapping(scaler, "spec", "scaleTargetRef")
    facts = {
        "scaler": name_of(scaler),
        "namespace": namespace_of(scaler),
        "target": f"{text(target, 'kind')} {text(target, 'name')}",
        "reason": text(state, "reason"),
        "message": text(state, "message") or (events[-1].message if events else ""),
        "metrics": [_described(m) for m in items(scaler, "spec", "metrics")],
        "max": number(scaler, "spec", "maxReplicas"),
        "min": number(scaler, "spec", "minReplicas") or 1,
        "current": str(number(scaler, "status", "currentReplicas")),
    }
    told = f"{text(state, 'type')} {text(state, 'status')} {facts['reason']}: {facts['message']}"
    return Observation(
        resource=resource_of(scaler),
        fault=fault,
        facts=facts,
        evidence=(
            from_object(snapshot, scaler, told, "HPA status"),
            *(from_event(snapshot, e) for e in events[-1:]),
        ),
        since=moment(state, "lastTransitionTime"),
        affects=(resource_name(namespace_of(scaler), text(target, "kind"), text(target, "name")),),
        confidence=0.95,
    )


def _described(metric: Obj) -> str:
    """`Resource cpu averageUtilization 60`."""
    part = mapping(metric, _SOURCES.get(text(metric, "type"), ""))
    name = text(part, "name") or text(part, "metric", "name")
    goal = next((f"{k} {v}" for k, v in mapping(part, "target").items() if k != "type"), "")
    return " ".join(word for word in (text(metric, "type"), name, goal) if word)


def _no_metric(snapshot: Snapshot, scaler: Obj, state: Obj, target: Obj | None) -> Observation:
    seen = _base(snapshot, scaler, state, "hpa_metrics_unavailable")
    events = " ".join(e.message for e in snapshot.events_of(scaler) if e.warning)
    message = f"{seen.facts['message']} {events}"
    lacking = _NO_REQUEST.search(message)
    if lacking and target is not None:
        return _no_requests(snapshot, seen, scaler, target, lacking)
    api = _API.search(message)
    group = api[1] if api else "metrics.k8s.io" if "resource metrics API" in message else ""
    service = _served_by(snapshot, group)
    if _NO_SAMPLES.search(message):
        return replace(seen, role="symptom", waits_for=seen.affects, confidence=0.75)
    if service is not None and text(condition(service, "Available"), "status") != "True":
        return replace(seen, role="symptom", waits_for=(resource_of(service),), facts={**seen.facts, "api": group})
    registered = "" if service is not None or not snapshot.can_see("APIService") else "true"
    return replace(seen, facts={**seen.facts, "api": group, "unregistered": group if registered else ""})


def _served_by(snapshot: Snapshot, group: str) -> Obj | None:
    found = [a for a in snapshot.kind("APIService") if group and text(a, "spec", "group") == group]
    return found[0] if found else None


def _no_requests(
    snapshot: Snapshot, seen: Observation, scaler: Obj, target: Obj, lacking: re.Match[str]
) -> Observation:
    resource = lacking["resource"]
    containers = items(template_of(target), "spec", "containers")
    without = [
        text(c, "name")
        for c in containers
        if not (text(c, "resources", "requests", resource) or text(c, "resources", "limits", resource))
    ]
    names = without or [lacking["container"] or ""]
    facts = {
        **seen.facts,
        "workload": name_of(target),
        "kind": kind_of(target),
        "resource": resource,
        "containers": names,
        "container": names[0],
        "usage": _usage(snapshot, target, names[0], resource),
    }
    return replace(
        seen, resource=resource_of(target), fault="hpa_no_requests", facts=facts, affects=(resource_of(scaler),)
    )


def _usage(snapshot: Snapshot, workload: Obj, container: str, resource: str) -> str:
    """The most that a container of the workload was measured to use, as a quantity."""
    if snapshot.usage is None or resource != "cpu":
        return ""
    used = [
        amounts[container].cpu
        for p in snapshot.active_pods_of(workload)
        if container in (amounts := snapshot.usage.pods.get(f"{namespace_of(p)}/{name_of(p)}", {}))
    ]
    return f"{max(used) * 1000:.0f}m" if used else ""


def _at_max(snapshot: Snapshot, scaler: Obj, state: Obj) -> Observation | None:
    """At the maximum and over target. At the maximum with the target met, nothing is wrong."""
    over = list(_over_target(scaler))
    most, current = number(scaler, "spec", "maxReplicas"), number(scaler, "status", "currentReplicas")
    if current < most or (items(scaler, "status", "currentMetrics") and not over):
        return None
    seen = _base(snapshot, scaler, state, "hpa_at_max")
    return replace(seen, facts={**seen.facts, "over": over})


def _over_target(scaler: Obj) -> Iterable[str]:
    goals: dict[tuple[str, str], Obj] = {}
    for metric in items(scaler, "spec", "metrics"):
        part = mapping(metric, _SOURCES.get(text(metric, "type"), ""))
        goals[text(metric, "type"), text(part, "name") or text(part, "metric", "name")] = mapping(part, "target")
    for metric in items(scaler, "status", "currentMetrics"):
        part = mapping(metric, _SOURCES.get(text(metric, "type"), ""))
        name = text(part, "name") or text(part, "metric", "name")
        goal, now = goals.get((text(metric, "type"), name), {}), mapping(part, "current")
        for key in ("averageUtilization", "averageValue", "value"):
            wanted, measured = amount_or_zero(goal.get(key)), amount_or_zero(now.get(key))
            if wanted and measured > wanted * _TOLERANCE:
                unit = "%" if key == "averageUtilization" else ""
                yield f"{name} {key} {text(now, key)}{unit}, target {text(goal, key)}{unit}"
                break
