"""metrics.k8s.io: current usage from the scenario's `usage.yaml`."""

from __future__ import annotations

from sandbox import times
from sandbox.objects import Object, dig, labels_of, name_of, namespace_of
from sandbox.resources import NODES, PODS, Resource
from sandbox.scenario import Usage
from sandbox.store import Store


class UsageBook:
    """Usage of nodes and containers at one moment. Pods that came later use what was noted for them."""

    def __init__(self, usage: Usage) -> None:
        self.nodes: dict[str, Object] = dict(usage.get("nodes") or {})
        self.pods: dict[str, dict[str, Object]] = dict(usage.get("pods") or {})

    def of_pod(self, pod: Object) -> dict[str, Object] | None:
        return self.pods.get(f"{namespace_of(pod)}/{name_of(pod)}")

    def note(self, pod: Object, like: Object) -> None:
        """Let a new pod use as much as another one does."""
        found = self.of_pod(like)
        if found is not None:
            self.pods[f"{namespace_of(pod)}/{name_of(pod)}"] = found

    def sample(self, obj: Object) -> Object | None:
        """The PodMetrics or NodeMetrics of an object, None when there are none (a pod that does not run)."""
        now = times.stamp()
        meta: Object = {"name": name_of(obj), "creationTimestamp": now, "labels": labels_of(obj)}
        common: Object = {"apiVersion": "metrics.k8s.io/v1beta1", "metadata": meta, "timestamp": now, "window": "15s"}
        if obj["kind"] == "Node":
            usage = self.nodes.get(name_of(obj))
            return {"kind": "NodeMetrics", **common, "usage": usage} if usage else None
        containers = self.of_pod(obj)
        if not containers or dig(obj, "status.phase") != "Running":
            return None
        meta["namespace"] = namespace_of(obj)
        listed = [{"name": name, "usage": usage} for name, usage in containers.items()]
        return {"kind": "PodMetrics", **common, "containers": listed}


def objects_of(store: Store, resource: Resource, namespace: str | None) -> list[Object]:
    """The objects that a metrics resource measures."""
    return store.list(NODES if resource.plural == "nodes" else PODS, namespace)
