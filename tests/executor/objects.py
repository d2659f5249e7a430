"""Objects that the executor's tests change."""

from __future__ import annotations

from typing import Any

from agents.executor.action import Object


def deployment(name: str = "web", replicas: int = 3, **container: Any) -> Object:
    app = {
        "name": "app",
        "image": "registry.example:5000/team/web:v1",
        "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}},
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "DB_PASSWORD", "value": "hunter2"},
            {"name": "API_URL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "url"}}},
        ],
        **container,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [app]}},
        },
        "status": {
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "observedGeneration": 2,
        },
    }


def replica_set(name: str, revision: int, image: str, owner: str = "web") -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Deployment", "name": owner, "uid": f"uid-{owner}", "controller": True}],
        },
        "spec": {
            "template": {
                "metadata": {"labels": {"app": owner, "pod-template-hash": name}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            }
        },
    }


def pod(name: str, app: str = "web", node: str = "node-2", *, owner: str | None = "ReplicaSet", **spec: Any) -> Object:
    owners = [{"kind": owner, "name": f"{app}-rs", "uid": "uid-rs", "controller": True}] if owner else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}, "ownerReferences": owners},
        "spec": {"nodeName": node, "containers": [{"name": "app"}], **spec},
        "status": {"phase": "Running"},
    }


def node(name: str = "node-2", **spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


def service(name: str = "web", app: str = "web") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "10.0.0.7", "selector": {"app": app}, "ports": [{"port": 80}]},
    }


def budget(name: str = "web", app: str = "web", allowed: int = 1) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": app}}},
        "status": {"disruptionsAllowed": allowed},
    }
