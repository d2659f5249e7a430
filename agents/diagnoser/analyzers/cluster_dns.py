"""Cluster DNS that fails for everybody: a Corefile that is wrong, or a CoreDNS that does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from agents.diagnoser.changed import changed_at
from agents.diagnoser.complaints import Complaint, callers
from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import Obj, dig, kind_of, labels, name_of, namespace_of, number, resource_of, text
from agents.diagnoser.log_signs import why_it_ended
from agents.diagnoser.observation import Observation, Role
from agents.diagnoser.reach import COREDNS
from agents.diagnoser.snapshot import Snapshot, is_ready, template_labels

SYSTEM = "kube-system"
_COREFILE_ERROR = re.compile(
    r"Corefile|during parsing|[Uu]nknown (?:directive|property)"
    r"|plugin/(?:loop|kubernetes|forward)\b.*(?:Loop|unknown|not)"
    r"|[Ww]rong argument count|unable to parse|Unexpected token|not a valid (?:zone|domain)",
)
_UPSTREAM = re.compile(r"plugin/errors.*?->\s?(?P<server>\[?[\da-fA-F.:]+\]?):53")
_FORWARD = re.compile(r"^\s*(?:forward|proxy)\s+(?P<zone>\S+)\s+(?P<servers>[^{\n]+)", re.MULTILINE)
_ZONES = re.compile(r"^\s*kubernetes\s+(?P<zones>[^{\n]*)", re.MULTILINE)
_MEDDLING = re.compile(r"^\s*((?:template|rewrite|acl|hosts|erratic|file|auto)\b[^\n]*)", re.MULTILINE)
_PROOF = 2


def observe(snapshot: Snapshot, complaints: Sequence[Complaint]) -> Iterator[Observation]:
    """At most one observation: the Deployment that does not serve, else the Corefile that answers wrongly."""
    server = _server(snapshot)
    if server is None:
        return
    named = [c for c in complaints if c.failure == "name" and c.view.pod not in snapshot.pods_of(server)]
    pods = snapshot.active_pods_of(server)
    if kind_of(server) == "Deployment" and dig(server, "spec", "replicas") == 0:
        yield _seen(snapshot, server, named, {"replicas": "0"}, f"{kind_of(server)} {name_of(server)}: replicas 0")
    elif not any(is_ready(pod) for pod in pods) and snapshot.can_see("Pod"):
        yield from _not_serving(snapshot, server, pods, named)
    else:
        yield from _wrong_answers(snapshot, pods, named)


def _server(snapshot: Snapshot) -> Obj | None:
    """The workload of cluster DNS, by the label that every distribution gives it."""
    for kind in ("Deployment", "DaemonSet"):
        for workload in snapshot.in_namespace(kind, SYSTEM):
            if template_labels(workload).get("k8s-app") == "kube-dns" or name_of(workload) == "coredns":
                return workload
    return None


def _corefile(snapshot: Snapshot) -> tuple[Obj | None, str]:
    config = snapshot.get("ConfigMap", SYSTEM, "coredns")
    return config, text(config, "data", "Corefile")


def _not_serving(snapshot: Snapshot, server: Obj, pods: list[Obj], named: list[Complaint]) -> Iterator[Observation]:
    """A broken Corefile when CoreDNS says so; else the Deployment, as a symptom unless it crashes by itself."""
    config, _ = _corefile(snapshot)
    for pod in pods:
        for view in containers_of(pod):
            log = snapshot.log(view)
            line = next((x.strip() for x in reversed(log.splitlines()) if _COREFILE_ERROR.search(x)), "")
            if line and config is not None:
                facts = {"message": line, "pods": [name_of(p) for p in pods]}
                found = _seen(snapshot, config, named, facts, f"Corefile; CoreDNS says: {line}")
                yield found
                return
    if not pods and not number(server, "spec", "replicas"):
        return
    views = [v for pod in pods for v in containers_of(pod)]
    ended = next((v for v in views if v.crashing(snapshot.now)), None)
    sign = why_it_ended(snapshot.log(ended)) if ended else None
    stuck = next((v for v in views if v.waiting_reason), None)
    why = sign.line if sign else _ended(ended) if ended else ""
    why = why or (f"{stuck.waiting_reason} {stuck.waiting_message}".strip() if stuck else "")
    facts = {"message": why, "ready": f"0/{number(server, 'spec', 'replicas')}", "pods": [name_of(p) for p in pods]}
    told = f"no pod of {name_of(server)} is ready{': ' + why if why else ''}"
    yield _seen(snapshot, server, named, facts, told, "cause" if ended or stuck else "symptom")


def _ended(view: ContainerView) -> str:
    limit = text(view.spec, "resources", "limits", "memory")
    told = f"{view.end_reason}, exit code {view.exit_code}, {view.restarts} restarts"
    return f"{told}, memory limit {limit}" if view.end_reason == "OOMKilled" and limit else told


def _wrong_answers(snapshot: Snapshot, pods: list[Obj], named: list[Complaint]) -> Iterator[Observation]:
    config, corefile = _corefile(snapshot)
    if config is None or not corefile:
        return
    inside = [c for c in named if c.denied_name and c.target is not None and c.target.meaning == "service"]
    outside = [c for c in named if c.target is not None and c.target.meaning == "external"]
    zones = _ZONES.search(corefile)
    if inside and (zones is None or not _serves(zones["zones"], inside)):
        told = f"kubernetes {zones['zones'].strip()}" if zones else "no kubernetes plugin"
        yield _seen(snapshot, config, inside, {"setting": told}, f"Corefile: {told}")
    elif len(inside) >= _PROOF and (meddling := _MEDDLING.search(corefile)):
        yield _seen(snapshot, config, inside, {"setting": meddling[1].strip()}, f"Corefile: {meddling[1].strip()}")
    elif outside:
        yield from _wrong_upstream(snapshot, pods, config, corefile, outside)


def _serves(zones: str, asked: list[Complaint]) -> bool:
    """Whether the kubernetes plugin answers for the cluster's domain, as full names in complaints spell it."""
    known = zones.split() or ["."]
    full = [c.target.host.rstrip(".") for c in asked if c.target and ".svc." in c.target.host]
    domain = full[0].split(".svc.", 1)[1] if full else "cluster.local"
    return "." in known or domain in (zone.rstrip(".") for zone in known)


def _wrong_upstream(
    snapshot: Snapshot, pods: list[Obj], config: Obj, corefile: str, asked: list[Complaint]
) -> Iterator[Observation]:
    """Names outside the cluster fail because the servers in `forward` do not answer CoreDNS, or do not know them."""
    forwards = [(f, f["servers"].split()) for f in _FORWARD.finditer(corefile)]
    lines = [line for pod in pods for view in containers_of(pod) for line in snapshot.log(view).splitlines()[-200:]]
    failed = [(line, found["server"].strip("[]")) for line in lines if (found := _UPSTREAM.search(line))]
    for forward, servers in forwards:
        written = [server for server in servers if not server.startswith("/")]
        guilty = next((line for line, server in reversed(failed) if any(server in w for w in written)), "")
        ignorant = bool(written) and len(callers((c for c in asked if c.denied_name), snapshot)) >= _PROOF
        if guilty or ignorant:
            told = " ".join(forward[0].split())
            facts = {"setting": told, "message": guilty}
            yield _seen(snapshot, config, asked, facts, f"Corefile: {told}{'; ' + guilty if guilty else ''}")
            return
    if not forwards:
        told = "no forward plugin for names outside the cluster"
        yield _seen(snapshot, config, asked, {"setting": told}, f"Corefile: {told}")


def _seen(
    snapshot: Snapshot, blamed: Obj, named: list[Complaint], facts: dict[str, Any], told: str, role: Role = "cause"
) -> Observation:
    victims = callers(named, snapshot)
    first = next(iter(named), None)
    failing = [from_log(snapshot, first.view, first.line)] if first else []
    changed = changed_at(snapshot, blamed)
    starts = [c.since for c in named if c.since]
    return Observation(
        resource=resource_of(blamed),
        fault="coredns_broken",
        facts={
            "object": f"{kind_of(blamed)} {namespace_of(blamed)}/{name_of(blamed)}",
            "victims": list(victims[:6]),
            "failing": first.line if first else "",
            "dns_labels": [f"{k}={v}" for k, v in labels(blamed, "metadata", "labels").items()],
            **facts,
        },
        evidence=(from_object(snapshot, blamed, told), *failing),
        role=role,
        since=changed or min(starts, default=None),
        affects=tuple(dict.fromkeys((COREDNS, *victims))),
        confidence=0.99,
    )
