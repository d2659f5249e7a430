"""Certificates that are out of date where they are in use: at an Ingress, a Gateway, a server that callers refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agents.cluster.secrets import SecretShape
from agents.diagnoser.analyzers.ingresses import issuers_of
from agents.diagnoser.containers import ContainerView
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import Obj, items, kind_of, name_of, namespace_of, resource_name, resource_of, text
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.log_signs import classify, hosts_in
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.sources import sources_of

_RECENT = 40
_PROOF = 2


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per Secret whose certificate is out of date and missed by somebody."""
    stale = {key: shape for key, shape in snapshot.secrets.items() if out_of_date(snapshot, shape)}
    if not stale:
        return
    for obj, namespace, name in _entrances(snapshot):
        if (namespace, name) in stale:
            yield _expired(snapshot, stale[namespace, name], [resource_of(obj)], obj)
    yield from _refused(snapshot, stale)


def out_of_date(snapshot: Snapshot, shape: SecretShape) -> bool:
    """Whether the certificate has expired, or is not valid yet."""
    if shape.not_after is None or shape.not_before is None:
        return False
    return not shape.not_before <= snapshot.now <= shape.not_after


def _entrances(snapshot: Snapshot) -> Iterator[tuple[Obj, str, str]]:
    for ingress in snapshot.kind("Ingress"):
        for tls in items(ingress, "spec", "tls"):
            yield ingress, namespace_of(ingress), text(tls, "secretName")
    for gateway in snapshot.kind("Gateway"):
        for listener in items(gateway, "spec", "listeners"):
            for reference in items(listener, "tls", "certificateRefs"):
                yield gateway, text(reference, "namespace") or namespace_of(gateway), text(reference, "name")


def _refused(snapshot: Snapshot, stale: dict[tuple[str, str], SecretShape]) -> Iterator[Observation]:
    """Running pods that complain of certificates: the stale Secret is their own, or that of the server they call."""
    hosts = Hosts(snapshot)
    for view in snapshot.containers:
        lines = [x.strip() for x in snapshot.log(view).splitlines()[-_RECENT:] if classify(x) == "certificate"]
        if len(lines) < _PROOF or view.crashing(snapshot.now):
            continue
        for key in _suspects(snapshot, hosts, view, lines[-1]):
            if key in stale:
                victim = snapshot.top_name(view.pod)
                yield _expired(snapshot, stale[key], [victim], snapshot.top(view.pod), view, lines[-1])
                break


def _suspects(snapshot: Snapshot, hosts: Hosts, view: ContainerView, line: str) -> Iterator[tuple[str, str]]:
    """Secrets of the server that the line names, then the container's own."""
    for host, port in hosts_in(line):
        target = hosts.target(host, port, namespace_of(view.pod))
        if target.obj is None:
            continue
        pods = snapshot.pods_selected(target.obj) if target.meaning == "service" else [target.obj]
        for pod in pods:
            for volume in items(pod, "spec", "volumes"):
                yield namespace_of(pod), text(volume, "secret", "secretName")
    for source in sources_of(view):
        if source.kind == "Secret":
            yield source.namespace, source.name


def _expired(
    snapshot: Snapshot,
    shape: SecretShape,
    affects: list[str],
    user: Obj,
    view: ContainerView | None = None,
    line: str = "",
) -> Observation:
    """Blames the Secret; when a certificate manager should have renewed it, that is asked first."""
    resource = resource_name(shape.namespace, "Secret", shape.name)
    makers = issuers_of(snapshot, shape.namespace, shape.name)
    since = shape.not_after if shape.not_after and shape.not_after <= snapshot.now else shape.not_before
    facts = {
        "source": resource,
        "not_before": f"{shape.not_before:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{shape.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "user": resource_of(user),
        "kind": kind_of(user),
        "workload": name_of(user),
        "message": re.sub(r"\s+", " ", line),
    }
    secret = snapshot.get("Secret", shape.namespace, shape.name) or {}
    told = f"tls.crt valid from {facts['not_before']} to {facts['not_after']}, now {snapshot.now:%Y-%m-%dT%H:%M:%SZ}"
    logged = (from_log(snapshot, view, line),) if view else ()
    return Observation(
        resource=resource,
        fault="crash_cert_expired",
        facts=facts,
        evidence=(from_object(snapshot, secret, told, "Secret shape"), *logged),
        role="symptom" if makers else "cause",
        since=since,
        affects=tuple(affects),
        waits_for=tuple(resource_of(m) for m in makers),
        confidence=0.96,
    )
