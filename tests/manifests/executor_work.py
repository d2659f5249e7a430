"""One order for every right that the executor's role grants: what is proposed, approved and applied in its test."""

from __future__ import annotations

from typing import Any, NamedTuple

Object = dict[str, Any]
LABELS = {"app": "probe"}
_POD = {
    "metadata": {"labels": LABELS},
    "spec": {"containers": [{"name": "main", "image": "registry.example/probe:1"}]},
}
_JOB = {**_POD, "spec": {**_POD["spec"], "restartPolicy": "Never"}}
_TEMPLATE = {"spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": _POD}}


def manifest(api_version: str, kind: str, name: str = "probe", **fields: Any) -> Object:
    """An object in the demo's namespace."""
    return {
        "apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **fields
    }  # fmt: skip


MADE = [
    manifest("v1", "ConfigMap", data={"a": "1"}),
    manifest("v1", "Service", spec={"selector": LABELS, "ports": [{"port": 80}]}),
    manifest("apps/v1", "Deployment", **_TEMPLATE),
    manifest("apps/v1", "StatefulSet", spec={**_TEMPLATE["spec"], "serviceName": "probe"}),
    manifest("apps/v1", "DaemonSet", spec={"selector": {"matchLabels": LABELS}, "template": _POD}),
    manifest("batch/v1", "CronJob", spec={"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": _JOB}}}),
    manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "probe"}},
    ),
    manifest("policy/v1", "PodDisruptionBudget", spec={"maxUnavailable": 1, "selector": {"matchLabels": LABELS}}),
    manifest(
        "networking.k8s.io/v1",
        "Ingress",
        spec={"defaultBackend": {"service": {"name": "probe", "port": {"number": 80}}}},
    ),
    manifest("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {"matchLabels": LABELS}}),
]
"""Kinds that the executor may create, change and delete."""

FOUND = [
    manifest("v1", "LimitRange", spec={"limits": [{"type": "Container", "default": {"memory": "64Mi"}}]}),
    manifest("v1", "ResourceQuota", spec={"hard": {"configmaps": "100"}}),
    manifest(
        "v1",
        "PersistentVolumeClaim",
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    ),
    manifest("apps/v1", "ReplicaSet", **_TEMPLATE),
    manifest("v1", "ReplicationController", spec={"replicas": 1, "selector": LABELS, "template": _POD}),
    manifest("v1", "Pod", spec=_POD["spec"]),
    manifest("batch/v1", "Job", spec={"template": _JOB}),
]
"""Kinds that it may change or remove, but not make: somebody else made these."""


class Order(NamedTuple):
    """A call of one of its tools."""

    tool: str
    arguments: Object


def _order(tool: str, kind: str, **arguments: Any) -> Order:
    return Order(tool, {"name": "probe", "namespace": "shop", "kind": kind, **arguments})


def _patch(kind: str) -> Order:
    return _order("patch_resource", kind, patch={"metadata": {"annotations": {"probe": "patched"}}})


def _labelled(made: Object) -> Object:
    return {**made, "metadata": {**made["metadata"], "labels": {"probe": "applied"}}}


ORDERS = [
    *(Order("apply_manifest", {"manifest": made}) for made in MADE),
    *(Order("apply_manifest", {"manifest": _labelled(made)}) for made in MADE),
    *(_patch(obj["kind"]) for obj in MADE),
    *(_patch(kind) for kind in ("LimitRange", "ResourceQuota", "PersistentVolumeClaim", "ReplicaSet")),
    *(
        _order("scale_workload", kind, replicas=2)
        for kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
    ),
    _order("set_resources", "Deployment", limits={"memory": "64Mi"}),
    _order("set_image", "StatefulSet", image="registry.example/probe:2"),
    _order("set_env", "CronJob", env={"LEVEL": "debug"}),
    _order("restart_rollout", "DaemonSet"),
    _order("undo_rollout", "Deployment"),
    *(_order("delete_resource", obj["kind"]) for obj in MADE),
    *(_order("delete_resource", kind) for kind in ("Pod", "Job")),
]
"""In this order: each relies on what those before it left."""

OUT_OF_REACH = [
    manifest("v1", "ServiceAccount"),
    manifest("rbac.authorization.k8s.io/v1", "Role", rules=[]),
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "probe"}},
]
"""What it may not make, approved or not."""
