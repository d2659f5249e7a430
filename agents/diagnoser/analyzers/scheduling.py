"""Pods that no node takes: which single obstacle, once removed, would let the pod in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agents.diagnoser.evidence import from_event, from_object
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
    resource_of,
    text,
)  # fmt: skip
from agents.diagnoser.fitting import CONTROL_PLANE, Fit, Fitting, host_ports, requests_of, tolerated
from agents.diagnoser.history import previous
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import quantity_text
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.taints import cordoned_since, is_left_over

_AFFINITY = re.compile(r"pod (?:anti-)?affinity|anti-affinity rules|topology spread", re.IGNORECASE)
_CLAIM = re.compile(r"persistentvolumeclaim|unbound immediate|PersistentVolume's node affinity", re.IGNORECASE)
_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+)")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per pod that waits for a node."""
    fitting = Fitting(snapshot)
    for pod in snapshot.active_pods:
        state = condition(pod, "PodScheduled")
        if text(pod, "spec", "nodeName") or text(state, "status") != "False":
            continue
        seen = _base(snapshot, pod, text(state, "message"))
        if text(state, "reason") == "SchedulingGated" or items(pod, "spec", "schedulingGates"):
            gates = [text(g, "name") for g in items(pod, "spec", "schedulingGates")]
            yield replace(seen, fault="pending_scheduling_gated", facts={**seen.facts, "gates": gates})
        else:
            found = _judge(snapshot, fitting, pod, seen)
            if found is not None:
                yield found


def _base(snapshot: Snapshot, pod: Obj, message: str) -> Observation:
    workload = snapshot.top(pod)
    events = snapshot.events_of(pod, "FailedScheduling")
    requests = {r: quantity_text(r, v) for r, v in requests_of(pod).items()}
    facts: dict[str, Any] = {
        "workload": name_of(workload),
        "kind": kind_of(workload),
        "namespace": namespace_of(pod),
        "pods": [name_of(pod)],
        "message": message or (events[-1].message if events else ""),
        "requests": [f"{r}={_written(pod, r) or v}" for r, v in requests.items()],
        "selector": [f"{k}={v}" for k, v in labels(pod, "spec", "nodeSelector").items()] + _terms(pod),
    }
    return Observation(
        resource=resource_of(workload),
        fault="",
        facts=facts,
        evidence=tuple(
            [from_object(snapshot, pod, f"PodScheduled=False: {facts['message']}", "pod status")]
            + [from_event(snapshot, e) for e in events[-1:]]
        ),
        since=created(pod),
        confidence=0.93,
    )


def _written(pod: Obj, resource: str) -> str:
    """The request as the only container that makes it writes it; empty when several add up."""
    found = [w for c in items(pod, "spec", "containers") if (w := text(c, "resources", "requests", resource))]
    return found[0] if len(found) == 1 else ""


def _terms(pod: Obj) -> list[str]:
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    told: list[str] = []
    for term in items(pod, *path):
        for e in items(term, "matchExpressions"):
            values = dig(e, "values")
            told.append(f"{text(e, 'key')} {text(e, 'operator')} {values if values else ''}".strip())
    return told


def _judge(snapshot: Snapshot, fitting: Fitting, pod: Obj, seen: Observation) -> Observation | None:
    message = str(seen.facts["message"])
    fits = fitting.fits(pod)
    if not fits:
        return _by_message(message, seen)
    alone = {
        name: [f for f in fits if f.obstacles == (name,)] for name in ("cordoned", "taint", "selector", "resources")
    }
    if _CLAIM.search(message) and "node affinity" not in message:
        return None  # the claim's own fault is the volumes family's
    if down := [f for f in fits if set(f.obstacles) <= {"down", "taint"} and "down" in f.obstacles and not f.taints]:
        nodes = tuple(resource_of(f.node) for f in down)
        seen = replace(seen, role="symptom", waits_for=nodes)
    if any("volume" in f.obstacles for f in fits):
        return _bound_elsewhere(fitting, pod, fits, seen)
    if alone["cordoned"]:
        return _cordoned(snapshot, alone["cordoned"], seen)
    if _AFFINITY.search(message) and any(not f.obstacles for f in fits):
        return _pod_affinity(pod, seen)
    if any(set(f.obstacles) == {"ports"} for f in fits) or "free ports" in message:
        return _host_port(snapshot, fitting, pod, seen)
    return _selector_taint_or_resources(snapshot, fitting, pod, fits, seen)


def _selector_taint_or_resources(
    snapshot: Snapshot, fitting: Fitting, pod: Obj, fits: list[Fit], seen: Observation
) -> Observation | None:
    chosen = [f for f in fits if "selector" not in f.obstacles]
    workers = [f for f in fits if not any(t.split("=")[0].split(":")[0] in CONTROL_PLANE for t in f.taints)]
    wanted = bool(seen.facts["selector"])
    if not chosen:
        return _node_selector(snapshot, pod, seen)
    open_nodes = [f for f in chosen if not f.taints and "down" not in f.obstacles]
    tainted = [f for f in chosen if f in workers and f.obstacles == ("taint",) and f.taints]
    short = [f for f in open_nodes if "resources" in f.obstacles]
    if tainted and (wanted or not short or _too_large_for_all(pod, open_nodes)):
        return _taint(snapshot, fitting, pod, tainted, seen)
    if wanted and len(chosen) < len(workers) and not open_nodes and not tainted and not short:
        return _taint(snapshot, fitting, pod, chosen, seen) if any(f.taints for f in chosen) else None
    if short:
        return _resources(pod, short, seen)
    return _by_message(str(seen.facts["message"]), seen)


def _too_large_for_all(pod: Obj, fits: list[Fit]) -> bool:
    requests = requests_of(pod)
    return bool(fits) and all(any(requests[r] > total for r, _, total in f.short) for f in fits)


def _node_selector(snapshot: Snapshot, pod: Obj, seen: Observation) -> Observation:
    keys = [str(s).split("=")[0].split(" ")[0] for s in seen.facts["selector"]]
    having = [
        f"{name_of(n)}: {k}={v}"
        for n in snapshot.kind("Node")
        for k, v in labels(n, "metadata", "labels").items()
        if k in keys
    ]
    before = previous(snapshot, snapshot.top(pod))
    old = [f"{k}={v}" for k, v in labels(before.template, "spec", "nodeSelector").items()] if before else []
    facts = {**seen.facts, "node_labels": having[:8], "before": old if old != seen.facts["selector"] else []}
    return replace(seen, fault="pending_node_selector", facts=facts)


def _resources(pod: Obj, short: list[Fit], seen: Observation) -> Observation:
    requests = requests_of(pod)
    resource = max(
        {r for f in short for r, _, _ in f.short},
        key=lambda r: sum(any(s[0] == r for s in f.short) for f in short),
    )
    rows = [(f, free, total) for f in short for r, free, total in f.short if r == resource]
    room = [
        f"{name_of(f.node)}: {quantity_text(resource, free)} of {quantity_text(resource, total)} free"
        for f, free, total in rows
    ]
    facts = {
        **seen.facts,
        "resource": resource,
        "wanted": _written(pod, resource) or quantity_text(resource, requests[resource]),
        "largest": quantity_text(resource, max(total for _, _, total in rows)),
        "most_free": quantity_text(resource, max(free for _, free, _ in rows)),
        "room": room[:6],
    }
    return replace(seen, fault="pending_insufficient_resources", facts=facts)


def _taint(snapshot: Snapshot, fitting: Fitting, pod: Obj, fits: list[Fit], seen: Observation) -> Observation:
    """Blames the Node when the taint is a left-over: its own pods do not tolerate it, or it came after the template."""
    facts = {
        **seen.facts,
        "taints": sorted({t for f in fits for t in f.taints}),
        "nodes": [name_of(f.node) for f in fits],
    }
    seen = replace(seen, fault="pending_taint", facts=facts)
    for fit in fits:
        taints = [t for t in items(fit.node, "spec", "taints") if not tolerated(pod, t)]
        intruders = [
            p
            for p in fitting.pods_on(name_of(fit.node))
            if kind_of(snapshot.top(p)) not in ("DaemonSet", "Pod") and not all(tolerated(p, t) for t in taints)
        ]
        if intruders:
            facts["intolerant"] = [name_of(p) for p in intruders][:4]
        if intruders or any(is_left_over(snapshot, pod, taint) for taint in taints):
            return replace(seen, resource=resource_of(fit.node), affects=(seen.resource,), facts=facts, confidence=0.85)
    return seen


def _cordoned(snapshot: Snapshot, fits: list[Fit], seen: Observation) -> Observation:
    node = fits[0].node
    since = cordoned_since(node)
    facts = {**seen.facts, "node": name_of(node), "nodes": [name_of(f.node) for f in fits], "cordoned_since": since}
    return replace(
        seen,
        resource=resource_of(node),
        fault="pending_cordoned",
        facts=facts,
        affects=(seen.resource,),
        evidence=(*seen.evidence, from_object(snapshot, node, f"spec.unschedulable: true {since}")),
    )


def _pod_affinity(pod: Obj, seen: Observation) -> Observation:
    rules: list[str] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        for term in items(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"):
            chosen = [f"{k}={v}" for k, v in labels(term, "labelSelector", "matchLabels").items()]
            for e in items(term, "labelSelector", "matchExpressions"):
                chosen.append(f"{text(e, 'key')} {text(e, 'operator')} {e.get('values') or ''}".strip())
            rules.append(f"{kind} {', '.join(chosen)} topologyKey {text(term, 'topologyKey')}")
    for spread in items(pod, "spec", "topologySpreadConstraints"):
        rules.append(
            f"topologySpreadConstraints maxSkew {text(spread, 'maxSkew')} topologyKey {text(spread, 'topologyKey')}"
        )
    return replace(seen, fault="pending_pod_affinity", facts={**seen.facts, "rules": rules})


def _host_port(snapshot: Snapshot, fitting: Fitting, pod: Obj, seen: Observation) -> Observation:
    wanted = host_ports(pod)
    holders = [
        f"{snapshot.top_name(other)} on {name_of(node)}"
        for node in snapshot.kind("Node")
        for other in fitting.pods_on(name_of(node))
        if wanted & host_ports(other)
    ]
    facts = {**seen.facts, "ports": [str(n) for _, n in sorted(wanted)], "holders": list(dict.fromkeys(holders))[:6]}
    return replace(seen, fault="pending_host_port", facts=facts)


def _bound_elsewhere(fitting: Fitting, pod: Obj, fits: list[Fit], seen: Observation) -> Observation | None:
    """The volume is bound to nodes; when the pod could run on one of them but for another reason, that is the fault."""
    homes = [f for f in fits if "volume" not in f.obstacles]
    for fit in homes:
        if "cordoned" in fit.obstacles and set(fit.obstacles) <= {"cordoned", "taint"}:
            facts = {**seen.facts, "node": name_of(fit.node), "nodes": [name_of(fit.node)]}
            return replace(
                seen, resource=resource_of(fit.node), fault="pending_cordoned", facts=facts, affects=(seen.resource,)
            )
        if "down" in fit.obstacles:
            return replace(seen, fault="pv_node_affinity", role="symptom", waits_for=(resource_of(fit.node),))
        if fit.obstacles == ("resources",):
            return _resources(pod, [fit], seen)
    volume = next((v for v in fitting.volumes(pod) if dig(v, "spec", "nodeAffinity") is not None), None)
    if volume is None:
        return None
    terms = items(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
    told = [
        f"{text(e, 'key')} {text(e, 'operator')} {', '.join(e.get('values') or [])}"
        for t in terms
        for e in items(t, "matchExpressions")
    ]
    facts = {
        **seen.facts,
        "volume": name_of(volume),
        "bound_to": told,
        "claim": text(volume, "spec", "claimRef", "name"),
    }
    return replace(seen, resource=resource_of(volume), fault="pv_node_affinity", facts=facts, affects=(seen.resource,))


def _by_message(message: str, seen: Observation) -> Observation | None:
    """Without nodes to look at, the scheduler's own words decide."""
    short = _INSUFFICIENT.search(message)
    if short:
        facts = {**seen.facts, "resource": short[1]}
        return replace(seen, fault="pending_insufficient_resources", facts=facts, confidence=0.75)
    for words, fault in (
        ("free ports", "pending_host_port"),
        ("affinity/selector", "pending_node_selector"),
        ("untolerated taint", "pending_taint"),
        ("affinity", "pending_pod_affinity"),
        ("topology spread", "pending_pod_affinity"),
    ):
        if words in message:
            return replace(seen, fault=fault, confidence=0.75)
    return None
