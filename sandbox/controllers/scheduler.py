"""The scheduler: which node a pod can go to, and the message when there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sandbox import quantities
from sandbox.admission import pod_total
from sandbox.controllers.world import CLAIMS, VOLUMES, World
from sandbox.objects import Object, dig, is_finished, is_ready, labels_of, name_of, namespace_of, uid_of
from sandbox.resources import NODES, PODS
from sandbox.selectors import holds, matches

_RESOURCES = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True)
class Placement:
    """Where a pod goes: a node, or nowhere and why."""

    node: Object | None
    message: str = ""


def place(world: World, pod: Object) -> Placement:
    """The fitting node with the most free cpu."""
    spec: Object = pod["spec"]
    if spec.get("schedulingGates"):
        return Placement(None, "Scheduling is blocked due to non-empty scheduling gates")
    nodes = world.cluster.store.list(NODES)
    if not nodes:
        return Placement(None, "no nodes available to schedule pods")
    for message in _unready_claims(world, pod):
        return Placement(None, f"0/{len(nodes)} nodes are available: {message}. {_no_preemption(len(nodes))}")
    neighbours = [
        other for other in world.cluster.store.list(PODS) if other["spec"].get("nodeName") and not is_finished(other)
    ]
    fitting: list[tuple[Fraction, str, Object]] = []
    reasons: Counter[str] = Counter()
    for node in nodes:
        here = [other for other in neighbours if other["spec"]["nodeName"] == name_of(node)]
        obstacles = list(_obstacles(world, pod, node, here, neighbours))
        reasons.update(obstacles)
        if not obstacles:
            used = sum((pod_total(other, "requests", "cpu") for other in here), Fraction(0))
            fitting.append((used, name_of(node), node))
    if fitting:
        return Placement(min(fitting, key=lambda item: item[:2])[2])
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return Placement(None, f"0/{len(nodes)} nodes are available: {listed}. {_no_preemption(len(nodes))}")


def _no_preemption(nodes: int) -> str:
    return f"preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."


def claim_names(pod: Object) -> list[str]:
    return [
        name
        for volume in pod["spec"].get("volumes") or []
        if (name := dig(volume, "persistentVolumeClaim.claimName")) is not None
    ]


def _unready_claims(world: World, pod: Object) -> Iterator[str]:
    for name in claim_names(pod):
        claim = world.cluster.store.get(CLAIMS, namespace_of(pod), name)
        if claim is None:
            yield f'persistentvolumeclaim "{name}" not found'
        elif dig(claim, "status.phase") == "Lost":
            yield f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume'
        elif dig(claim, "status.phase") != "Bound":
            yield "pod has unbound immediate PersistentVolumeClaims"


def _obstacles(world: World, pod: Object, node: Object, here: list[Object], everywhere: list[Object]) -> Iterator[str]:
    """Why a node does not take a pod, each in the scheduler's words; the first filter that fails speaks for all."""
    for obstacle in (
        _node_obstacle(pod, node),
        _resource_obstacle(pod, node, here),
        _port_obstacle(pod, here),
        _volume_obstacle(world, pod, node),
        _affinity_obstacle(world, pod, node, everywhere),
        _spread_obstacle(world, pod, node, everywhere),
    ):
        if obstacle:
            yield from obstacle
            return


def _node_obstacle(pod: Object, node: Object) -> list[str]:
    spec: Object = node.get("spec") or {}
    tolerations = pod["spec"].get("tolerations") or []
    if spec.get("unschedulable") and not _tolerates(
        tolerations, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    ):
        return ["node(s) were unschedulable"]
    for taint in spec.get("taints") or []:
        if taint.get("effect") in ("NoSchedule", "NoExecute") and not _tolerates(tolerations, taint):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    if not is_ready(node):
        return ["node(s) were not ready"]
    return [] if node_matches(pod["spec"], node) else ["node(s) didn't match Pod's node affinity/selector"]


def _tolerates(tolerations: list[Object], taint: Object) -> bool:
    return any(
        (not t.get("effect") or t["effect"] == taint.get("effect"))
        and (not t.get("key") or t["key"] == taint["key"])
        and (t.get("operator") == "Exists" or (t.get("value") or "") == (taint.get("value") or ""))
        for t in tolerations
    )


def eligible(pod_spec: Object, node: Object) -> bool:
    """Whether a daemon's pod belongs on a node: selector, affinity and taints, but neither cordon nor resources."""
    tolerations = pod_spec.get("tolerations") or []
    taints = [t for t in (node.get("spec") or {}).get("taints") or [] if t.get("effect") in ("NoSchedule", "NoExecute")]
    daemon = [
        {"key": f"node.kubernetes.io/{name}", "operator": "Exists"}
        for name in ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
    ]
    return all(_tolerates(tolerations + daemon, taint) for taint in taints) and node_matches(pod_spec, node)


def node_matches(pod_spec: Object, node: Object) -> bool:
    """Whether nodeSelector and required node affinity hold."""
    labels = labels_of(node)
    if any(labels.get(name) != value for name, value in (pod_spec.get("nodeSelector") or {}).items()):
        return False
    required = dig(pod_spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or _terms_match(required, node)


def _terms_match(selector: Object, node: Object) -> bool:
    fields = {"metadata.name": name_of(node)}
    return any(
        all(holds(term, labels_of(node)) for term in option.get("matchExpressions") or [])
        and all(holds(term, fields) for term in option.get("matchFields") or [])
        for option in selector.get("nodeSelectorTerms") or []
    )


def _resource_obstacle(pod: Object, node: Object, here: list[Object]) -> list[str]:
    allocatable: Object = dig(node, "status.allocatable") or {}
    if "pods" in allocatable and len(here) >= quantities.parse(allocatable["pods"]):
        return ["Too many pods"]
    names = [
        *_RESOURCES,
        *(name for c in pod["spec"].get("containers") or [] for name in dig(c, "resources.limits") or {}),
    ]
    found: list[str] = []
    for name in dict.fromkeys(names):
        wanted = pod_total(pod, "requests", name)
        if not wanted:
            continue
        used = sum((pod_total(other, "requests", name) for other in here), Fraction(0))
        capacity = quantities.parse(allocatable[name]) if name in allocatable else None
        if (capacity is None and name not in _RESOURCES) or (capacity is not None and wanted + used > capacity):
            found.append(f"Insufficient {name}")
    return found


def _host_ports(pod: Object) -> set[tuple[int, str]]:
    return {
        (port["hostPort"], port.get("protocol", "TCP"))
        for container in pod["spec"].get("containers") or []
        for port in container.get("ports") or []
        if port.get("hostPort")
    }


def _port_obstacle(pod: Object, here: list[Object]) -> list[str]:
    wanted = _host_ports(pod)
    taken = any(wanted & _host_ports(other) for other in here) if wanted else False
    return ["node(s) didn't have free ports for the requested pod ports"] if taken else []


def _volume_obstacle(world: World, pod: Object, node: Object) -> list[str]:
    for name in claim_names(pod):
        claim = world.cluster.store.get(CLAIMS, namespace_of(pod), name)
        volume = world.cluster.store.get(VOLUMES, "", dig(claim, "spec.volumeName") or "")
        required = dig(volume, "spec.nodeAffinity.required")
        if required is not None and not _terms_match(required, node):
            return ["node(s) didn't match PersistentVolume's node affinity"]
    return []


def _affinity_obstacle(world: World, pod: Object, node: Object, everywhere: list[Object]) -> list[str]:
    field = "requiredDuringSchedulingIgnoredDuringExecution"
    for kind, wanted in (("podAffinity", True), ("podAntiAffinity", False)):
        for term in dig(pod, f"spec.affinity.{kind}.{field}") or []:
            matching = [other for other in everywhere if _selected(term, pod, other) and uid_of(other) != uid_of(pod)]
            same = any(
                _domain(world, other, term["topologyKey"]) == labels_of(node).get(term["topologyKey"])
                for other in matching
            )
            first = wanted and not matching and matches(term.get("labelSelector"), labels_of(pod))
            if same != wanted and not first:
                rule = "affinity" if wanted else "anti-affinity"
                return [f"node(s) didn't match pod {rule} rules"]
    return []


def _selected(term: Object, pod: Object, other: Object) -> bool:
    spaces = term.get("namespaces") or [namespace_of(pod)]
    return namespace_of(other) in spaces and matches(term.get("labelSelector"), labels_of(other))


def _domain(world: World, pod: Object, topology: str) -> str | None:
    node = world.cluster.store.get(NODES, "", pod["spec"].get("nodeName") or "")
    return labels_of(node).get(topology) if node else None


def _spread_obstacle(world: World, pod: Object, node: Object, everywhere: list[Object]) -> list[str]:
    for rule in pod["spec"].get("topologySpreadConstraints") or []:
        if rule.get("whenUnsatisfiable") != "DoNotSchedule":
            continue
        key = rule["topologyKey"]
        if key not in labels_of(node):
            return ["node(s) didn't match pod topology spread constraints (missing required label)"]
        domains = {
            labels_of(n)[key]
            for n in world.cluster.store.list(NODES)
            if key in labels_of(n) and node_matches(pod["spec"], n)
        }
        counts = Counter(dict.fromkeys(domains, 0))
        counts.update(
            domain
            for other in everywhere
            if namespace_of(other) == namespace_of(pod)
            and matches(rule.get("labelSelector"), labels_of(other))
            and (domain := _domain(world, other, key)) in domains
        )
        if counts[labels_of(node)[key]] + 1 - min(counts.values()) > rule.get("maxSkew", 1):
            return ["node(s) didn't match pod topology spread constraints"]
    return []
