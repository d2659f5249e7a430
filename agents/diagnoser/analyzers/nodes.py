"""Nodes that are not ready, under pressure, or full: of pods or of addresses for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from agents.diagnoser.containers import containers_of
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    is_deleting,
    items,
    kind_of,
    labels,
    matches_expressions,
    moment,
    name_of,
    namespace_of,
    resource_of,
    strings,
    text,
)
from agents.diagnoser.fitting import Fitting
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready

_BOOTING = timedelta(minutes=5)
_PRESSURES = {
    "MemoryPressure": "memory",
    "DiskPressure": "ephemeral-storage",
    "PIDPressure": "pids",
}
_NO_ADDRESS = re.compile(
    r"no IP addresses available|no available IP|failed to allocate for range|failed to assign an IP address"
    r"|IP(?:AM)? (?:pool|range|addresses?)\b.{0,40}exhaust|not enough IP|InsufficientFreeAddresses|insufficient IP"
    r"|no more (?:IPs|addresses)|all IPs? .{0,20}(?:used|allocated)",
    re.IGNORECASE,
)
_NO_NETWORK = re.compile(r"NetworkPluginNotReady|cni plugin not initialized|NetworkReady=false", re.IGNORECASE)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """What is wrong with each node by its present conditions, then nodes that can take no further pod."""
    for node in snapshot.kind("Node"):
        yield from _not_ready(snapshot, node)
        yield from _pressure(snapshot, node)
    yield from _full(snapshot)
    yield from _out_of_addresses(snapshot)


def _base(snapshot: Snapshot, node: Obj, state: Obj, fault: str) -> Observation:
    events = [e for e in snapshot.events_of(node) if e.warning]
    facts = {
        "node": name_of(node),
        "condition": text(state, "type"),
        "status": text(state, "status"),
        "reason": text(state, "reason"),
        "message": text(state, "message"),
        "heartbeat": text(state, "lastHeartbeatTime"),
        "taints": [text(t, "key") for t in items(node, "spec", "taints")],
        "event": f"{events[-1].reason}: {events[-1].message}" if events else "",
    }
    told = f"{facts['condition']}={facts['status']} {facts['reason']}: {facts['message']}"
    return Observation(
        resource=resource_of(node),
        fault=fault,
        facts=facts,
        evidence=(
            from_object(snapshot, node, told, "Node status"),
            *(from_event(snapshot, e) for e in events[-1:]),
        ),
        since=moment(state, "lastTransitionTime"),
        confidence=0.97,
    )


def _not_ready(snapshot: Snapshot, node: Obj) -> Iterator[Observation]:
    state = condition(node, "Ready")
    born = created(node)
    if not state or text(state, "status") == "True" or (born and snapshot.now - born < _BOOTING):
        return
    pods = [p for p in snapshot.kind("Pod") if text(p, "spec", "nodeName") == name_of(node)]
    victims = [snapshot.top_name(p) for p in pods] + list(_bound_to(snapshot, node))
    seen = _base(snapshot, node, state, "node_not_ready")
    seen = replace(seen, affects=tuple(dict.fromkeys(victims)), facts={**seen.facts, "pods_there": len(pods) or ""})
    network = [resource_of(d) for d in _broken_network(snapshot, pods)]
    if network and _NO_NETWORK.search(text(state, "message")):
        seen = replace(seen, role="symptom", waits_for=tuple(network))
    yield seen


def _broken_network(snapshot: Snapshot, pods: list[Obj]) -> Iterator[Obj]:
    """DaemonSets on the host's network whose pod on the node does not work: the network plugin is one of them."""
    for pod in pods:
        top = snapshot.top(pod)
        if kind_of(top) == "DaemonSet" and any(
            v.crashing(snapshot.now) or v.waiting_reason for v in containers_of(pod)
        ):
            yield top


def _bound_to(snapshot: Snapshot, node: Obj) -> Iterator[str]:
    """Volumes that exist only on a node, their claims, and the workloads that mount them."""
    claims: set[tuple[str, str]] = set()
    having = labels(node, "metadata", "labels")
    for volume in snapshot.kind("PersistentVolume"):
        terms = items(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
        hosts = [e for t in terms for e in items(t, "matchExpressions") if text(e, "key") == "kubernetes.io/hostname"]
        if hosts and all(len(strings(e, "values")) == 1 for e in hosts) and matches_expressions(hosts, having):
            yield resource_of(volume)
            claims.add((text(volume, "spec", "claimRef", "namespace"), text(volume, "spec", "claimRef", "name")))
    for pod in snapshot.kind("Pod") if claims else []:
        for entry in items(pod, "spec", "volumes"):
            if (namespace_of(pod), text(entry, "persistentVolumeClaim", "claimName")) in claims:
                yield snapshot.top_name(pod)


def _pressure(snapshot: Snapshot, node: Obj) -> Iterator[Observation]:
    fitting = Fitting(snapshot)
    for kind, resource in _PRESSURES.items():
        state = condition(node, kind)
        if text(state, "status") != "True":
            continue
        evicted, words = _evicted(snapshot, node)
        waiting = [snapshot.top_name(p) for p in snapshot.active_pods if _waits_for(fitting, p, node)]
        seen = _base(snapshot, node, state, "node_pressure")
        facts = {**seen.facts, "resource": resource, "evicted": evicted[:6], "eviction": words}
        affected = tuple(dict.fromkeys([*evicted, *waiting]))
        yield replace(seen, facts=facts, affects=affected)


def _evicted(snapshot: Snapshot, node: Obj) -> tuple[list[str], str]:
    """Workloads that lost pods on a node to eviction, and what the kubelet said about the last."""
    found: list[str] = []
    words = ""
    for pod in snapshot.kind("Pod"):
        if text(pod, "status", "reason") == "Evicted" and text(pod, "spec", "nodeName") == name_of(node):
            found.append(snapshot.top_name(pod))
            words = text(pod, "status", "message")
            told = snapshot.events_of(pod, "Evicted")
            words = told[-1].message if told else words
    return list(dict.fromkeys(found)), words


def _waits_for(fitting: Fitting, pod: Obj, node: Obj) -> bool:
    """Whether a pod is Pending and would fit on a node but for its pressure."""
    if text(pod, "spec", "nodeName") or text(condition(pod, "PodScheduled"), "status") != "False":
        return False
    fit = next((f for f in fitting.fits(pod) if f.node is node), None)
    return fit is not None and set(fit.obstacles) <= {"taint"} and not fit.taints


def _full(snapshot: Snapshot) -> Iterator[Observation]:
    """Nodes whose number of pods is all that keeps a pod away."""
    fitting = Fitting(snapshot)
    for pod in snapshot.active_pods:
        state = condition(pod, "PodScheduled")
        if text(pod, "spec", "nodeName") or text(state, "status") != "False":
            continue
        for fit in (f for f in fitting.fits(pod) if f.obstacles == ("full",)):
            limit = text(fit.node, "status", "allocatable", "pods")
            facts = {
                "node": name_of(fit.node),
                "limit": limit,
                "pods_there": len(fitting.pods_on(name_of(fit.node))),
                "message": text(state, "message"),
                "pods": [name_of(pod)],
                "workload": snapshot.top_name(pod),
            }
            told = f"allocatable pods {limit}, running {facts['pods_there']}"
            yield Observation(
                resource=resource_of(fit.node),
                fault="node_pod_limit",
                facts=facts,
                evidence=(
                    from_object(snapshot, fit.node, told, "Node status"),
                    from_object(snapshot, pod, f"PodScheduled=False: {facts['message']}", "pod status"),
                ),
                since=created(pod),
                affects=(snapshot.top_name(pod),),
                confidence=0.95,
            )


def _out_of_addresses(snapshot: Snapshot) -> Iterator[Observation]:
    """Nodes that cannot give a new pod an address."""
    for pod in snapshot.active_pods:
        node = snapshot.get("Node", "", text(pod, "spec", "nodeName"))
        if node is None or is_ready(pod) or is_deleting(pod):
            continue
        starting = any(v.waiting_reason in ("ContainerCreating", "PodInitializing") for v in containers_of(pod))
        events = [e for e in snapshot.events_of(pod) if e.warning and _NO_ADDRESS.search(e.message)]
        if not starting or not events:
            continue
        with_address = [
            p
            for p in snapshot.active_pods
            if text(p, "spec", "nodeName") == name_of(node) and text(p, "status", "podIP")
        ]
        yield Observation(
            resource=resource_of(node),
            fault="node_pod_limit",
            facts={
                "node": name_of(node),
                "cidr": text(node, "spec", "podCIDR"),
                "pods_there": len(with_address),
                "message": events[-1].message,
                "pods": [name_of(pod)],
                "workload": snapshot.top_name(pod),
            },
            evidence=(
                from_event(snapshot, events[-1]),
                from_object(snapshot, node, f"spec.podCIDR {text(node, 'spec', 'podCIDR')}"),
            ),
            since=events[0].first or created(pod),
            affects=(snapshot.top_name(pod),),
            confidence=0.95,
        )
