"""Ingresses that nobody serves, that lead nowhere, or that have no certificate to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from agents.diagnoser.changed import changed_at, deletion_of_service
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import (
    Obj,
    created,
    items,
    labels,
    matches,
    name_of,
    namespace_of,
    number,
    resource_name,
    resource_of,
    strings,
    text,
)  # fmt: skip
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, template_labels
from agents.runtime.findings import Evidence

LEGACY_CLASS = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_BY_ANNOTATION = "use-annotation"
"""The port name under which a controller of a cloud reads an action from annotations instead of a Service."""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Every Ingress: its class, its backends, its certificates."""
    for ingress in snapshot.kind("Ingress"):
        if snapshot.can_see("IngressClass"):
            yield from _class(snapshot, ingress)
        if snapshot.can_see("Service"):
            yield from _backends(snapshot, ingress)
        yield from _certificates(snapshot, ingress)


def _facts(ingress: Obj, **more: Any) -> dict[str, Any]:
    hosts = [text(rule, "host") for rule in items(ingress, "spec", "rules") if text(rule, "host")]
    return {"ingress": name_of(ingress), "namespace": namespace_of(ingress), "hosts": hosts, **more}


def _said(snapshot: Snapshot, ingress: Obj, *words: str) -> tuple[Evidence, ...]:
    """The latest line of an ingress controller that speaks of all the words."""
    for view in snapshot.containers:
        if "ingress" in view.image or "ingress" in namespace_of(view.pod):
            for line in reversed(snapshot.log(view).splitlines()):
                if all(word in line for word in words):
                    return (from_log(snapshot, view, line.strip()),)
    return ()


def _class(snapshot: Snapshot, ingress: Obj) -> Iterator[Observation]:
    """A class that does not exist; or none at all, when nothing is the default and nobody has taken it up."""
    known = {name_of(c): c for c in snapshot.kind("IngressClass")}
    wanted, legacy = (
        text(ingress, "spec", "ingressClassName"),
        labels(ingress, "metadata", "annotations").get(LEGACY_CLASS),
    )
    served = bool(items(ingress, "status", "loadBalancer", "ingress"))
    defaults = [n for n, c in known.items() if labels(c, "metadata", "annotations").get(DEFAULT_CLASS) == "true"]
    missing = wanted and wanted not in known
    missing = missing or (not wanted and legacy and known and legacy not in known and not served)
    none = not wanted and not legacy and not defaults and not served
    if not missing and not none:
        return
    asked = wanted or legacy or ""
    near = next(iter(get_close_matches(asked, list(known), n=1, cutoff=0.5)), "") or (
        next(iter(known)) if len(known) == 1 else ""
    )
    facts = _facts(ingress, wanted=asked, known=list(known), near=near, unset="" if asked else "none")
    told = (
        f"ingressClassName: {asked}" if asked else "spec.ingressClassName is not set and no IngressClass is the default"
    )
    yield Observation(
        resource=resource_of(ingress),
        fault="ingress_class_missing",
        facts=facts,
        evidence=(
            from_object(snapshot, ingress, f"{told}; IngressClasses: {', '.join(known) or 'none'}"),
            *_said(snapshot, ingress, "class", name_of(ingress)),
        ),
        since=changed_at(snapshot, ingress) or created(ingress),
        affects=tuple(_services(ingress)),
        confidence=0.95 if asked else 0.9,
    )


def _services(ingress: Obj) -> list[str]:
    names = [text(backend, "name") for _, backend in backends_of(ingress)]
    return [resource_name(namespace_of(ingress), "Service", name) for name in dict.fromkeys(names) if name]


def backends_of(ingress: Obj) -> Iterator[tuple[str, Obj]]:
    """Where each path leads: `host/path`, and the `service` of its backend."""
    default = ingress.get("spec")
    for rule in items(ingress, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            backend = path.get("backend")
            service = backend.get("service") if isinstance(backend, dict) else None
            if isinstance(service, dict):
                yield f"{text(rule, 'host') or '*'}{text(path, 'path') or '/'}", service
    backend = default.get("defaultBackend") if isinstance(default, dict) else None
    service = backend.get("service") if isinstance(backend, dict) else None
    if isinstance(service, dict):
        yield "(default backend)", service


def _backends(snapshot: Snapshot, ingress: Obj) -> Iterator[Observation]:
    namespace = namespace_of(ingress)
    for where, backend in backends_of(ingress):
        name, port, named = text(backend, "name"), number(backend, "port", "number"), text(backend, "port", "name")
        if not name or named == _BY_ANNOTATION:
            continue
        service = snapshot.get("Service", namespace, name)
        facts = _facts(ingress, service=name, port=port or named, path=where)
        if service is None:
            yield _no_service(snapshot, ingress, facts)
            continue
        ports = items(service, "spec", "ports")
        fits = any((port and p.get("port") == port) or (named and text(p, "name") == named) for p in ports)
        if ports and (port or named) and not fits and text(service, "spec", "type") != "ExternalName":
            having = [" ".join(part for part in (text(p, "port"), text(p, "name")) if part) for p in ports]
            facts |= {"service_ports": having, "right_port": number(ports[0], "port") if len(ports) == 1 else ""}
            told = f"{where} -> {name}:{port or named}; Service {name} has ports {', '.join(having)}"
            yield _wrong(snapshot, ingress, "ingress_backend_wrong", facts, told)


def _no_service(snapshot: Snapshot, ingress: Obj, facts: dict[str, Any]) -> Observation:
    """A wrong reference when the Service is there under another name; a missing Service when it is what went away."""
    namespace, name = namespace_of(ingress), str(facts["service"])
    here = {name_of(s): s for s in snapshot.in_namespace("Service", namespace)}
    elsewhere = [s for s in snapshot.kind("Service") if name_of(s) == name]
    close = get_close_matches(name, list(here), n=1, cutoff=0.6)
    facts["near"] = resource_of(here[close[0]]) if close else resource_of(elsewhere[0]) if elsewhere else ""
    gone = deletion_of_service(snapshot, namespace, name)
    facts |= {"kind": "Ingress", "workload": name_of(ingress), "host": name, **gone}
    told = f"{facts['path']} -> Service {name}:{facts['port']}, which does not exist in namespace {namespace}"
    abandoned = any(
        name_of(w) == name and not _has_service(snapshot, w)
        for w in snapshot.workloads()
        if namespace_of(w) == namespace
    )
    fault = "service_missing" if gone or abandoned else "ingress_backend_wrong"
    return _wrong(snapshot, ingress, fault, facts, told)


def _has_service(snapshot: Snapshot, workload: Obj) -> bool:
    having = template_labels(workload)
    services = snapshot.in_namespace("Service", namespace_of(workload))
    return any(matches(labels(s, "spec", "selector"), having) for s in services)


def _wrong(snapshot: Snapshot, ingress: Obj, fault: str, facts: dict[str, Any], told: str) -> Observation:
    return Observation(
        resource=resource_of(ingress),
        fault=fault,
        facts=facts,
        evidence=(
            from_object(snapshot, ingress, told),
            *_said(snapshot, ingress, str(facts["service"]), namespace_of(ingress)),
        ),
        since=changed_at(snapshot, ingress) or created(ingress),
        confidence=0.95,
    )


def _certificates(snapshot: Snapshot, ingress: Obj) -> Iterator[Observation]:
    """TLS Secrets that are not there, or hold no certificate. One that a Certificate should make waits for that."""
    namespace = namespace_of(ingress)
    for tls in items(ingress, "spec", "tls"):
        name = text(tls, "secretName")
        problem = secret_problem(snapshot, namespace, name) if name else ""
        if not problem:
            continue
        makers = issuers_of(snapshot, namespace, name)
        elsewhere = [
            namespace_of(s) for s in snapshot.kind("Secret") if name_of(s) == name and namespace_of(s) != namespace
        ]
        facts = _facts(ingress, secret=name, problem=problem, tls_hosts=strings(tls, "hosts"), elsewhere=elsewhere)
        yield Observation(
            resource=resource_of(ingress),
            fault="ingress_tls_missing",
            facts=facts,
            evidence=(
                from_object(snapshot, ingress, f"spec.tls secretName: {name}; {problem}"),
                *_said(snapshot, ingress, f"{namespace}/{name}"),
            ),
            role="symptom" if makers else "cause",
            since=changed_at(snapshot, ingress) or created(ingress),
            waits_for=tuple(resource_of(m) for m in makers),
            confidence=0.95,
        )


def secret_problem(snapshot: Snapshot, namespace: str, name: str) -> str:
    """Why a Secret cannot serve TLS: it does not exist, lacks a key, or holds no certificate; empty when it can."""
    if snapshot.get("Secret", namespace, name) is None:
        return f"Secret {namespace}/{name} does not exist" if snapshot.can_see("Secret") else ""
    shape = snapshot.secrets.get((namespace, name))
    if shape is None:
        return ""
    lacking = [key for key in ("tls.crt", "tls.key") if not shape.lengths.get(key)]
    if lacking:
        having = ", ".join(sorted(shape.lengths)) or "no keys"
        return f"Secret {namespace}/{name} (type {shape.type}) lacks {', '.join(lacking)} (it has {having})"
    return f"Secret {namespace}/{name}: {shape.certificate_error}" if shape.certificate_error else ""


def issuers_of(snapshot: Snapshot, namespace: str, secret: str) -> list[Obj]:
    """Custom resources of a certificate manager that write this Secret."""
    return [c for c in snapshot.in_namespace("Certificate", namespace) if text(c, "spec", "secretName") == secret]
