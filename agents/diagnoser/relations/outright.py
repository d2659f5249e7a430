"""Causes that explain certain other causes outright: what they affect fails in a way that looks like its own fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

_PENDING = frozenset(
    {
        "pending_insufficient_resources",
        "pending_node_selector",
        "pending_taint",
        "pending_pod_affinity",
        "pv_node_affinity",
        "volume_multi_attach",
        "pvc_unbound",
    }
)
_IMPATIENT = frozenset(
    {
        "probe_liveness_too_aggressive",
        "readiness_failing",
        "crash_dependency",
        "crash_app_error",
        "rollout_stuck",
        "dns_name_unresolvable",
    }
)
_MISSING = frozenset(
    {
        "secret_missing",
        "secret_key_missing",
        "configmap_missing",
        "configmap_key_missing",
        "ingress_tls_missing",
        "gateway_route_broken",
        "crash_cert_expired",
        "volume_mount_failed",
        "custom_resource_rejected",
    }
)
EVERYTHING = frozenset({"*"})

OUTRIGHT: dict[str, frozenset[str]] = {
    "node_not_ready": _PENDING | {"pdb_blocks_eviction", "volume_mount_failed", "rollout_stuck"},
    "node_pressure": _PENDING,
    "node_pod_limit": _PENDING | {"volume_mount_failed"},
    "priority_preempted": frozenset({"pending_insufficient_resources"}),
    "hpa_at_max": frozenset({"cpu_throttled"}),
    "cpu_throttled": _IMPATIENT,
    "custom_resource_rejected": _MISSING,
    "admission_mutated_badly": EVERYTHING,
    "admission_webhook_failing": frozenset({"rollout_stuck", "readiness_failing"}),
    "apiservice_unavailable": frozenset({"finalizer_stuck", "hpa_metrics_unavailable"}),
    "finalizer_stuck": frozenset({"finalizer_stuck"}),
}
"""Fault of a cause to the faults of the objects in its `affects` that it explains, even those that look like causes."""


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """Edges by the table."""
    by_resource: dict[str, list[Observation]] = defaultdict(list)
    for seen in observations:
        by_resource[seen.resource].append(seen)
    for cause in observations:
        explained = OUTRIGHT.get(cause.fault, frozenset())
        for name in cause.affects if explained else ():
            for effect in by_resource[name]:
                if effect is not cause and (effect.fault in explained or explained is EVERYTHING):
                    yield Edge(cause, effect)
