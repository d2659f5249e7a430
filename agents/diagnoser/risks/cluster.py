"""Risks of the cluster itself: DNS in one place, certificates that end, deprecated APIs, fullness."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

from agents.diagnoser.fields import (
    Obj,
    condition,
    items,
    kind_of,
    labels,
    mapping,
    moment,
    name_of,
    namespace_of,
    resource_name,
    resource_of,
    text,
)
from agents.diagnoser.fitting import requests_of
from agents.diagnoser.quantities import amount_or_zero, memory_text
from agents.diagnoser.risks.check import Result, Seen, result
from agents.diagnoser.risks.removed_apis import removed_in
from agents.diagnoser.snapshot import Snapshot, is_ready

CERTIFICATE_DAYS = 30
NEAR_LIMIT = 0.85
"""Share of its memory limit from which a container counts as near it."""
NODE_NEAR = 0.90
"""Share of what a node can allocate, requested or used, from which it counts as nearly full."""
ZONE = "topology.kubernetes.io/zone"
_DNS = ("kube-dns", "coredns")


def dns_in_one_place(snapshot: Snapshot) -> Result:
    """Cluster DNS on one node or in one zone although there are several: the place goes, and every name with it."""
    pods = [pod for pod in snapshot.active_pods if _is_dns(pod)]
    by_owner: dict[str, list[Obj]] = {}
    for pod in pods:
        by_owner.setdefault(snapshot.top_name(pod), []).append(pod)
    nodes = {name_of(node): node for node in snapshot.kind("Node")}
    zones = {_zone(node) for node in nodes.values()} - {""}

    def seen() -> Iterator[Seen]:
        for name, own in by_owner.items():
            if kind_of(snapshot.top(own[0])) == "DaemonSet":
                continue
            used = {text(pod, "spec", "nodeName") for pod in own} - {""}
            used_zones = {_zone(nodes.get(node, {})) for node in used} - {""}
            if len(nodes) > 1 and len(used) == 1:
                facts = {"pods": len(own), "place": "node", "name": next(iter(used)), "others": len(nodes) - 1}
                yield Seen(name, facts, weight=2)
            elif len(zones) > 1 and len(used_zones) == 1:
                facts = {"pods": len(own), "place": "zone", "name": next(iter(used_zones)), "others": len(zones) - 1}
                yield Seen(name, facts, weight=1)

    return result(len(by_owner), seen())


def expiring_certificate(snapshot: Snapshot) -> Result:
    """TLS Secrets and cert-manager Certificates that end within 30 days. One that has ended is a fault of now."""
    ends: dict[str, datetime] = {}
    for (namespace, name), shape in snapshot.secrets.items():
        if shape.not_after is not None:
            ends[resource_name(namespace, "Secret", name)] = shape.not_after
    for certificate in snapshot.kind("Certificate"):
        secret = resource_name(namespace_of(certificate), "Secret", text(certificate, "spec", "secretName"))
        after = moment(certificate, "status", "notAfter")
        if after is not None and secret not in ends and not _renews(certificate, snapshot.now):
            ends[resource_of(certificate)] = after

    def seen() -> Iterator[Seen]:
        for name, after in ends.items():
            days = (after - snapshot.now).days
            if days <= CERTIFICATE_DAYS:
                yield Seen(name, {"after": f"{after:%Y-%m-%d}", "days": days}, weight=-days)

    return result(len(ends), seen())


def _renews(certificate: Obj, now: datetime) -> bool:
    """A healthy Certificate whose renewal is yet to come needs nobody."""
    renewal = moment(certificate, "status", "renewalTime")
    return text(condition(certificate, "Ready"), "status") == "True" and renewal is not None and renewal > now


def deprecated_api(snapshot: Snapshot) -> Result:
    """Objects that somebody still writes by an API version that is gone in this or one of the next three releases.

    The API server converts on reading, so the version that was written is seen in managedFields, and in what
    `kubectl apply` noted.
    """
    version = minor_version(snapshot)
    examined = 0
    found: dict[str, Seen] = {}
    for obj in snapshot.objects:
        if kind_of(obj) in ("Event", "Pod", "ReplicaSet", "EndpointSlice", "Lease"):
            continue
        examined += 1
        for api, writer in _written_by(obj):
            removed = removed_in(api, kind_of(obj))
            if removed is not None and version is not None and removed <= version + 3:
                facts = {"api": api, "removed": f"1.{removed}", "by": writer}
                found.setdefault(resource_of(obj), Seen(resource_of(obj), facts, weight=version - removed))
    return result(examined, found.values())


def _written_by(obj: Obj) -> Iterator[tuple[str, str]]:
    for entry in items(obj, "metadata", "managedFields"):
        yield text(entry, "apiVersion"), text(entry, "manager")
    applied = labels(obj, "metadata", "annotations").get("kubectl.kubernetes.io/last-applied-configuration", "")
    if applied:
        try:
            yield text(json.loads(applied), "apiVersion"), "kubectl apply"
        except ValueError:
            return  # cut or hand-made: it proves nothing


def minor_version(snapshot: Snapshot) -> int | None:
    """The minor version of the newest kubelet, which the API server's is not older than."""
    found = [re.match(r"v?1\.(\d+)", kubelet_version(node)) for node in snapshot.kind("Node")]
    return max((int(match[1]) for match in found if match), default=None)


def kubelet_version(node: Obj) -> str:
    """Such as `v1.34.1`."""
    return text(node, "status", "nodeInfo", "kubeletVersion")


def near_memory_limit(snapshot: Snapshot) -> Result:
    """Containers that use most of their memory limit: a little more, and they are killed."""
    worst: dict[str, Seen] = {}
    examined = 0
    for view in snapshot.containers:
        used, limit = snapshot.used_by(view), amount_or_zero(mapping(view.spec, "resources", "limits").get("memory"))
        if used is None or not limit:
            continue
        examined += 1
        share = used.memory / limit
        if share >= NEAR_LIMIT:
            name = snapshot.top_name(view.pod)
            if name not in worst or worst[name].weight < share:
                size = {"used": memory_text(used.memory), "limit": memory_text(limit), "percent": round(share * 100)}
                worst[name] = Seen(name, {**size, "pod": f"{name_of(view.pod)}/{view.name}"}, weight=share)
    return result(examined, worst.values())


def node_nearly_full(snapshot: Snapshot) -> Result:
    """Ready nodes whose CPU, memory or pod places are nearly all requested, or whose memory is nearly all used."""
    nodes = [node for node in snapshot.kind("Node") if is_ready(node)]
    pods: dict[str, list[Obj]] = {}
    for pod in snapshot.active_pods:
        pods.setdefault(text(pod, "spec", "nodeName"), []).append(pod)

    def seen() -> Iterator[Seen]:
        for node in nodes:
            shares = _shares(snapshot, node, pods.get(name_of(node), []))
            full = {what: share for what, share in shares.items() if share >= NODE_NEAR}
            if full:
                yield Seen(resource_of(node), {"full": full}, weight=max(full.values()))

    return result(len(nodes), seen())


def _shares(snapshot: Snapshot, node: Obj, pods: list[Obj]) -> dict[str, float]:
    room = {what: amount_or_zero(quantity) for what, quantity in mapping(node, "status", "allocatable").items()}
    asked = [requests_of(pod) for pod in pods]
    taken = {
        "cpu_requests": (sum(a.get("cpu", 0) for a in asked), room.get("cpu", 0)),
        "memory_requests": (sum(a.get("memory", 0) for a in asked), room.get("memory", 0)),
        "pods": (float(len(pods)), room.get("pods", 0)),
    }
    used = snapshot.usage.nodes.get(name_of(node)) if snapshot.usage else None
    if used is not None:
        taken["memory_used"] = (float(used.memory), room.get("memory", 0))
        taken["cpu_used"] = (float(used.cpu), room.get("cpu", 0))
    return {what: part / whole for what, (part, whole) in taken.items() if whole}


def _is_dns(pod: Obj) -> bool:
    having = labels(pod, "metadata", "labels")
    return namespace_of(pod) == "kube-system" and (
        having.get("k8s-app") in _DNS or having.get("app.kubernetes.io/name") in _DNS
    )


def _zone(node: Obj) -> str:
    return labels(node, "metadata", "labels").get(ZONE, "")
