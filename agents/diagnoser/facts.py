"""Facts that many observations share, under the same names, so that wording and remedies can rely on them."""

from __future__ import annotations

from typing import Any

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.fields import Obj, kind_of, mapping, name_of, namespace_of, text
from agents.diagnoser.snapshot import Snapshot


def container_facts(snapshot: Snapshot, view: ContainerView) -> dict[str, Any]:
    """`workload`, `kind`, `namespace`, `container`, `image`, `pods`, `restarts`, `exit_code`, `reason`, resources."""
    workload = snapshot.top(view.pod)
    resources = mapping(view.spec, "resources")
    facts: dict[str, Any] = {
        "workload": name_of(workload),
        "kind": kind_of(workload),
        "namespace": namespace_of(view.pod),
        "container": view.name,
        "image": view.image,
        "pods": [name_of(view.pod)],
        "memory_limit": text(resources, "limits", "memory"),
        "memory_request": text(resources, "requests", "memory"),
        "cpu_limit": text(resources, "limits", "cpu"),
        "cpu_request": text(resources, "requests", "cpu"),
    }
    if view.restarts:
        facts["restarts"] = view.restarts
    if view.ended:
        facts |= {"exit_code": view.exit_code, "reason": view.end_reason}
    return facts


def workload_facts(workload: Obj) -> dict[str, Any]:
    """`workload`, `kind` and `namespace` of a workload, for faults that are about no single container."""
    return {"workload": name_of(workload), "kind": kind_of(workload), "namespace": namespace_of(workload)}
