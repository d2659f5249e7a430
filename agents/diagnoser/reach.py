"""A program that cannot reach what it needs: whose fault that is depends on what the name means in this cluster."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from agents.diagnoser.changed import deletion_of_service
from agents.diagnoser.containers import ContainerView
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import (
    Obj,
    items,
    kind_of,
    labels,
    name_of,
    namespace_of,
    number,
    parts_of,
    resource_of,
    strings,
    text,
)  # fmt: skip
from agents.diagnoser.history import previous
from agents.diagnoser.hosts import Hosts, Target
from agents.diagnoser.log_signs import LogSign, hosts_in
from agents.diagnoser.needs import Needs
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.sources import source_of_variable
from agents.diagnoser.trouble import trouble_since

NO_SUCH_NAME = re.compile(
    r"no such host|NXDOMAIN|ENOTFOUND|Name or service not known|UnknownHostException|bad address|EAI_NONAME"
    r"|nodename nor servname|can't resolve|could not resolve|unknown host|host not found",
    re.IGNORECASE,
)
_SLIP = 0.87
"""From this likeness on, a name is a misspelling of another."""
COREDNS = "kube-system/Deployment/coredns"


def dns_addresses(snapshot: Snapshot) -> set[str]:
    """Addresses of the cluster's DNS Service."""
    return {
        text(s, "spec", "clusterIP")
        for s in snapshot.in_namespace("Service", "kube-system")
        if number(s, "spec", "ports", 0, "port") == 53
    }


def targets_of(
    snapshot: Snapshot, hosts: Hosts, view: ContainerView, lines: list[str], *, guess: bool = True
) -> list[Target]:
    """What the first telling line wants to reach; failing that, the hosts that the container's spec names."""
    namespace = namespace_of(view.pod)
    dns = dns_addresses(snapshot)
    for line in lines:
        found = [hosts.target(host, port, namespace) for host, port in hosts_in(line) if host not in dns]
        known = [t for t in found if t.meaning in ("service", "pod", "missing")] or found
        if known:
            return known
    if not guess:
        return []
    words = Needs(snapshot).mentioned_hosts(snapshot.top(view.pod))
    return [t for t in (hosts.target(word, 0, namespace) for word in words) if t.meaning == "service"]


def unreachable(
    snapshot: Snapshot, hosts: Hosts, view: ContainerView, sign: LogSign, seen: Observation, fault: str
) -> Observation:
    """Reads `seen` as the fault of a dependency (`fault`), or of the workload that asks for the wrong thing."""
    lines = [sign.line, *reversed(snapshot.log(view).splitlines()[-40:])]
    targets = targets_of(snapshot, hosts, view, lines)
    if not targets:
        return replace(seen, fault=fault, confidence=0.7)
    target = targets[0]
    facts = {**seen.facts, "host": target.host, "port": target.port or ""}
    seen = replace(seen, fault=fault, facts=facts, confidence=0.8)
    unanswered = sign.sign == "name" and not NO_SUCH_NAME.search(sign.line)
    if target.meaning == "missing" and unanswered:
        return replace(seen, waits_for=(COREDNS,))  # nobody answered, so nothing says that the name is wrong
    if target.meaning == "missing":
        return missing_name(snapshot, target, seen)
    if target.meaning == "external":
        if sign.sign != "name":
            return seen
        wrong = "dns_name_unresolvable" if NO_SUCH_NAME.search(sign.line) else fault
        return replace(seen, fault=wrong, waits_for=(COREDNS,), confidence=0.85)
    waits = tuple(dict.fromkeys(resource_of(t.obj) for t in targets if t.obj is not None))
    if sign.sign == "name":
        return replace(seen, waits_for=(*waits, COREDNS), facts={**facts, "target": waits[0]})
    served = _served_instead(snapshot, target)
    if served:
        facts |= {"target": waits[0], "service_ports": served}
        return _wrong_port(snapshot, view, target.port, replace(seen, facts=facts))
    return replace(seen, waits_for=waits, facts={**facts, "target": waits[0]})


def missing_name(snapshot: Snapshot, target: Target, seen: Observation) -> Observation:
    """A name that no Service has: a slip of the pen when one like it exists, else the Service itself is missing."""
    facts = {**seen.facts, "host": target.host, "near": target.near}
    if not snapshot.can_see("Service"):
        return replace(seen, facts=facts)
    name, namespace, near = target.host.split(".")[0], str(seen.facts.get("namespace", "")), target.near
    facts |= deletion_of_service(snapshot, _place(target.host, namespace), name)
    gone = any(name_of(w) == name and namespace_of(w) == _place(target.host, namespace) for w in snapshot.workloads())
    gone = gone or "deleted_by" in facts
    fault = "service_missing" if gone or not _is_slip(name, near) else "dns_name_unresolvable"
    return replace(seen, fault=fault, role="cause", facts=facts, confidence=0.88)


def _place(host: str, namespace: str) -> str:
    parts = host.split(".")
    return parts[1] if len(parts) > 1 else namespace


def _is_slip(name: str, near: str) -> bool:
    """Whether the existing Service is the one that was meant: of the same name elsewhere, or a typing error away."""
    known = parts_of(near)[2] if near else ""
    return bool(known) and (known == name or SequenceMatcher(None, name, known).ratio() >= _SLIP)


def outside_dependency(snapshot: Snapshot, view: ContainerView, target: Target, line: str) -> Observation | None:
    """The fault of something outside the cluster behind a Service without selector; blamed on the Service."""
    service = target.obj
    addresses = addresses_by_hand(snapshot, service) if service is not None else []
    if service is None or not addresses or text(service, "spec", "type") == "ExternalName":
        return None
    shown = [f"{address}:{port}" for address, port in addresses]
    caller = snapshot.top(view.pod)
    return Observation(
        resource=resource_of(service),
        fault="crash_dependency",
        facts={
            **container_facts(snapshot, view),
            "service": name_of(service),
            "addresses": shown,
            "port": target.port or addresses[0][1],
            "host": target.host,
            "message": line,
        },
        evidence=(
            from_object(snapshot, service, f"no selector; endpoints by hand: {', '.join(shown)}"),
            from_log(snapshot, view, line),
        ),
        since=trouble_since(snapshot, view.pod),
        affects=(resource_of(caller),),
        confidence=0.9,
    )


def addresses_by_hand(snapshot: Snapshot, service: Obj) -> list[tuple[str, int]]:
    """Addresses and ports of the EndpointSlices (or Endpoints) of a Service that selects no pods itself."""
    found: list[tuple[str, int]] = []
    for piece in snapshot.in_namespace("EndpointSlice", namespace_of(service)):
        if labels(piece, "metadata", "labels").get("kubernetes.io/service-name") == name_of(service):
            for endpoint in items(piece, "endpoints"):
                for address in strings(endpoint, "addresses"):
                    found += [(address, number(p, "port")) for p in items(piece, "ports")]
    by_hand = snapshot.get("Endpoints", namespace_of(service), name_of(service))
    for subset in items(by_hand, "subsets"):
        for endpoint in items(subset, "addresses"):
            found += [(text(endpoint, "ip"), number(p, "port")) for p in items(subset, "ports")]
    return list(dict.fromkeys(found))


def _served_instead(snapshot: Snapshot, target: Target) -> list[str]:
    """The ports that the target serves, when the asked one is known and not among them; [] when all is well."""
    if target.obj is None or not target.port:
        return []
    if kind_of(target.obj) == "Service":
        ports = [number(p, "port") for p in items(target.obj, "spec", "ports")]
    else:
        ports = [number(p, "containerPort") for c in items(target.obj, "spec", "containers") for p in items(c, "ports")]
        for service in snapshot.services_of(target.obj):
            ports += [number(p, part) for p in items(service, "spec", "ports") for part in ("targetPort", "port")]
    ports = [port for port in dict.fromkeys(ports) if port]
    return [] if target.port in ports else [str(port) for port in ports]


def _wrong_port(snapshot: Snapshot, view: ContainerView, port: int, seen: Observation) -> Observation:
    """Blames the variable that says the port, in the template or in the ConfigMap that it comes from."""
    said = re.compile(rf"(?<![\d.]){port}(?!\d)")
    for entry in items(view.spec, "env"):
        variable, value = text(entry, "name"), text(entry, "value")
        source = source_of_variable(snapshot, view, variable) if "valueFrom" in entry else None
        if source is not None and source.kind == "ConfigMap":
            value = text(snapshot.get("ConfigMap", source.namespace, source.name), "data", source.key)
        if not said.search(value):
            continue
        facts: dict[str, Any] = {**seen.facts, "variable": variable}
        if source is not None:
            facts |= {"source": source.resource, "key": source.key}
            blamed, affects = source.resource, (seen.resource,)
            seen = replace(seen, resource=blamed, fault="crash_bad_config", affects=affects)
        else:
            before = previous(snapshot, snapshot.top(view.pod))
            olds = items(before.container(view.name), "env") if before else []
            old = next((e for e in olds if text(e, "name") == variable), None)
            if old is not None and text(old, "value") != value:
                facts |= {"before": text(old, "value"), "before_entry": old}
            seen = replace(seen, fault="crash_missing_env")
        return replace(seen, role="cause", facts=facts, confidence=0.9)
    return replace(seen, fault="crash_missing_env", role="cause", confidence=0.75)
