"""Scenario folders written for one test, and a cluster without a server to drive step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox import patches
from sandbox.admission import Write
from sandbox.cluster import Cluster
from sandbox.controllers.loop import Controllers
from sandbox.objects import is_ready, name_of
from sandbox.scenario import load
from sandbox.schema import of_kind

Object = dict[str, Any]
SCENARIO: Object = {
    "title": "A test",
    "captured_at": "2026-11-20T10:00:00Z",
    "cluster": {"name": "test", "version": "v1.34.1"},
    "questions": {"en": "What is wrong?"},
    "expect": {"healthy": False, "root_causes": [{"resource": "shop/Deployment/web", "fault": "oom_killed"}]},
}
CREATED = "2026-11-20T09:00:00Z"


def meta(name: str, **more: Any) -> Object:
    return {"name": name, "uid": f"uid-{name}-{len(more)}", "creationTimestamp": CREATED, **more}


def base() -> list[Object]:
    node: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta("n1"),
        "spec": {},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": meta("shop")}, node]


def deployment(container: Object, good: Object | None = None, **pod_status: Any) -> list[Object]:
    """A Deployment `web` with one pod in the given state, and an older revision with the `good` container."""
    container = {"name": "app", "image": "web:1", **container}

    def template(c: Object, suffix: str | None) -> Object:
        labels = {"app": "web", **({"pod-template-hash": suffix} if suffix else {})}
        return {"metadata": {"labels": labels}, "spec": {"containers": [c]}}

    def owner(kind: str, name: str, uid: str) -> Object:
        return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}

    revision = "deployment.kubernetes.io/revision"
    selector = {"matchLabels": {"app": "web"}}
    replica_sets = [("new", container, 1, "2")]
    if good is not None:
        replica_sets.append(("old", {"name": "app", "image": "web:1", **good}, 0, "1"))
    top = meta("web", namespace="shop", generation=1, annotations={revision: "2"}) | {"uid": "uid-web"}
    objects: list[Object] = [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": top,
            "spec": {"replicas": 1, "selector": selector, "template": template(container, None)},
            "status": {"replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1, "observedGeneration": 1},
        }
    ]  # fmt: skip
    for suffix, spec, replicas, number in replica_sets:
        owners = [owner("Deployment", "web", "uid-web")]
        made = meta(
            f"web-{suffix}", namespace="shop", generation=1, annotations={revision: number}, ownerReferences=owners
        )
        made["uid"] = f"uid-web-{suffix}"
        body = {"replicas": replicas, "selector": selector, "template": template(spec, suffix)}
        objects.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": made, "spec": body})
    owners = [owner("ReplicaSet", "web-new", "uid-web-new")]
    labels = template(container, "new")["metadata"]["labels"]
    pod = meta("web-new-1", namespace="shop", labels=labels, ownerReferences=owners)
    status = {"podIP": "10.244.0.9", "conditions": [{"type": "Ready", "status": "False"}], **pod_status}
    spec = {"nodeName": "n1", "containers": [container]}
    objects.append({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": spec, "status": status})
    return objects


def container_status(state: Object, last: Object | None = None, restarts: int = 5) -> list[Object]:
    status = {"name": "app", "image": "web:1", "ready": False, "restartCount": restarts, "state": state}
    return [{**status, "lastState": last or {}}]


def write(folder: Path, objects: list[Object], scenario: Object | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario or SCENARIO, allow_unicode=True))
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    return folder


class Driven:
    """A cluster whose controllers move only when told to."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(load(folder))
        self.controllers = Controllers(self.cluster)

    def create(self, api_version: str, plural: str, body: Object, namespace: str = "shop") -> None:
        self.cluster.lifecycle.create(self.cluster.resource(api_version, plural), body, namespace, Write())
        self.controllers.settle()

    def patch(self, api_version: str, plural: str, name: str, patch: Object, namespace: str = "shop") -> None:
        resource = self.cluster.resource(api_version, plural)
        old = self.cluster.store.get(resource.key, namespace, name)
        assert old is not None
        schema = of_kind(resource.group, resource.version, resource.kind)
        body = patches.strategic_merge(old, patch, schema)
        self.cluster.lifecycle.update(resource, old, body, Write())
        self.controllers.settle()

    def patch_container(self, **fields: Any) -> None:
        spec = {"containers": [{"name": "app", **fields}]}
        self.patch("apps/v1", "deployments", "web", {"spec": {"template": {"spec": spec}}})

    def delete(self, api_version: str, plural: str, name: str, namespace: str = "shop") -> None:
        resource = self.cluster.resource(api_version, plural)
        old = self.cluster.store.get(resource.key, namespace, name)
        assert old is not None
        self.cluster.lifecycle.delete(resource, old, {})
        self.controllers.settle()

    def pods(self) -> dict[str, bool]:
        """Pod names and whether they are ready."""
        return {name_of(pod): is_ready(pod) for pod in self.cluster.store.list(("", "pods"), "shop")}

    def reasons(self) -> set[str]:
        """Waiting reasons of all containers."""
        return {
            status["state"]["waiting"]["reason"]
            for pod in self.cluster.store.list(("", "pods"), "shop")
            for status in pod["status"].get("containerStatuses") or []
            if "waiting" in status["state"]
        }

    def everything(self) -> dict[tuple[str, ...], Object]:
        return {
            (*key, obj["metadata"].get("namespace", ""), name_of(obj)): obj
            for key in self.cluster.store.resources()
            for obj in self.cluster.store.list(key)
            if obj["kind"] != "Event"
        }
