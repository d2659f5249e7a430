"""What all controllers share: the cluster, events, what failed when it was captured, and what people changed since."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.cluster import Cluster
from sandbox.controllers.events import Recorder
from sandbox.objects import Object, controller_of, name_of, namespace_of
from sandbox.resources import PODS, Key
from sandbox.store import Change

DEPLOYMENTS: Key = ("apps", "deployments")
REPLICA_SETS: Key = ("apps", "replicasets")
STATEFUL_SETS: Key = ("apps", "statefulsets")
DAEMON_SETS: Key = ("apps", "daemonsets")
JOBS: Key = ("batch", "jobs")
CLAIMS: Key = ("", "persistentvolumeclaims")
VOLUMES: Key = ("", "persistentvolumes")
CLASSES: Key = ("storage.k8s.io", "storageclasses")
SERVICES: Key = ("", "services")
CONFIG_MAPS: Key = ("", "configmaps")
SECRETS: Key = ("", "secrets")
WORKLOADS = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, JOBS)
_OWNER_KEYS: dict[str, Key] = {
    "Deployment": DEPLOYMENTS,
    "ReplicaSet": REPLICA_SETS,
    "StatefulSet": STATEFUL_SETS,
    "DaemonSet": DAEMON_SETS,
    "Job": JOBS,
}
Ref = tuple[str, str, str]
"""Kind, namespace, name."""


def ref_of(obj: Object) -> Ref:
    return obj["kind"], namespace_of(obj), name_of(obj)


@dataclass
class World:
    cluster: Cluster
    events: Recorder
    touched: dict[Ref, Change] = field(default_factory=dict)
    """The latest change that a client made to the substance of each object."""
    original_templates: dict[Ref, Object] = field(default_factory=dict)
    """Templates of StatefulSets and DaemonSets at capture, in comparable form."""

    def owner(self, obj: Object) -> Object | None:
        """The controlling workload of an object, when it is a kind that is simulated and present."""
        reference = controller_of(obj)
        key = _OWNER_KEYS.get(reference["kind"]) if reference else None
        if reference is None or key is None:
            return None
        found = self.cluster.store.get(key, namespace_of(obj), reference["name"])
        return found if found and found["metadata"].get("uid") == reference.get("uid") else None

    def top_owner(self, obj: Object) -> Object:
        """The workload at the top of the chain of owners; the object itself when nothing owns it."""
        owner = self.owner(obj)
        return self.top_owner(owner) if owner else obj

    def template_of(self, pod: Object) -> Object:
        """The pod template this pod came from; its own spec for a bare pod."""
        owner = self.owner(pod)
        if owner is not None and "template" in owner["spec"]:
            return owner["spec"]["template"]
        return {"spec": {name: value for name, value in pod["spec"].items() if name != "nodeName"}}

    def pods_of(self, workload: Object) -> list[Object]:
        """Pods with this object as controller."""
        return [
            obj
            for key, obj in self.cluster.store.owned_by(workload)
            if key == PODS and (controller_of(obj) or {}).get("uid") == workload["metadata"]["uid"]
        ]
