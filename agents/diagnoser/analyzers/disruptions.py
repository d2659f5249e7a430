"""Pods that may not be evicted although somebody must, and pods that were evicted for more important ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from agents.diagnoser.events import EventView, view_event
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    flag,
    items,
    kind_of,
    labels,
    mapping,
    matches_selector,
    name_of,
    namespace_of,
    number,
    resource_of,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_active

_REFUSED = re.compile(r"violate the pod's disruption budget|more than one PodDisruptionBudget", re.IGNORECASE)
_BY = re.compile(r"Preempted by (?:a )?pod ?(?P<uid>[0-9a-f-]{36})?|Preempted by (?P<name>[\w.-]+/[\w.-]+)")
_ON = re.compile(r"on node (?P<node>[\w.-]+)")
_SYSTEM_PRIORITY = 1_000_000_000
_CLOSE = timedelta(minutes=5)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Budgets that hold up an eviction that somebody wants, then workloads that preempted others."""
    events = [view_event(e) for e in snapshot.kind("Event") if text(e, "reason") or text(e, "message")]
    refused = [e for e in events if e.warning and _REFUSED.search(e.message)]
    for budget in snapshot.kind("PodDisruptionBudget"):
        yield from _blocking(snapshot, budget, refused)
    yield from _preempting(snapshot, [e for e in events if e.reason == "Preempted"])


def _blocking(snapshot: Snapshot, budget: Obj, events: list[EventView]) -> Iterator[Observation]:
    if number(budget, "status", "disruptionsAllowed") or not number(budget, "status", "expectedPods"):
        return
    pods = _covered(snapshot, budget)
    refused = [e for e in events if name_of(budget) in e.message or any(name_of(p) in e.message for p in pods)]
    asked = [e for e in snapshot.audit if _is_refused_eviction(e, pods)]
    drained = [n for n in snapshot.kind("Node") if _waits_for_pods(snapshot, n, pods)]
    if not refused and not asked and not drained:
        return
    healthy, desired = (number(budget, "status", key) for key in ("currentHealthy", "desiredHealthy"))
    broken = healthy < number(budget, "status", "expectedPods")
    workloads = tuple(dict.fromkeys(snapshot.top_name(p) for p in pods))
    least, most = (text(budget, "spec", key) for key in ("minAvailable", "maxUnavailable"))
    facts = {
        "budget": name_of(budget),
        "namespace": namespace_of(budget),
        "min_available": least,
        "max_unavailable": most,
        "allowed": "0",
        "healthy": str(healthy),
        "desired": str(desired),
        "pods": [name_of(p) for p in pods],
        "workloads": workloads,
        "nodes": [name_of(n) for n in drained],
        "message": refused[-1].message if refused else "",
    }
    rule = f"minAvailable {least}" if least else f"maxUnavailable {most}"
    told = f"{rule}, disruptionsAllowed 0, currentHealthy {healthy}, desiredHealthy {desired}"
    yield Observation(
        resource=resource_of(budget),
        fault="pdb_blocks_eviction",
        facts=facts,
        evidence=(from_object(snapshot, budget, told, "PDB status"), *(from_event(snapshot, e) for e in refused[-1:])),
        role="symptom" if broken else "cause",
        since=refused[0].first if refused else None,
        affects=tuple(resource_of(n) for n in drained),
        waits_for=workloads if broken else (),
        confidence=0.93 if refused or asked else 0.85,
    )


def _covered(snapshot: Snapshot, budget: Obj) -> list[Obj]:
    """Pods that the budget protects."""
    selector = mapping(budget, "spec", "selector")
    here = [p for p in snapshot.in_namespace("Pod", namespace_of(budget)) if is_active(p)]
    return [p for p in here if matches_selector(selector, labels(p, "metadata", "labels"))]


def _is_refused_eviction(event: Obj, pods: list[Obj]) -> bool:
    about = mapping(event, "objectRef")
    if text(about, "subresource") != "eviction" or number(event, "responseStatus", "code") != 429:
        return False
    named = text(about, "name")
    return any(namespace_of(p) == text(about, "namespace") and named in (name_of(p), "") for p in pods)


def _waits_for_pods(snapshot: Snapshot, node: Obj, pods: list[Obj]) -> bool:
    """Whether a cordoned node was drained down to pods of the budget: nothing that may move is left beside them."""
    if not flag(node, "spec", "unschedulable"):
        return False
    there = [p for p in snapshot.active_pods if text(p, "spec", "nodeName") == name_of(node)]
    movable = [p for p in there if kind_of(snapshot.owner(p) or {}) not in ("DaemonSet", "Node")]
    return any(p in pods for p in movable) and all(p in pods for p in movable)


def _preempting(snapshot: Snapshot, events: list[EventView]) -> Iterator[Observation]:
    """Workloads whose pods pushed others out that now wait for room."""
    for pod in snapshot.active_pods:
        state = condition(pod, "PodScheduled")
        if text(pod, "spec", "nodeName") or text(state, "status") != "False":
            continue
        victim = snapshot.top(pod)
        found = _preemptor(snapshot, events, victim, pod)
        if found is None or snapshot.top_name(found[0]) == resource_of(victim):
            continue
        winner, event = found
        top = snapshot.top(winner)
        requests = [
            f"{r} {q}"
            for c in items(winner, "spec", "containers")
            for r, q in labels(c, "resources", "requests").items()
        ]
        yield Observation(
            resource=resource_of(top),
            fault="priority_preempted",
            facts={
                "workload": name_of(top), "kind": kind_of(top), "namespace": namespace_of(top),
                "priority_class": text(winner, "spec", "priorityClassName"),
                "priority": number(winner, "spec", "priority"),
                "victim": resource_of(victim), "victim_priority": str(number(pod, "spec", "priority")),
                "node": text(winner, "spec", "nodeName"), "requests": requests, "pods": [name_of(winner)],
                "message": event.message if event else text(state, "message"),
            },
            evidence=(
                *([from_event(snapshot, event)] if event else []),
                from_object(snapshot, winner, f"priorityClassName {text(winner, 'spec', 'priorityClassName')}"),
                from_object(snapshot, pod, f"PodScheduled=False: {text(state, 'message')}", "pod status"),
            ),
            since=event.first if event else created(pod),
            affects=(resource_of(victim),),
            confidence=0.93 if event else 0.75,
        )  # fmt: skip


def _preemptor(
    snapshot: Snapshot, events: list[EventView], victim: Obj, pod: Obj
) -> tuple[Obj, EventView | None] | None:
    """The pod that took the victim's place: named by the event, else the more important one that came just before."""
    rivals = [
        p
        for p in snapshot.active_pods
        if text(p, "spec", "nodeName")
        and number(pod, "spec", "priority") < number(p, "spec", "priority") < _SYSTEM_PRIORITY
    ]
    for view in events:
        if view.namespace != namespace_of(victim) or not _is_of(view.name, victim):
            continue
        by, on = _BY.search(view.message), _ON.search(view.message)
        for rival in rivals:
            named = by is not None and (by["uid"] == text(rival, "metadata", "uid") or by["name"] == _key(rival))
            unnamed = by is not None and not by["uid"] and not by["name"]
            if named or (unnamed and on is not None and on["node"] == text(rival, "spec", "nodeName")):
                return rival, view
    born = created(pod)
    for rival in sorted(rivals, key=lambda p: -number(p, "spec", "priority")):
        at = created(rival)
        if (
            born
            and at
            and timedelta(0) <= born - at <= _CLOSE
            and "preempt" in text(condition(pod, "PodScheduled"), "message").lower()
        ):
            return rival, None
    return None


def _is_of(pod_name: str, workload: Obj) -> bool:
    """Whether a pod that is gone was one of a workload, by its name."""
    return bool(re.fullmatch(rf"{re.escape(name_of(workload))}(?:-[a-z0-9]{{1,10}}){{1,2}}", pod_name))


def _key(pod: Obj) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"
