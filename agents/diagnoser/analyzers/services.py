"""Services that lead nowhere: a selector that fits no pod, a port that no container serves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import partial

from agents.diagnoser.analyzers.probes import probe_facts
from agents.diagnoser.containers import containers_of
from agents.diagnoser.evidence import from_object
from agents.diagnoser.fields import (
    Obj,
    created,
    items,
    labels,
    mapping,
    name_of,
    namespace_of,
    number,
    resource_of,
    text,
)  # fmt: skip
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready, template_labels


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Services with a selector; one without selector has endpoints by hand."""
    for service in snapshot.kind("Service"):
        selector = labels(service, "spec", "selector")
        if not selector or text(service, "spec", "type") == "ExternalName" or not snapshot.can_see("Pod", "Deployment"):
            continue
        if not snapshot.workloads_behind(service):
            yield from _selects_nothing(snapshot, service, selector)
        else:
            yield from _wrong_port(snapshot, service)


def _selects_nothing(snapshot: Snapshot, service: Obj, selector: dict[str, str]) -> Iterator[Observation]:
    """A Service that nothing would ever answer. One that nobody misses is left alone."""
    namespace = namespace_of(service)
    candidates = {name_of(w): w for w in snapshot.workloads() if namespace_of(w) == namespace and template_labels(w)}
    meant = _meant(name_of(service), selector, candidates)
    users = list(users_of(snapshot, service))
    if meant is None and not users:
        return
    having = template_labels(meant) if meant is not None else {}
    facts = {
        "service": name_of(service),
        "namespace": namespace,
        "selector": [f"{k}={v}" for k, v in selector.items()],
        "workload": name_of(meant) if meant is not None else "",
        "pod_labels": [f"{k}={v}" for k, v in having.items()],
        "users": users,
    }
    told = f"selector {', '.join(facts['selector'])} matches no pod"
    yield Observation(
        resource=resource_of(service),
        fault="service_selector_mismatch",
        facts=facts,
        evidence=(
            from_object(snapshot, service, told),
            *(
                [from_object(snapshot, meant, f"pod labels {', '.join(facts['pod_labels'])}")]
                if meant is not None
                else []
            ),
        ),
        since=created(meant) if meant is not None else created(service),
        confidence=0.95 if meant is not None else 0.85,
    )


def _meant(name: str, selector: dict[str, str], candidates: dict[str, Obj]) -> Obj | None:
    """The workload that the Service was probably made for: of its name, with most of its labels, or nearly its name."""
    if name in candidates:
        return candidates[name]
    sharing = [w for w in candidates.values() if set(selector.items()) & set(template_labels(w).items())]
    for workload in sharing:
        if len(sharing) == 1:
            return workload
    words = [name, *selector.values()]
    close = next((c for word in words for c in get_close_matches(word, list(candidates), n=1, cutoff=0.8)), None)
    return candidates[close] if close else None


def users_of(snapshot: Snapshot, service: Obj) -> Iterator[str]:
    """Ingresses that route to a Service, and workloads whose environment names it."""
    name, namespace = name_of(service), namespace_of(service)
    for ingress in snapshot.in_namespace("Ingress", namespace):
        backends = [
            text(p, "backend", "service", "name")
            for r in items(ingress, "spec", "rules")
            for p in items(r, "http", "paths")
        ]
        if name in (*backends, text(ingress, "spec", "defaultBackend", "service", "name")):
            yield resource_of(ingress)
    pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?:\.{re.escape(namespace)}\b|(?![\w.-]))")
    elsewhere = re.compile(rf"(?<![\w.-]){re.escape(name)}\.{re.escape(namespace)}\b")
    for workload in snapshot.workloads():
        words = pattern if namespace_of(workload) == namespace else elsewhere
        if any(words.search(value) for value in _env_values(workload)):
            yield resource_of(workload)


def _env_values(workload: Obj) -> Iterator[str]:
    for container in items(workload, "spec", "template", "spec", "containers"):
        for entry in items(container, "env"):
            yield text(entry, "value")


def _wrong_port(snapshot: Snapshot, service: Obj) -> Iterator[Observation]:
    selected = snapshot.pods_selected(service)
    ready = [p for p in selected if is_ready(p)]
    pods = ready or selected
    for port in items(service, "spec", "ports") if pods else []:
        target = port.get("targetPort", port.get("port"))
        named = isinstance(target, str) and not target.isdigit()
        if not ready and not named and not any(_probed(pod) for pod in pods):
            continue  # declared ports are hints only; what does not run says where it listens by its probes alone
        wrong = partial(_unserved, snapshot, target=target)
        if all(wrong(pod) for pod in pods):
            yield _mismatch(snapshot, service, port, pods[0])


def _unserved(snapshot: Snapshot, pod: Obj, target: object) -> bool:
    """Whether no container of a pod serves a target port, as far as declared ports, probes and logs tell."""
    views = [v for v in containers_of(pod) if not v.init]
    if isinstance(target, str) and not target.isdigit():
        return not any(target in v.ports().values() for v in views)
    wanted = int(target) if isinstance(target, (int, str)) and not isinstance(target, bool) else 0
    declared = {p for v in views for p in v.ports()}
    if not declared or not wanted or wanted in declared | _probed(pod):
        return False
    said = re.compile(rf"(?<![\d.]){wanted}(?!\d)")
    return not any(said.search(str(a)) for v in views for a in _arguments(v.spec)) and not any(
        said.search(line) and re.search("listen|serving|started|bound", line, re.IGNORECASE)
        for v in views
        for line in snapshot.log(v).splitlines()[:50]
    )


def _probed(pod: Obj) -> set[int]:
    """The ports that the pod's probes ask."""
    views = [v for v in containers_of(pod) if not v.init]
    ports = {
        probe_facts(v, mapping(v.spec, f"{k}Probe"))["port_number"] for v in views for k in ("liveness", "readiness")
    }
    return {port for port in ports if port}


def _arguments(spec: Obj) -> list[object]:
    found: list[object] = []
    for key in ("command", "args"):
        if isinstance(spec.get(key), list):
            found += spec[key]
    return found + [text(e, "value") for e in items(spec, "env")]


def _mismatch(snapshot: Snapshot, service: Obj, port: Obj, pod: Obj) -> Observation:
    target = text(port, "targetPort") or text(port, "port")
    ports = [
        f"{number}{f' ({name})' if name else ''}"
        for v in containers_of(pod)
        if not v.init
        for number, name in v.ports().items()
    ]
    workload = snapshot.top(pod)
    facts = {
        "service": name_of(service),
        "namespace": namespace_of(service),
        "port": number(port, "port"),
        "port_name": text(port, "name"),
        "target_port": target,
        "container_ports": ports,
        "workload": name_of(workload),
        "users": list(users_of(snapshot, service)),
    }
    return Observation(
        resource=resource_of(service),
        fault="service_port_mismatch",
        facts=facts,
        evidence=(
            from_object(snapshot, service, f"port {facts['port']} targetPort {target}"),
            from_object(snapshot, pod, f"containerPorts {', '.join(ports) or 'none'}"),
        ),
        since=created(service),
        confidence=0.9,
    )
