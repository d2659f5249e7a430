"""NetworkPolicies as a network plugin reads them: is this traffic allowed by this policy?"""

from __future__ import annotations

import ipaddress

from agents.diagnoser.fields import (
    Obj,
    dig,
    items,
    labels,
    mapping,
    matches_selector,
    namespace_of,
    number,
    strings,
    text,
)
from agents.diagnoser.snapshot import Snapshot


def egress_allowed(snapshot: Snapshot, policy: Obj, pod: Obj, port: int, protocol: str = "TCP") -> bool:
    """Whether a policy lets the pods that it selects reach a pod's port."""
    return any(
        _rule_allows(snapshot, policy, rule, "to", pod, port, protocol) for rule in items(policy, "spec", "egress")
    )


def ingress_allowed(
    snapshot: Snapshot, policy: Obj, source: Obj, target: Obj, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a policy lets a pod reach a port of `target`, one of the pods that it selects."""
    return any(
        _rule_allows(snapshot, policy, rule, "from", source, port, protocol, owner=target)
        for rule in items(policy, "spec", "ingress")
    )


def outside(address: str) -> Obj:
    """A stand-in for something outside the cluster: only ipBlocks and rules without peers speak of it.

    Where only a name is known the address is empty, and any ipBlock may be meant for it.
    """
    return {"kind": "Outside", "status": {"podIP": address}}


def nearly_allows(
    snapshot: Snapshot, policy: Obj, side: str, other: Obj, port: int, protocol: str, owner: Obj | None = None
) -> str:
    """What keeps the rule that was probably meant for this traffic from allowing it: `port`, `peer`, or nothing."""
    rules = items(policy, "spec", "egress" if side == "to" else "ingress")
    served = owner if owner is not None else other
    for rule in rules:
        peers, ports = items(rule, side), items(rule, "ports")
        if (ports and not peers) or any(_is_peer(snapshot, policy, peer, other) for peer in peers):
            return "port"
    for rule in rules:
        ports = items(rule, "ports")
        if ports and any(_covers(entry, served, port, protocol) for entry in ports):
            return "peer"
    return "peer" if rules and not any(items(rule, "ports") for rule in rules) else ""


def _rule_allows(
    snapshot: Snapshot, policy: Obj, rule: Obj, side: str, pod: Obj, port: int, protocol: str, owner: Obj | None = None
) -> bool:
    peers, ports = items(rule, side), items(rule, "ports")
    served = owner if owner is not None else pod
    return (not peers or any(_is_peer(snapshot, policy, peer, pod) for peer in peers)) and (
        not ports or any(_covers(entry, served, port, protocol) for entry in ports)
    )


def _is_peer(snapshot: Snapshot, policy: Obj, peer: Obj, pod: Obj) -> bool:
    block = mapping(peer, "ipBlock")
    if not block and pod.get("kind") == "Outside":
        return False
    if block and pod.get("kind") == "Outside" and not text(pod, "status", "podIP"):
        return True
    if block:
        return _in_block(text(pod, "status", "podIP"), text(block, "cidr"), strings(block, "except"))
    if dig(peer, "namespaceSelector") is not None:
        namespace = snapshot.get("Namespace", "", namespace_of(pod))
        having = labels(namespace, "metadata", "labels") or {"kubernetes.io/metadata.name": namespace_of(pod)}
        if not matches_selector(peer["namespaceSelector"], having):
            return False
    elif namespace_of(pod) != namespace_of(policy):
        return False
    selector = dig(peer, "podSelector")
    return selector is None or matches_selector(selector, labels(pod, "metadata", "labels"))


def _in_block(address: str, cidr: str, excepted: list[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
        return ip in ipaddress.ip_network(cidr, strict=False) and not any(
            ip in ipaddress.ip_network(part, strict=False) for part in excepted
        )
    except (ValueError, TypeError):
        return False


def _covers(entry: Obj, pod: Obj, port: int, protocol: str) -> bool:
    if (text(entry, "protocol") or "TCP") != protocol:
        return False
    named = entry.get("port")
    if named is None:
        return True
    if isinstance(named, str) and not named.isdigit():
        declared = (p for c in items(pod, "spec", "containers") for p in items(c, "ports"))
        return any(text(p, "name") == named and number(p, "containerPort") == port for p in declared)
    first = number(entry, "port")
    return first <= port <= (number(entry, "endPort") or first)


def shown_egress(policy: Obj) -> list[str]:
    """The egress rules in short: `TCP 5432 to app=db`."""
    return [_shown(rule, "to") for rule in items(policy, "spec", "egress")]


def shown_ingress(policy: Obj) -> list[str]:
    """The ingress rules in short: `TCP 8080 from app=web`."""
    return [_shown(rule, "from") for rule in items(policy, "spec", "ingress")]


def _shown(rule: Obj, side: str) -> str:
    ports = [f"{text(p, 'protocol') or 'TCP'} {text(p, 'port') or 'any port'}" for p in items(rule, "ports")]
    peers: list[str] = []
    for peer in items(rule, side):
        told = [f"{k}={v}" for k, v in labels(peer, "podSelector", "matchLabels").items()]
        told += [f"namespace {k}={v}" for k, v in labels(peer, "namespaceSelector", "matchLabels").items()]
        told += [
            f"{text(e, 'key')} {text(e, 'operator')} {','.join(strings(e, 'values'))}".strip()
            for which in ("podSelector", "namespaceSelector")
            for e in items(peer, which, "matchExpressions")
        ]
        peers.append(" ".join(told) or _shown_block(peer) or "all pods")
    return f"{', '.join(ports) or 'all ports'} {side} {' | '.join(peers) or 'anywhere'}"


def _shown_block(peer: Obj) -> str:
    cidr, excepted = text(peer, "ipBlock", "cidr"), strings(peer, "ipBlock", "except")
    return f"{cidr} except {', '.join(excepted)}" if excepted else cidr
