"""Pods that ask the wrong resolver: dnsPolicy or dnsConfig keeps cluster names from resolving."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import Obj, flag, items, mapping, namespace_of, resource_of, strings, text
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.log_signs import classify, hosts_in
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.trouble import trouble_since

_RECENT_LINES = 60
_RESOLVER = re.compile(r" on (\d{1,3}(?:\.\d{1,3}){3}):53")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Workloads that cannot resolve a Service that exists, and whose pods do not ask the cluster's DNS."""
    hosts, servers = Hosts(snapshot), cluster_dns(snapshot)
    for pod in snapshot.troubled_pods:
        if not _own_settings(pod):
            continue
        for view in containers_of(pod):
            line = _unresolved(snapshot, hosts, view)
            host = next((h for h, _ in hosts_in(line) if not h[0].isdigit()), "")
            why = wrong_resolver(pod, servers, host) if line else []
            if why:
                yield _wrong_policy(snapshot, view, why, line)
                break


def cluster_dns(snapshot: Snapshot) -> set[str]:
    """Addresses of the cluster's DNS Service."""
    return {
        text(s, "spec", "clusterIP")
        for s in snapshot.in_namespace("Service", "kube-system")
        if any(p.get("port") == 53 for p in items(s, "spec", "ports"))
    }


def _own_settings(pod: Obj) -> bool:
    """Whether a pod asks for names in another way than pods do by default."""
    policy = text(pod, "spec", "dnsPolicy") or "ClusterFirst"
    return policy != "ClusterFirst" or flag(pod, "spec", "hostNetwork") or bool(mapping(pod, "spec", "dnsConfig"))


def wrong_resolver(pod: Obj, servers: set[str], host: str = "") -> list[str]:
    """The settings that lead a pod away from cluster DNS, [] when it asks the right server for the right names.

    `host` is the name that did not resolve: a short one needs search domains, and fewer dots than ndots.
    """
    policy = text(pod, "spec", "dnsPolicy") or "ClusterFirst"
    nameservers = strings(pod, "spec", "dnsConfig", "nameservers")
    host_network = flag(pod, "spec", "hostNetwork")
    told = _told(pod, policy)
    if policy == "Default" or (policy == "ClusterFirst" and host_network):
        return told
    if policy == "None" and (not servers & set(nameservers) or not _completes(pod, host)):
        return told
    foreign = bool(nameservers) and not set(nameservers) <= servers
    return told if foreign or _taken_as_full(pod, host) else []


def _told(pod: Obj, policy: str) -> list[str]:
    config = mapping(pod, "spec", "dnsConfig")
    told = [f"dnsPolicy: {policy}"]
    if strings(config, "nameservers"):
        told.append(f"dnsConfig.nameservers: {', '.join(strings(config, 'nameservers'))}")
    if strings(config, "searches"):
        told.append(f"dnsConfig.searches: {', '.join(strings(config, 'searches'))}")
    told += [f"dnsConfig.options: {text(o, 'name')}={text(o, 'value')}" for o in items(config, "options")]
    return [*told, "hostNetwork: true"] if flag(pod, "spec", "hostNetwork") else told


def _completes(pod: Obj, host: str) -> bool:
    """Whether the search domains of a pod without defaults make a Service's name of a short one."""
    searches = strings(pod, "spec", "dnsConfig", "searches")
    if host.rstrip(".").endswith(".local"):
        return True  # a full name needs none
    wanted = f"{namespace_of(pod)}.svc." if "." not in host else "svc."
    return any(search.startswith(wanted) for search in searches)


def _taken_as_full(pod: Obj, host: str) -> bool:
    """Whether a low ndots makes the resolver take a short name for a full one."""
    options = items(pod, "spec", "dnsConfig", "options")
    dots = next((text(o, "value") for o in options if text(o, "name") == "ndots"), "")
    return dots.isdigit() and not host.rstrip(".").endswith(".local") and host.count(".") >= int(dots)


def _unresolved(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> str:
    """The latest line in which an existing Service's name does not resolve."""
    for line in reversed(snapshot.log(view).splitlines()[-_RECENT_LINES:]):
        if classify(line) == "name":
            named = [host for host, _ in hosts_in(line)]
            if any(hosts.service(host, namespace_of(view.pod)) is not None for host in named) or not named:
                return line.strip()
    return ""


def _wrong_policy(snapshot: Snapshot, view: ContainerView, why: list[str], line: str) -> Observation:
    workload = snapshot.top(view.pod)
    asked = _RESOLVER.search(line)
    host = next((h for h, _ in hosts_in(line) if not h[0].isdigit()), "")
    facts = {
        **container_facts(snapshot, view),
        "settings": why,
        "policy": text(view.pod, "spec", "dnsPolicy") or "ClusterFirst",
        "host_network": "true" if flag(view.pod, "spec", "hostNetwork") else "",
        "resolver": asked[1] if asked else "",
        "cluster_dns": sorted(cluster_dns(snapshot)),
        "host": host,
        "message": line,
    }
    return Observation(
        resource=resource_of(workload),
        fault="dns_policy_wrong",
        facts=facts,
        evidence=(
            from_object(snapshot, workload, ", ".join(why)),
            from_log(snapshot, view, line),
        ),
        since=trouble_since(snapshot, view.pod),
        confidence=0.95,
    )
