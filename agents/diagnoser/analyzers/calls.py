"""Calls between workloads that fail at present: names that do not exist, and what stands between caller and target."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from agents.diagnoser.analyzers import cluster_dns, dns, local_traffic, network_policies
from agents.diagnoser.complaints import Complaint, complaints_of
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import labels, resource_of, text
from agents.diagnoser.needs import Needs
from agents.diagnoser.observation import Observation
from agents.diagnoser.reach import COREDNS, missing_name, outside_dependency
from agents.diagnoser.snapshot import Snapshot, is_ready

_PROOF = 2
"""A ready pod must have complained so often; one failed call is an accident."""

_RESOLVER_SAYS = re.compile(
    r"no such host|NXDOMAIN|ENOTFOUND|Name or service not known|UnknownHost|EAI_NONAME|bad address"
    r"|nodename nor servname|could not resolve host|can't resolve '|could not translate host|getaddrinfo"
    r"|NameResolutionError",
    re.IGNORECASE,
)

Rule = Callable[[Snapshot, Sequence[Complaint]], Iterable[Observation]]


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Reads the logs once and puts every complaint before each rule."""
    complaints = complaints_of(snapshot)
    for rule in _RULES:
        yield from rule(snapshot, complaints)


def _names(snapshot: Snapshot, complaints: Sequence[Complaint]) -> Iterator[Observation]:
    """Hosts that a name server says do not exist. Crashes and init containers are read by their own families."""
    servers = dns.cluster_dns(snapshot)
    for complaint in complaints:
        view, target = complaint.view, complaint.target
        if not complaint.denied_name or target is None or view.init or view.crashing(snapshot.now):
            continue
        if complaint.times < _PROOF and is_ready(view.pod):
            continue
        if dns.wrong_resolver(view.pod, servers, target.host) or not _is_a_name(snapshot, complaint):
            continue
        workload = snapshot.top(view.pod)
        seen = Observation(
            resource=resource_of(workload),
            fault="dns_name_unresolvable",
            facts={**container_facts(snapshot, view), "message": complaint.line, "host": target.host},
            evidence=(from_log(snapshot, view, complaint.line), *_named_by(snapshot, complaint)),
            role="symptom",
            since=complaint.since,
            waits_for=(COREDNS,),
            confidence=0.88,
        )
        if target.meaning == "missing":
            found = missing_name(snapshot, target, seen)
            settings = Needs(snapshot).mentioned_hosts(workload)
            # A name that no setting has (any more) says less than why the pods still ask for it.
            yield found if target.host in settings else replace(found, role="symptom", confidence=0.8)
        elif target.meaning == "external" and "." in target.host:
            yield seen


def _is_a_name(snapshot: Snapshot, complaint: Complaint) -> bool:
    """Whether the line surely speaks of a host: in a resolver's own words, or by a name from the settings."""
    host = complaint.target.host if complaint.target else ""
    if _RESOLVER_SAYS.search(complaint.line):
        return True
    return host in Needs(snapshot).mentioned_hosts(snapshot.top(complaint.view.pod))


def _named_by(snapshot: Snapshot, complaint: Complaint):
    host = complaint.target.host if complaint.target else ""
    env = complaint.view.spec.get("env")
    for entry in env if isinstance(env, list) else []:
        if host and host in text(entry, "value"):
            told = f"env {text(entry, 'name')}={text(entry, 'value')}"
            yield from_object(snapshot, complaint.view.pod, told)


def _outside(snapshot: Snapshot, complaints: Sequence[Complaint]) -> Iterator[Observation]:
    """Services without selector whose hand-written addresses do not answer, when a workload is down because of it."""
    for complaint in complaints:
        target, pod = complaint.target, complaint.view.pod
        if complaint.failure != "connection" or target is None or target.obj is None or target.meaning != "service":
            continue
        if not labels(target.obj, "spec", "selector") and not is_ready(pod):
            found = outside_dependency(snapshot, complaint.view, target, complaint.line)
            if found is not None:
                yield found


_RULES: tuple[Rule, ...] = (
    _names,
    _outside,
    network_policies.observe,
    local_traffic.observe,
    cluster_dns.observe,
)
