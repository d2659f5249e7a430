"""StatefulSets in simple form: ordinals in order, claims from templates, replaced from the top when the template
changes. Unlike the real controller, a broken pod of an old template is replaced without a manual deletion."""

from __future__ import annotations

from sandbox.controllers.pods import Pods, counts, with_counts
from sandbox.controllers.revisions import is_outdated, revision_label
from sandbox.controllers.world import CLAIMS, STATEFUL_SETS, World
from sandbox.lifecycle import CONTROLLERS
from sandbox.objects import Object, clone, is_deleted, is_finished, is_ready, name_of, namespace_of

COMPONENT = "statefulset-controller"


def reconcile(world: World, workload: Object) -> None:
    pods = Pods(world)
    present = {_ordinal(pod): pod for pod in world.pods_of(workload) if not is_deleted(pod)}
    wanted = workload["spec"].get("replicas", 1)
    for ordinal in sorted(present, reverse=True):
        if ordinal >= wanted or is_finished(present[ordinal]):
            pods.delete(workload, present.pop(ordinal), COMPONENT)
    _create_missing(world, pods, workload, present, wanted)
    _replace_outdated(world, pods, workload, present)
    _write_status(world, workload)


def _ordinal(pod: Object) -> int:
    suffix = name_of(pod).rpartition("-")[2]
    return int(suffix) if suffix.isdigit() else -1


def _create_missing(world: World, pods: Pods, workload: Object, present: dict[int, Object], wanted: int) -> None:
    in_order = workload["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    for ordinal in range(wanted):
        pod = present.get(ordinal)
        if pod is None:
            name = f"{name_of(workload)}-{ordinal}"
            labels = {"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal)}
            labels |= revision_label(workload)
            if not pods.create(workload, COMPONENT, name, labels, _claims(world, workload, name)):
                return
        if in_order and (pod is None or not is_ready(pod)):
            return


def _claims(world: World, workload: Object, pod: str) -> Object:
    """Make the claims of one pod; returns the change of its spec that uses them."""
    volumes = [clone(volume) for volume in workload["spec"]["template"]["spec"].get("volumes") or []]
    for template in workload["spec"].get("volumeClaimTemplates") or []:
        name = f"{template['metadata']['name']}-{pod}"
        if world.cluster.store.get(CLAIMS, namespace_of(workload), name) is None:
            labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
            body = {"metadata": {"name": name, "labels": labels}, "spec": clone(template["spec"])}
            resource = world.cluster.resource("v1", "persistentvolumeclaims")
            world.cluster.lifecycle.create(resource, body, namespace_of(workload), CONTROLLERS)
        volumes.append({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": name}})
    return {"volumes": volumes, "hostname": pod} if volumes else {"hostname": pod}


def _replace_outdated(world: World, pods: Pods, workload: Object, present: dict[int, Object]) -> None:
    if (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return
    for ordinal in sorted(present, reverse=True):
        pod = present[ordinal]
        if is_outdated(world, workload, pod):
            pods.delete(workload, pod, COMPONENT)
            return
        if not is_ready(pod):
            return


def _write_status(world: World, workload: Object) -> None:
    current = world.cluster.store.get(STATEFUL_SETS, namespace_of(workload), name_of(workload))
    if current is None:
        return
    pods = world.pods_of(current)
    replicas, ready = counts(pods)
    updated = sum(not is_outdated(world, current, pod) for pod in pods)
    status = with_counts(
        current.get("status") or {}, readyReplicas=ready, currentReplicas=updated, updatedReplicas=updated
    )
    status.update(replicas=replicas, availableReplicas=ready)
    status["observedGeneration"] = current["metadata"].get("generation", 1)
    world.cluster.store.put(STATEFUL_SETS, {**current, "status": status})
