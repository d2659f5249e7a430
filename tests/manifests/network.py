"""Who may talk to whom: NetworkPolicies, evaluated. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.manifests.built import Object


@dataclass(frozen=True)
class Peer:
    """A pod by its labels, in a namespace by its labels; or, without either, something outside of the cluster."""

    namespace: str = "kubeteam"
    labels: dict[str, str] = field(default_factory=dict[str, str])
    namespace_labels: dict[str, str] = field(default_factory=dict[str, str])
    outside: bool = False

    @property
    def all_namespace_labels(self) -> dict[str, str]:
        return {"kubernetes.io/metadata.name": self.namespace, **self.namespace_labels}


def member(name: str) -> Peer:
    """A pod of the team."""
    return Peer(labels={"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "kubeteam"})


def allowed(policies: list[Object], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let out where it starts and let in where it ends.

    Pods outside the policies' namespace are not isolated by them.
    """
    return _direction(policies, source, target, "Egress", port, protocol) and _direction(
        policies, target, source, "Ingress", port, protocol
    )


def _direction(policies: list[Object], subject: Peer, other: Peer, kind: str, port: int, protocol: str) -> bool:
    chosen = [
        policy
        for policy in policies
        if not subject.outside
        and policy["metadata"]["namespace"] == subject.namespace
        and kind in policy["spec"]["policyTypes"]
        and _selects(policy["spec"].get("podSelector") or {}, subject.labels)
    ]
    rules = [rule for policy in chosen for rule in policy["spec"].get(kind.lower()) or []]
    peers = "to" if kind == "Egress" else "from"
    home = chosen[0]["metadata"]["namespace"] if chosen else ""
    return not chosen or any(
        _port(rule, port, protocol) and (not rule.get(peers) or any(_peer(p, other, home) for p in rule[peers]))
        for rule in rules
    )


def _port(rule: Object, port: int, protocol: str) -> bool:
    return not rule.get("ports") or any(
        entry.get("port", port) == port and entry.get("protocol", "TCP") == protocol for entry in rule["ports"]
    )


def _peer(selector: Object, other: Peer, home: str) -> bool:
    if other.outside:
        return False
    spaces = selector.get("namespaceSelector")
    in_space = other.namespace == home if spaces is None else _selects(spaces, other.all_namespace_labels)
    return in_space and _selects(selector.get("podSelector") or {}, other.labels)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    holds = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    plain = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return plain and all(
        holds[rule["operator"]](rule["key"], rule.get("values", [])) for rule in selector.get("matchExpressions") or []
    )
