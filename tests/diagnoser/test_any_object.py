"""No analyzer, relation, remedy or wording fails on any object that an API could return."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.diagnoser.engine import diagnose
from agents.diagnoser.snapshot import LogKey, Snapshot
from tests.diagnoser.cluster import NOW, ago, crashed, deployment, event, obj, pending, pod, service, waiting

KINDS = [
    "Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "EndpointSlice",
    "Ingress", "NetworkPolicy", "Node", "Namespace", "PersistentVolumeClaim", "PersistentVolume", "StorageClass",
    "ResourceQuota", "LimitRange", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount",
    "ConfigMap", "Secret", "Event", "HorizontalPodAutoscaler", "PodDisruptionBudget", "APIService", "Gateway",
    "HTTPRoute", "IngressClass", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "PriorityClass",
    "CustomResourceDefinition", "ControllerRevision", "Lease", "VolumeAttachment",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 99999), st.floats(), st.text(max_size=8),
    st.sampled_from(["web", "shop", "True", "Pending", "Local", "1Gi", ago(5), "*/5 * * * *", "CrashLoopBackOff"]),
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


def samples() -> list[dict[str, Any]]:
    """One of everything, in states that analyzers look into."""
    web = deployment(
        container={
            "env": [{"name": "DB", "value": "db:5432"}],
            "ports": [{"containerPort": 8080, "name": "http"}],
            "livenessProbe": {"httpGet": {"path": "/", "port": 9090}},
            "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "99Gi"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        },
        before={"resources": {"limits": {"memory": "2Gi"}}},
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        nodeSelector={"pool": "x"},
    )
    pods = [
        pod(web, crashed(), "a"), pod(web, crashed(137, "OOMKilled"), "b"), pending(web, "0/1 nodes are available"),
        pod(web, waiting("ImagePullBackOff", "not found"), "d"),
        pod(web, waiting("CreateContainerConfigError", 'secret "x" not found'), "e"),
    ]  # fmt: skip
    events = [event(p, "Unhealthy", "Liveness probe failed: connection refused") for p in pods]
    rest = [obj(kind, kind.lower(), spec={"selector": {"app": "web"}}, status={"phase": "Pending"}) for kind in KINDS]
    return [*web, *pods, *events, *rest, service("web", selector={"app": "gone"})]


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, member in inner for path in paths(member, (*before, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


def run(objects: list[dict[str, Any]], log: str = "") -> None:
    keys = [LogKey("shop", f"web-2-{suffix}", "web") for suffix in "abcde"]
    seen = Snapshot(objects, now=NOW, logs=dict.fromkeys(keys, log))
    for language in ("en", "zh"):
        diagnose(seen, "what is wrong with web in shop?", language)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_field_may_be_missing_or_of_another_type(data: st.DataObject):
    objects = samples()
    for _ in range(4):
        chosen = data.draw(st.integers(0, len(objects) - 1))
        path = data.draw(st.sampled_from([p for p in paths(objects[chosen]) if p]))
        objects[chosen] = changed(objects[chosen], path, data.draw(VALUES))
    run(objects)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.fixed_dictionaries(
            {"kind": st.sampled_from(KINDS)}, optional={"metadata": VALUES, "spec": VALUES, "status": VALUES}
        ),
        max_size=8,
    )
)
def test_objects_of_any_shape(objects: list[dict[str, Any]]):
    run(objects)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_logs_of_any_text(log: str):
    run(samples(), log)


def test_an_empty_cluster_is_healthy():
    assert diagnose(Snapshot([], now=NOW)).root_causes == []
