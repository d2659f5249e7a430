"""NetworkPolicies under which calls that fail at present cannot get through, on the way out or in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agents.diagnoser.changed import changed_at
from agents.diagnoser.complaints import Complaint
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import (
    Obj,
    created,
    flag,
    items,
    kind_of,
    labels,
    mapping,
    name_of,
    namespace_of,
    number,
    resource_of,
    text,
)  # fmt: skip
from agents.diagnoser.hosts import Target, is_address
from agents.diagnoser.observation import Observation
from agents.diagnoser.policies import (
    egress_allowed,
    ingress_allowed,
    nearly_allows,
    outside,
    shown_egress,
    shown_ingress,
)
from agents.diagnoser.reach import addresses_by_hand
from agents.diagnoser.snapshot import Snapshot, is_ready

DNS = 53


@dataclass(frozen=True)
class Flow:
    """Packets that a complaint is about: from a pod to another pod, or to an address outside."""

    source: Obj
    target: Obj
    port: int
    protocol: str
    shown: str


def observe(snapshot: Snapshot, complaints: Iterable[Complaint]) -> Iterator[Observation]:
    """One observation per complaint whose packets no policy lets through."""
    for complaint in complaints:
        if not complaint.silent or flag(complaint.view.pod, "spec", "hostNetwork"):
            continue
        flows = list(_dns_flows(snapshot, complaint) if complaint.failure == "name" else _flows(snapshot, complaint))
        if not flows:
            continue
        source = complaint.view.pod
        leaving = snapshot.policies_for(source, "Egress")
        if leaving and not any(
            egress_allowed(snapshot, p, f.target, f.port, f.protocol) for p in leaving for f in flows
        ):
            yield _blocked(snapshot, complaint, flows[0], leaving, "Egress")
            continue
        if all(_is_kept_out(snapshot, flow) for flow in flows):
            entering = snapshot.policies_for(flows[0].target, "Ingress")
            yield _blocked(snapshot, complaint, flows[0], entering, "Ingress")


def _is_kept_out(snapshot: Snapshot, flow: Flow) -> bool:
    if kind_of(flow.target) != "Pod":
        return False
    policies = snapshot.policies_for(flow.target, "Ingress")
    return bool(policies) and not any(
        ingress_allowed(snapshot, p, flow.source, flow.target, flow.port, flow.protocol) for p in policies
    )


def _dns_flows(snapshot: Snapshot, complaint: Complaint) -> Iterator[Flow]:
    """Questions to the cluster's DNS; a stand-in where its pods cannot be seen."""
    pods = [
        p
        for p in snapshot.in_namespace("Pod", "kube-system")
        if labels(p, "metadata", "labels").get("k8s-app") == "kube-dns"
    ]
    about: Obj = {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    for pod in pods or [{"kind": "DnsPod", "metadata": about}]:
        yield Flow(complaint.view.pod, pod, DNS, "UDP", "DNS (UDP/TCP 53 to kube-system/kube-dns)")


def _flows(snapshot: Snapshot, complaint: Complaint) -> Iterator[Flow]:
    target = complaint.target
    if target is None:
        return
    if target.meaning == "external":
        if target.port:
            shown = f"TCP {target.port} to {target.host}"
            address = target.host if is_address(target.host) else ""
            yield Flow(complaint.view.pod, outside(address), target.port, "TCP", shown)
    elif target.obj is not None and target.meaning == "pod":
        yield from _to_pod(complaint, target.obj, target.port, "TCP", name_of(target.obj))
    elif target.obj is not None:
        yield from _to_service(snapshot, complaint, target, target.obj)


def _to_service(snapshot: Snapshot, complaint: Complaint, target: Target, service: Obj) -> Iterator[Flow]:
    ports = items(service, "spec", "ports")
    asked = [p for p in ports if p.get("port") == target.port] or (ports if not target.port else [])
    pods = [p for p in snapshot.pods_selected(service) if is_ready(p)] or snapshot.pods_selected(service)
    if not labels(service, "spec", "selector"):
        yield from _by_hand(snapshot, complaint, service)
    for pod in pods:
        for port in asked:
            wanted = port.get("targetPort", port.get("port"))
            protocol = text(port, "protocol") or "TCP"
            where = f"Service {name_of(service)} port {number(port, 'port')}"
            yield from _to_pod(complaint, pod, _number_of(pod, wanted), protocol, where)


def _by_hand(snapshot: Snapshot, complaint: Complaint, service: Obj) -> Iterator[Flow]:
    """Addresses that somebody wrote into the EndpointSlice of a Service without selector."""
    for address, port in addresses_by_hand(snapshot, service):
        yield Flow(
            complaint.view.pod, outside(address), port, "TCP", f"TCP {port} to {address} (Service {name_of(service)})"
        )


def _to_pod(complaint: Complaint, pod: Obj, port: int, protocol: str, where: str) -> Iterator[Flow]:
    if port and resource_of(pod) != resource_of(complaint.view.pod):
        yield Flow(complaint.view.pod, pod, port, protocol, f"{protocol} {port} of {where}")


def _number_of(pod: Obj, wanted: object) -> int:
    """The container port that a targetPort means in this pod, 0 when it means none."""
    if isinstance(wanted, int):
        return wanted
    declared = [p for c in items(pod, "spec", "containers") for p in items(c, "ports")]
    return next((number(p, "containerPort") for p in declared if text(p, "name") == wanted), 0)


def _blamed(snapshot: Snapshot, policies: list[Obj], near: Callable[[Obj], str]) -> Obj:
    """The policy whose rule was meant for such traffic; else one that denies everything; else the last that changed."""

    def rank(policy: Obj) -> tuple[int, datetime, str]:
        rules = items(policy, "spec", "egress") + items(policy, "spec", "ingress")
        specific = bool(mapping(policy, "spec", "podSelector"))
        meant = near(policy)
        weight = (4 if specific else 3) if meant == "port" else 3 if meant and specific else 2 if not rules else 1
        at = changed_at(snapshot, policy) or created(policy) or datetime.min.replace(tzinfo=UTC)
        return weight, at, name_of(policy)

    return max(policies, key=rank)


def _blocked(snapshot: Snapshot, complaint: Complaint, flow: Flow, policies: list[Obj], direction: str) -> Observation:
    side, other = ("to", flow.target) if direction == "Egress" else ("from", flow.source)
    owner = None if direction == "Egress" else flow.target

    def near(policy: Obj) -> str:
        return nearly_allows(snapshot, policy, side, other, flow.port, flow.protocol, owner)

    policy = _blamed(snapshot, policies, near)
    allows = (shown_egress(policy) if direction == "Egress" else shown_ingress(policy)) or ["nothing"]
    target = resource_of(complaint.target.obj) if complaint.target and complaint.target.obj else ""
    facts = _facts(snapshot, complaint, flow, policy, policies, allows)
    return Observation(
        resource=resource_of(policy),
        fault=f"network_policy_blocks_{direction.lower()}",
        facts=facts,
        evidence=(
            from_object(snapshot, policy, f"{direction.lower()} allows {'; '.join(allows)}; not {flow.shown}"),
            from_log(snapshot, complaint.view, complaint.line),
        ),
        since=changed_at(snapshot, policy) or created(policy),
        affects=tuple(name for name in (snapshot.top_name(flow.source), target) if name),
        confidence=0.95,
    )


def _facts(
    snapshot: Snapshot, complaint: Complaint, flow: Flow, policy: Obj, policies: list[Obj], allows: list[str]
) -> dict[str, Any]:
    pod = flow.target if kind_of(flow.target) == "Pod" else None
    return {
        "policy": name_of(policy),
        "namespace": namespace_of(policy),
        "workload": name_of(snapshot.top(flow.source)),
        "workload_namespace": namespace_of(flow.source),
        "target": name_of(snapshot.top(pod)) if pod else "",
        "target_pod": resource_of(pod) if pod else "",
        "address": "" if pod else text(flow.target, "status", "podIP"),
        "pod_selector": _shown_selector(policy),
        "allows": allows,
        "caller_labels": _pairs(flow.source),
        "host": complaint.target.host if complaint.target else "",
        "message": complaint.line,
        "blocked": flow.shown,
        "port": flow.port,
        "protocol": flow.protocol,
        "note": next((v for k, v in labels(policy, "metadata", "annotations").items() if "last-applied" not in k), ""),
        "policies": [name_of(p) for p in policies],
    }


def _shown_selector(policy: Obj) -> list[str]:
    selector = mapping(policy, "spec", "podSelector")
    told = [f"{k}={v}" for k, v in labels(selector, "matchLabels").items()]
    told += [f"{text(e, 'key')} {text(e, 'operator')}" for e in items(selector, "matchExpressions")]
    return told or ["(all pods)"]


def _pairs(pod: Obj) -> list[str]:
    own = labels(pod, "metadata", "labels").items()
    return [f"{k}={v}" for k, v in own if k not in ("pod-template-hash", "controller-revision-hash")]
