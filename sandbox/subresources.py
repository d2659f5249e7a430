"""Scale, eviction and service account tokens."""

from __future__ import annotations

from sandbox.access import service_account
from sandbox.admission import Write
from sandbox.cluster import Cluster
from sandbox.errors import ApiError, invalid
from sandbox.objects import Object, dig, is_ready, labels_of, name_of, namespace_of
from sandbox.resources import PODS, Resource
from sandbox.selectors import matches, written

Replicas = int | str


def scale_of(obj: Object) -> Object:
    """The Scale of a workload."""
    copied = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"].get(name) for name in copied},
        "spec": {"replicas": dig(obj, "spec.replicas") or 0},
        "status": {"replicas": dig(obj, "status.replicas") or 0, "selector": written(dig(obj, "spec.selector"))},
    }


def rescale(cluster: Cluster, resource: Resource, obj: Object, scale: Object, write: Write) -> Object:
    """Set the replicas that a Scale asks for; returns the new Scale."""
    replicas = dig(scale, "spec.replicas") or 0
    if not isinstance(replicas, int) or replicas < 0:
        raise invalid(resource, name_of(obj), [f"spec.replicas: Invalid value: {replicas!r}: must be at least 0"])
    version = dig(scale, "metadata.resourceVersion") or obj["metadata"]["resourceVersion"]
    wanted = {
        **obj,
        "spec": {**obj["spec"], "replicas": replicas},
        "metadata": {**obj["metadata"], "resourceVersion": version},
    }
    return scale_of(cluster.lifecycle.update(resource, obj, wanted, write))


def evict(cluster: Cluster, resource: Resource, pod: Object, body: Object, write: Write) -> None:
    """Delete a pod unless a disruption budget forbids it: ApiError 429, as drain expects."""
    budgets = cluster.store.list(("policy", "poddisruptionbudgets"), namespace_of(pod))
    for budget in budgets:
        if matches(dig(budget, "spec.selector"), labels_of(pod)) and is_ready(pod):
            _check_budget(cluster, budget)
    options: Object = body.get("deleteOptions") or {}
    cluster.lifecycle.delete(resource, pod, options, write.dry_run)


def allowed_disruptions(cluster: Cluster, budget: Object) -> tuple[int, int, int]:
    """How many pods may be disrupted now, how many must be healthy, and how many are."""
    pods = [
        pod
        for pod in cluster.store.list(PODS, namespace_of(budget))
        if matches(dig(budget, "spec.selector"), labels_of(pod)) and dig(pod, "status.phase") in ("Pending", "Running")
    ]
    healthy = sum(is_ready(pod) for pod in pods)
    spec: Object = budget["spec"]
    if "minAvailable" in spec:
        needed = absolute(spec["minAvailable"], len(pods), up=True)
    else:
        needed = len(pods) - absolute(spec.get("maxUnavailable", 1), len(pods), up=True)
    return max(0, healthy - needed), needed, healthy


def absolute(value: Replicas, total: int, up: bool) -> int:
    """A number or a percentage of `total`, rounded up or down."""
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        return int(value)
    share = int(value[:-1]) * total
    return -(-share // 100) if up else share // 100


def _check_budget(cluster: Cluster, budget: Object) -> None:
    allowed, needed, healthy = allowed_disruptions(cluster, budget)
    if allowed > 0:
        return
    why = f"The disruption budget {name_of(budget)} needs {needed} healthy pods and has {healthy} currently"
    causes = [{"reason": "DisruptionBudget", "message": why}]
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    raise ApiError(429, "TooManyRequests", message, causes=causes)


def token_request(cluster: Cluster, account: Object, body: Object) -> Object:
    """A TokenRequest with a token of the service account."""
    token = cluster.access.issue(service_account(namespace_of(account), name_of(account)))
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name_of(account), "namespace": namespace_of(account)},
        "spec": body.get("spec") or {},
        # The tokens of a sandbox live as long as it does.
        "status": {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"},
    }
