"""Gateway API: routes that are not accepted or lead nowhere, and Gateways whose listeners do not work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agents.diagnoser.analyzers.ingresses import issuers_of, secret_problem
from agents.diagnoser.changed import changed_at
from agents.diagnoser.evidence import from_object
from agents.diagnoser.fields import (
    Obj,
    created,
    dig,
    items,
    kind_of,
    labels,
    matches_selector,
    moment,
    name_of,
    namespace_of,
    number,
    resource_name,
    resource_of,
    strings,
    text,
)  # fmt: skip
from agents.diagnoser.observation import Observation, Role
from agents.diagnoser.snapshot import Snapshot

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_WANTED = ("Accepted", "ResolvedRefs", "Programmed")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per Gateway or route with something wrong: what its status says, else what its spec shows."""
    for gateway in snapshot.kind("Gateway"):
        yield from _gateway(snapshot, gateway)
    for kind in ROUTES:
        for route in snapshot.kind(kind):
            yield from _route(snapshot, route)


def _failing(status: Any, generation: int) -> Iterator[Obj]:
    """Conditions that are False for the present generation; `Conflicted` the other way round."""
    for condition in items(status, "conditions"):
        seen = number(condition, "observedGeneration")
        bad = "True" if text(condition, "type") == "Conflicted" else "False"
        known = text(condition, "type") in (*_WANTED, "Conflicted")
        if known and text(condition, "status") == bad and (not seen or not generation or seen >= generation):
            yield condition


def _told(condition: Obj, where: str = "") -> str:
    message = text(condition, "message")
    words = f"{text(condition, 'type')}={text(condition, 'status')} ({text(condition, 'reason')})"
    return f"{where}{words}{': ' + message if message else ''}"


def _gateway(snapshot: Snapshot, gateway: Obj) -> Iterator[Observation]:
    generation = number(gateway, "metadata", "generation")
    wrong: list[str] = []
    failing = list(_failing(gateway.get("status"), generation))
    told = [_told(c) for c in failing]
    for listener in items(gateway, "status", "listeners"):
        more = list(_failing(listener, generation))
        failing += more
        told += [_told(c, f"listener {text(listener, 'name')}: ") for c in more]
    class_name = text(gateway, "spec", "gatewayClassName")
    makers: list[str] = []
    if snapshot.can_see("GatewayClass") and class_name and snapshot.get("GatewayClass", "", class_name) is None:
        wrong.append(f"GatewayClass {class_name} does not exist")
    for listener in items(gateway, "spec", "listeners"):
        for reference in items(listener, "tls", "certificateRefs"):
            namespace = text(reference, "namespace") or namespace_of(gateway)
            problem = secret_problem(snapshot, namespace, text(reference, "name"))
            if problem:
                wrong.append(f"listener {text(listener, 'name')}: {problem}")
                makers += [resource_of(m) for m in issuers_of(snapshot, namespace, text(reference, "name"))]
    if wrong or told:
        routes = [
            resource_of(r) for kind in ROUTES for r in snapshot.kind(kind) if resource_of(gateway) in parents_of(r)
        ]
        role: Role = "symptom" if makers else "cause"
        yield _broken(snapshot, gateway, [*wrong, *told], failing, role, tuple(routes), tuple(makers))


def parents_of(route: Obj) -> list[str]:
    """The Gateways that a route wants to attach to."""
    return [
        resource_name(text(p, "namespace") or namespace_of(route), "Gateway", text(p, "name"))
        for p in items(route, "spec", "parentRefs")
        if (text(p, "kind") or "Gateway") == "Gateway"
    ]


def _route(snapshot: Snapshot, route: Obj) -> Iterator[Observation]:
    generation = number(route, "metadata", "generation")
    failing = [c for parent in items(route, "status", "parents") for c in _failing(parent, generation)]
    told = list(dict.fromkeys(_told(c) for c in failing))
    wrong = [*_unattached(snapshot, route), *_unresolved(snapshot, route)]
    if told or wrong:
        role: Role = "cause" if wrong else "symptom"  # a status alone may well follow from the Gateway's own fault
        parents, services = tuple(parents_of(route)), tuple(_backends(route))
        yield _broken(snapshot, route, [*wrong, *told], failing, role, services, parents)


def _unattached(snapshot: Snapshot, route: Obj) -> Iterator[str]:
    """Parents that do not exist, or whose listeners do not take this route."""
    for parent in items(route, "spec", "parentRefs"):
        if (text(parent, "kind") or "Gateway") != "Gateway" or not snapshot.can_see("Gateway", "Namespace"):
            continue
        namespace = text(parent, "namespace") or namespace_of(route)
        gateway = snapshot.get("Gateway", namespace, text(parent, "name"))
        if gateway is None:
            yield f"Gateway {namespace}/{text(parent, 'name')} does not exist"
            continue
        section, port = text(parent, "sectionName"), number(parent, "port")
        listeners = [
            x
            for x in items(gateway, "spec", "listeners")
            if (not section or text(x, "name") == section) and (not port or number(x, "port") == port)
        ]
        names = ", ".join(text(x, "name") for x in items(gateway, "spec", "listeners"))
        if not listeners:
            yield f"Gateway {namespace}/{name_of(gateway)} has no listener {section or port} (it has {names})"
        elif not (open_to := [x for x in listeners if _admits(snapshot, gateway, x, route)]):
            yield (
                f"no listener of Gateway {namespace}/{name_of(gateway)} allows routes from namespace "
                f"{namespace_of(route)} (allowedRoutes {_shown_from(listeners[0])})"
            )
        elif not any(_hosts_meet(text(x, "hostname"), strings(route, "spec", "hostnames")) for x in open_to):
            served = ", ".join(text(x, "hostname") for x in open_to)
            yield f"hostnames {', '.join(strings(route, 'spec', 'hostnames'))} fit no listener hostname ({served})"


def _admits(snapshot: Snapshot, gateway: Obj, listener: Obj, route: Obj) -> bool:
    source = text(listener, "allowedRoutes", "namespaces", "from") or "Same"
    if source == "Selector":
        namespace = snapshot.get("Namespace", "", namespace_of(route))
        having = labels(namespace, "metadata", "labels")
        selector = dig(listener, "allowedRoutes", "namespaces", "selector")
        return namespace is None or matches_selector(
            selector, {"kubernetes.io/metadata.name": namespace_of(route), **having}
        )
    return source == "All" or namespace_of(route) == namespace_of(gateway)


def _shown_from(listener: Obj) -> str:
    allowed = dig(listener, "allowedRoutes", "namespaces")
    pairs = [f"{k}={v}" for k, v in labels(allowed, "selector", "matchLabels").items()]
    return f"from {text(allowed, 'from') or 'Same'}{' ' + ', '.join(pairs) if pairs else ''}"


def _hosts_meet(served: str, asked: list[str]) -> bool:
    return not served or not asked or any(_host_meets(served.lower(), host.lower()) for host in asked)


def _host_meets(one: str, other: str) -> bool:
    if one.startswith("*.") and other.startswith("*."):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    if one.startswith("*."):
        return other.endswith(one[1:]) and other != one[2:]
    return one == other or (other.startswith("*.") and one.endswith(other[1:]))


def _references(route: Obj) -> Iterator[tuple[str, str, Obj]]:
    """Namespace, name and reference of every Service that a route sends to."""
    for rule in items(route, "spec", "rules"):
        mirrors = [
            f["requestMirror"]["backendRef"] for f in items(rule, "filters") if dig(f, "requestMirror", "backendRef")
        ]
        for reference in (*items(rule, "backendRefs"), *(m for m in mirrors if isinstance(m, dict))):
            if (text(reference, "kind") or "Service") == "Service":
                yield text(reference, "namespace") or namespace_of(route), text(reference, "name"), reference


def _backends(route: Obj) -> list[str]:
    return [resource_name(namespace, "Service", name) for namespace, name, _ in _references(route)]


def _unresolved(snapshot: Snapshot, route: Obj) -> Iterator[str]:
    """Backends that do not exist, lack the port, or stand in a namespace that grants nothing."""
    for namespace, name, reference in _references(route):
        service = snapshot.get("Service", namespace, name)
        port = number(reference, "port")
        if service is None:
            if snapshot.can_see("Service"):
                yield f"backend Service {namespace}/{name}:{port} does not exist"
            continue
        ports = [number(p, "port") for p in items(service, "spec", "ports")]
        if port and ports and port not in ports:
            yield f"backend Service {namespace}/{name} has no port {port} (it has {', '.join(map(str, ports))})"
        if (
            namespace != namespace_of(route)
            and snapshot.can_see("ReferenceGrant")
            and not _granted(snapshot, route, service)
        ):
            caller = f"{kind_of(route)} of {namespace_of(route)}"
            yield f"no ReferenceGrant in namespace {namespace} lets {caller} use Service {name}"


def _granted(snapshot: Snapshot, route: Obj, service: Obj) -> bool:
    return any(
        any(
            text(f, "kind") == kind_of(route) and text(f, "namespace") == namespace_of(route)
            for f in items(grant, "spec", "from")
        )
        and any(
            text(t, "kind") == "Service" and text(t, "name") in ("", name_of(service))
            for t in items(grant, "spec", "to")
        )
        for grant in snapshot.in_namespace("ReferenceGrant", namespace_of(service))
    )


def _broken(
    snapshot: Snapshot,
    obj: Obj,
    told: list[str],
    failing: list[Obj],
    role: Role,
    affects: tuple[str, ...],
    waits: tuple[str, ...],
) -> Observation:
    starts = [at for c in failing if (at := moment(c, "lastTransitionTime"))]
    is_gateway = kind_of(obj) == "Gateway"
    facts = {
        "kind": kind_of(obj),
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "hosts": strings(obj, "spec", "hostnames"),
        "problems": list(dict.fromkeys(told)),
        "parents": [] if is_gateway else parents_of(obj),
        "routes": list(affects) if is_gateway else [],
    }
    return Observation(
        resource=resource_of(obj),
        fault="gateway_route_broken",
        facts=facts,
        evidence=(from_object(snapshot, obj, "; ".join(told), f"{kind_of(obj)} status" if failing else ""),),
        role=role,
        since=min(starts, default=None) or changed_at(snapshot, obj) or created(obj),
        affects=affects,
        waits_for=waits,
        confidence=0.95 if failing else 0.85,
    )
