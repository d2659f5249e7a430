"""A program that cannot reach what it needs: whose fault that is depends on what the name means in this cluster."""

from __future__ import annotations

import re
from dataclasses import replace

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.fields import items, kind_of, name_of, namespace_of, number, resource_of, text
from agents.diagnoser.hosts import Hosts, Target
from agents.diagnoser.log_signs import LogSign, hosts_in
from agents.diagnoser.needs import Needs
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot

_NO_SUCH_NAME = re.compile(
    r"no such host|NXDOMAIN|ENOTFOUND|Name or service not known|UnknownHostException|bad address|EAI_NONAME"
    r"|nodename nor servname|can't resolve|could not resolve|unknown host|host not found",
    re.IGNORECASE,
)
COREDNS = "kube-system/Deployment/coredns"


def targets_of(
    snapshot: Snapshot, hosts: Hosts, view: ContainerView, lines: list[str], *, guess: bool = True
) -> list[Target]:
    """What the first telling line wants to reach; failing that, the hosts that the container's spec names."""
    namespace = namespace_of(view.pod)
    dns = {
        text(s, "spec", "clusterIP")
        for s in snapshot.in_namespace("Service", "kube-system")
        if number(s, "spec", "ports", 0, "port") == 53
    }
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
    unanswered = sign.sign == "name" and not _NO_SUCH_NAME.search(sign.line)
    if target.meaning == "missing" and unanswered:
        return replace(seen, waits_for=(COREDNS,))  # nobody answered, so nothing says that the name is wrong
    if target.meaning == "missing":
        return missing_name(snapshot, target, seen)
    if target.meaning == "external":
        wrong = sign.sign == "name" and _NO_SUCH_NAME.search(sign.line)
        return replace(seen, fault="dns_name_unresolvable", role="cause", confidence=0.85) if wrong else seen
    waits = tuple(dict.fromkeys(resource_of(t.obj) for t in targets if t.obj is not None))
    if sign.sign == "name":
        return replace(seen, waits_for=(*waits, COREDNS), facts={**facts, "target": waits[0]})
    if kind_of(target.obj) == "Service" and _wrong_port(target):
        ports = [text(p, "port") for p in items(target.obj, "spec", "ports")]
        facts |= {"target": waits[0], "service_ports": ports}
        return replace(seen, fault="crash_missing_env", role="cause", facts=facts, confidence=0.75)
    return replace(seen, waits_for=waits, facts={**facts, "target": waits[0]})


def missing_name(snapshot: Snapshot, target: Target, seen: Observation) -> Observation:
    """A name that no Service has: a slip of the pen when one like it exists, else the Service itself is missing."""
    facts = {**seen.facts, "host": target.host, "near": target.near}
    if not snapshot.can_see("Service"):
        return replace(seen, facts=facts)
    name = target.host.split(".")[0]
    workloads = {name_of(w) for w in snapshot.workloads()}
    gone = name in workloads or not target.near
    fault = "service_missing" if gone else "dns_name_unresolvable"
    return replace(seen, fault=fault, role="cause", facts=facts, confidence=0.88)


def _wrong_port(target: Target) -> bool:
    ports = [number(p, "port") for p in items(target.obj, "spec", "ports")]
    return bool(target.port and ports) and target.port not in ports
