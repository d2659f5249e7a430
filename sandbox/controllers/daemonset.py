"""DaemonSets in simple form: one pod on each eligible node, replaced one at a time when the template changes."""

from __future__ import annotations

from sandbox.controllers.pods import Pods, living
from sandbox.controllers.revisions import is_outdated, revision_label
from sandbox.controllers.scheduler import eligible
from sandbox.controllers.world import DAEMON_SETS, World
from sandbox.objects import Object, clone, dig, is_ready, name_of, namespace_of
from sandbox.resources import NODES

COMPONENT = "daemonset-controller"
_PINNED = "requiredDuringSchedulingIgnoredDuringExecution"


def reconcile(world: World, workload: Object) -> None:
    pods = Pods(world)
    template = workload["spec"]["template"]["spec"]
    present = {_node_of(pod): pod for pod in living(world.pods_of(workload))}
    wanted = [name_of(node) for node in world.cluster.store.list(NODES) if eligible(template, node)]
    for node in sorted(set(present) - set(wanted)):
        pods.delete(workload, present.pop(node), COMPONENT)
    for node in wanted:
        if node not in present:
            pods.create(workload, COMPONENT, labels=revision_label(workload), changes=_pinned(template, node))
    if (workload["spec"].get("updateStrategy") or {}).get("type") != "OnDelete":
        _replace_outdated(world, pods, workload, present)
    _write_status(world, workload, len(wanted))


def _node_of(pod: Object) -> str:
    if pod["spec"].get("nodeName"):
        return pod["spec"]["nodeName"]
    terms = dig(pod, f"spec.affinity.nodeAffinity.{_PINNED}.nodeSelectorTerms") or [{}]
    fields: list[Object] = terms[0].get("matchFields") or [{}]
    return next(iter(fields[0].get("values") or []), "")


def _pinned(template: Object, node: str) -> Object:
    """Affinity to one node and the tolerations that daemons get."""
    affinity = clone(template.get("affinity") or {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity.setdefault("nodeAffinity", {})[_PINNED] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    kinds = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
    added = [{"key": f"node.kubernetes.io/{kind}", "operator": "Exists"} for kind in kinds]
    return {"affinity": affinity, "tolerations": [*(template.get("tolerations") or []), *added]}


def _replace_outdated(world: World, pods: Pods, workload: Object, present: dict[str, Object]) -> None:
    old = [pod for pod in present.values() if is_outdated(world, workload, pod)]
    unwell = [pod for pod in old if not is_ready(pod)]
    others_ready = all(is_ready(pod) for pod in present.values() if pod not in old)
    for pod in unwell or (old[:1] if others_ready else []):
        pods.delete(workload, pod, COMPONENT)


def _write_status(world: World, workload: Object, wanted: int) -> None:
    current = world.cluster.store.get(DAEMON_SETS, namespace_of(workload), name_of(workload))
    if current is None:
        return
    pods = living(world.pods_of(current))
    ready = sum(is_ready(pod) for pod in pods)
    counted = {
        "currentNumberScheduled": len(pods),
        "desiredNumberScheduled": wanted,
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": wanted - ready,
        "updatedNumberScheduled": sum(not is_outdated(world, current, pod) for pod in pods),
    }
    required = ("currentNumberScheduled", "desiredNumberScheduled", "numberReady")
    kept = {name: value for name, value in (current.get("status") or {}).items() if name not in counted}
    status = {**kept, **{name: value for name, value in counted.items() if value or name in required}}
    status.setdefault("numberMisscheduled", 0)
    status["observedGeneration"] = current["metadata"].get("generation", 1)
    world.cluster.store.put(DAEMON_SETS, {**current, "status": status})
