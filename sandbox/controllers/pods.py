"""Making and removing pods for a workload, with the events that tell of it."""

from __future__ import annotations

from sandbox import times
from sandbox.controllers.causes import inherited_refusal
from sandbox.controllers.world import World
from sandbox.errors import ApiError
from sandbox.lifecycle import CONTROLLERS
from sandbox.objects import Object, clone, dig, is_deleted, is_finished, is_ready, name_of, namespace_of, uid_of


def reference_to(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def living(pods: list[Object]) -> list[Object]:
    """Pods that count as replicas."""
    return [pod for pod in pods if not is_deleted(pod) and not is_finished(pod)]


class Pods:
    """Pods of one workload at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._resource = world.cluster.resource("v1", "pods")

    def create(
        self,
        owner: Object,
        component: str,
        name: str = "",
        labels: dict[str, str] | None = None,
        changes: Object | None = None,
    ) -> bool:
        """Make a pod from the owner's template. False when it is refused; an event says why."""
        template = clone(owner["spec"]["template"])
        meta: Object = template.get("metadata") or {}
        meta["labels"] = {**(meta.get("labels") or {}), **(labels or {})}
        meta["ownerReferences"] = [reference_to(owner)]
        meta.update({"name": name} if name else {"generateName": name_of(owner) + "-"})
        body: Object = {"metadata": meta, "spec": {**template["spec"], **(changes or {})}}
        try:
            refusal = inherited_refusal(self._world, owner)
            if refusal:
                raise ApiError(403, "Forbidden", refusal)
            pod = self._world.cluster.lifecycle.create(self._resource, body, namespace_of(owner), CONTROLLERS)
        except ApiError as error:
            self._world.events.warning(owner, "FailedCreate", f"Error creating: {error.message}", component)
            self._fail(owner, error.message)
            return False
        self._world.events.normal(owner, "SuccessfulCreate", f"Created pod: {name_of(pod)}", component)
        return True

    def delete(self, owner: Object, pod: Object, component: str) -> None:
        self._world.cluster.lifecycle.delete(self._resource, pod, {})
        self._world.events.normal(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", component)

    def _fail(self, owner: Object, message: str) -> None:
        if owner["kind"] != "ReplicaSet":
            return
        key = ("apps", "replicasets")
        current = self._world.cluster.store.get(key, namespace_of(owner), name_of(owner))
        conditions: list[Object] = dig(current, "status.conditions") or []
        if current is None or any(item["type"] == "ReplicaFailure" for item in conditions):
            return
        failure = {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": message,
            "lastTransitionTime": times.stamp(),
        }
        status = {**(current.get("status") or {}), "conditions": [*conditions, failure]}
        self._world.cluster.store.put(key, {**current, "status": status})


def removal_order(pod: Object) -> tuple[bool, bool, str]:
    """Sort key: pods to give up first come first (unscheduled, not ready, young)."""
    young = "".join(chr(0x10FFFF - ord(letter)) for letter in pod["metadata"].get("creationTimestamp", ""))
    return bool(pod["spec"].get("nodeName")), is_ready(pod), young


def counts(pods: list[Object]) -> tuple[int, int]:
    """Replicas and ready replicas."""
    alive = living(pods)
    return len(alive), sum(is_ready(pod) for pod in alive)


def with_counts(status: Object, **numbers: int) -> Object:
    """A status with these counters; zero is left out, as the API leaves it out."""
    kept = {name: value for name, value in status.items() if name not in numbers}
    return {**kept, **{name: value for name, value in numbers.items() if value}}
