"""Deployments roll their ReplicaSets, by the arithmetic of the real controller (deployment/rolling.go)."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import times
from sandbox.controllers.failures import REVISION
from sandbox.controllers.pods import counts, living, reference_to, with_counts
from sandbox.controllers.world import DEPLOYMENTS, REPLICA_SETS, World
from sandbox.defaults import HASH_LABEL, comparable, template_hash
from sandbox.lifecycle import CONTROLLERS
from sandbox.objects import Object, annotations_of, clone, condition, is_ready, name_of, namespace_of
from sandbox.subresources import absolute

COMPONENT = "deployment-controller"


@dataclass(frozen=True)
class _Bounds:
    wanted: int
    surge: int
    unavailable: int


def reconcile(world: World, deployment: Object) -> None:
    _Rollout(world, deployment).step()


def revision_of(obj: Object) -> int:
    written = annotations_of(obj).get(REVISION, "0")
    return int(written) if written.isdigit() else 0


class _Rollout:
    def __init__(self, world: World, deployment: Object) -> None:
        self._world = world
        self._store = world.cluster.store
        self._deployment = deployment
        self._moved = False

    def step(self) -> None:
        sets = [obj for key, obj in self._store.owned_by(self._deployment) if key == REPLICA_SETS]
        current = self._current(sets)
        spec = self._deployment["spec"]
        if spec.get("paused") and current is None:
            self._scale_all(sets)
        elif current is not None or not spec.get("paused"):
            current = self._promote(current or self._create(sets), sets)
            self._roll(current, [s for s in sets if name_of(s) != name_of(current)], bool(spec.get("paused")))
        self._write_status(current)

    # The ReplicaSet of the present template

    def _current(self, sets: list[Object]) -> Object | None:
        wanted = comparable(self._deployment["spec"]["template"])
        same = [item for item in sets if comparable(item["spec"]["template"]) == wanted]
        return max(same, key=revision_of, default=None)

    def _create(self, sets: list[Object]) -> Object:
        spec = self._deployment["spec"]
        suffix = template_hash(spec["template"])
        template = clone(spec["template"])
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels[HASH_LABEL] = suffix
        selector = clone(spec.get("selector") or {})
        selector.setdefault("matchLabels", {})[HASH_LABEL] = suffix
        copied = {
            k: v
            for k, v in annotations_of(self._deployment).items()
            if k != "kubectl.kubernetes.io/last-applied-configuration"
        }
        body = {
            "metadata": {
                "name": f"{name_of(self._deployment)}-{suffix}",
                "labels": dict(labels),
                "annotations": {**copied, REVISION: str(max(map(revision_of, sets), default=0) + 1)},
                "ownerReferences": [reference_to(self._deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        resource = self._world.cluster.resource("apps/v1", "replicasets")
        self._moved = True
        return self._world.cluster.lifecycle.create(resource, body, namespace_of(self._deployment), CONTROLLERS)

    def _promote(self, current: Object, sets: list[Object]) -> Object:
        """Give the present ReplicaSet the highest revision, and the Deployment the same."""
        highest = max((revision_of(item) for item in sets), default=0)
        if revision_of(current) < highest:
            current = self._annotated(REPLICA_SETS, current, highest + 1)
            self._moved = True
        if revision_of(self._deployment) != revision_of(current) and revision_of(current):
            self._deployment = self._annotated(DEPLOYMENTS, self._deployment, revision_of(current))
        return current

    def _annotated(self, key: tuple[str, str], obj: Object, revision: int) -> Object:
        meta = {**obj["metadata"], "annotations": {**annotations_of(obj), REVISION: str(revision)}}
        return self._store.put(key, {**obj, "metadata": meta})

    # Arithmetic

    def _bounds(self) -> _Bounds:
        spec = self._deployment["spec"]
        wanted = spec.get("replicas", 1)
        strategy: Object = spec.get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return _Bounds(wanted, 0, 0)
        rolling: Object = strategy.get("rollingUpdate") or {}
        surge = absolute(rolling.get("maxSurge", "25%"), wanted, up=True)
        unavailable = absolute(rolling.get("maxUnavailable", "25%"), wanted, up=False)
        return _Bounds(wanted, surge, max(unavailable, 0 if surge else 1))

    def _roll(self, current: Object, old: list[Object], paused: bool) -> None:
        bounds = self._bounds()
        active = [item for item in old if item["spec"].get("replicas", 0)]
        if paused and active:
            return
        recreate = (self._deployment["spec"].get("strategy") or {}).get("type") == "Recreate"
        remaining = sum(item["spec"].get("replicas", 0) for item in old)
        if recreate:
            for item in active:
                self._scale(item, 0)
            if any(living(self._world.pods_of(item)) for item in old):
                return
            self._scale(current, bounds.wanted)
            return
        room = bounds.wanted + bounds.surge - remaining
        present = current["spec"].get("replicas", 0)
        if present > bounds.wanted:
            current = self._scale(current, bounds.wanted)
        elif min(bounds.wanted, room) > present:
            current = self._scale(current, min(bounds.wanted, room))
        self._scale_down(current, active, bounds)

    def _scale_down(self, current: Object, old: list[Object], bounds: _Bounds) -> None:
        ready = {name_of(item): counts(self._world.pods_of(item))[1] for item in [current, *old]}
        present = current["spec"].get("replicas", 0)
        total = present + sum(item["spec"].get("replicas", 0) for item in old)
        minimum = bounds.wanted - bounds.unavailable
        spare = total - minimum - (present - ready[name_of(current)])
        order = sorted(old, key=lambda item: item["metadata"].get("creationTimestamp", ""))
        kept: dict[str, int] = {name_of(item): item["spec"].get("replicas", 0) for item in order}
        for item in order:  # what is not ready goes first: nobody misses it
            unwell = min(max(spare, 0), kept[name_of(item)] - ready[name_of(item)])
            kept[name_of(item)] -= max(unwell, 0)
            spare -= max(unwell, 0)
        surplus = min(sum(ready.values()) - minimum, spare)
        for item in order:
            fewer = min(max(surplus, 0), kept[name_of(item)])
            kept[name_of(item)] -= fewer
            surplus -= fewer
        for item in order:
            self._scale(item, kept[name_of(item)])

    def _scale_all(self, sets: list[Object]) -> None:
        """A paused deployment scales what it has."""
        active = [item for item in sets if item["spec"].get("replicas", 0)] or sets[-1:]
        if len(active) == 1:
            self._scale(active[0], self._deployment["spec"].get("replicas", 1))

    def _scale(self, replica_set: Object, replicas: int) -> Object:
        before = replica_set["spec"].get("replicas", 0)
        if before == replicas:
            return replica_set
        self._moved = True
        way = "up" if replicas > before else "down"
        message = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {replicas}"
        self._world.events.normal(self._deployment, "ScalingReplicaSet", message, COMPONENT)
        meta = {**replica_set["metadata"], "generation": replica_set["metadata"].get("generation", 1) + 1}
        spec = {**replica_set["spec"], "replicas": replicas}
        return self._store.put(REPLICA_SETS, {**replica_set, "metadata": meta, "spec": spec})

    # Status

    def _write_status(self, current: Object | None) -> None:
        deployment = self._store.get(DEPLOYMENTS, namespace_of(self._deployment), name_of(self._deployment))
        if deployment is None:
            return
        sets = [obj for key, obj in self._store.owned_by(deployment) if key == REPLICA_SETS]
        pods = [pod for item in sets for pod in living(self._world.pods_of(item))]
        ready = sum(is_ready(pod) for pod in pods)
        updated = len(living(self._world.pods_of(current))) if current else 0
        bounds = self._bounds()
        status = with_counts(
            deployment.get("status") or {},
            replicas=len(pods),
            updatedReplicas=updated,
            readyReplicas=ready,
            availableReplicas=ready,
            unavailableReplicas=max(0, max(bounds.wanted, len(pods)) - ready),
        )
        status["observedGeneration"] = deployment["metadata"].get("generation", 1)
        status["conditions"] = self._conditions(deployment, current, pods, bounds)
        self._store.put(DEPLOYMENTS, {**deployment, "status": status})

    def _conditions(
        self, deployment: Object, current: Object | None, pods: list[Object], bounds: _Bounds
    ) -> list[Object]:
        ready = sum(is_ready(pod) for pod in pods)
        if ready >= bounds.wanted - bounds.unavailable:
            available = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        else:
            available = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        wanted: dict[str, tuple[str, str, str]] = {"Available": available}
        new_ready = counts(self._world.pods_of(current))[1] if current else 0
        if current is not None:
            subject = f'ReplicaSet "{name_of(current)}"'
            if new_ready == bounds.wanted and len(pods) == bounds.wanted:
                wanted["Progressing"] = ("True", "NewReplicaSetAvailable", f"{subject} has successfully progressed.")
            elif self._moved:
                wanted["Progressing"] = ("True", "ReplicaSetUpdated", f"{subject} is progressing.")
        kept = [
            item
            for item in (deployment.get("status") or {}).get("conditions") or []
            if item["type"] not in wanted and not (item["type"] == "ReplicaFailure" and len(pods) >= bounds.wanted)
        ]
        return [*(_turned(condition(deployment, kind), kind, *state) for kind, state in wanted.items()), *kept]


def _turned(present: Object | None, kind: str, status: str, reason: str, message: str) -> Object:
    """A condition in its new state; unchanged, times and all, when it says the same already."""
    if present is not None and (present.get("status"), present.get("reason")) == (status, reason):
        return present
    now = times.stamp()
    since = present["lastTransitionTime"] if present is not None and present.get("status") == status else now
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
    }
