"""ReplicaSets keep their number of pods."""

from __future__ import annotations

from sandbox.controllers.pods import Pods, counts, living, removal_order, with_counts
from sandbox.controllers.world import REPLICA_SETS, World
from sandbox.objects import Object, dig, name_of, namespace_of

COMPONENT = "replicaset-controller"


def reconcile(world: World, replica_set: Object) -> None:
    pods = Pods(world)
    present = living(world.pods_of(replica_set))
    wanted = replica_set["spec"].get("replicas", 1)
    failed = False
    for _ in range(wanted - len(present)):
        if not pods.create(replica_set, COMPONENT):
            failed = True
            break
    for pod in sorted(present, key=removal_order)[: max(0, len(present) - wanted)]:
        pods.delete(replica_set, pod, COMPONENT)
    _write_status(world, replica_set, failed)


def _write_status(world: World, replica_set: Object, failed: bool) -> None:
    current = world.cluster.store.get(REPLICA_SETS, namespace_of(replica_set), name_of(replica_set))
    if current is None:
        return
    replicas, ready = counts(world.pods_of(current))
    status: Object = current.get("status") or {}
    status = with_counts(status, fullyLabeledReplicas=replicas, readyReplicas=ready, availableReplicas=ready)
    status["replicas"] = replicas
    status["observedGeneration"] = current["metadata"].get("generation", 1)
    if not failed and dig(status, "conditions"):
        kept = [item for item in status["conditions"] if item["type"] != "ReplicaFailure"]
        status = {name: value for name, value in status.items() if name != "conditions"}
        if kept:
            status["conditions"] = kept
    world.cluster.store.put(REPLICA_SETS, {**current, "status": status})
