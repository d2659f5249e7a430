"""Probes: those that cannot pass, those that are too impatient, and applications that really are not ready."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.events import EventView
from agents.diagnoser.evidence import from_event, from_log, from_object, from_status
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import Obj, condition, dig, mapping, moment, number, resource_of, strings, text
from agents.diagnoser.history import previous
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.log_signs import classify, why_it_ended, why_not_ready
from agents.diagnoser.observation import Observation
from agents.diagnoser.probe_kills import killed_by_probe, kills, probe_failures
from agents.diagnoser.reach import unreachable
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.trouble import trouble_since

_WRONG_ANSWER = re.compile(r"statuscode: (?:4\d\d|3\d\d)")
_SERVER_ERROR = re.compile(r"statuscode: 5\d\d")
_WRONG_SCHEME = re.compile(
    r"HTTP response to HTTPS client|malformed HTTP|first record does not look like a TLS|tls:|x509", re.IGNORECASE
)
_WRONG_COMMAND = re.compile(
    r"no such file|not found|executable file|permission denied|OCI runtime exec failed|exec failed", re.IGNORECASE
)
_TIMEOUT = re.compile(r"deadline exceeded|Client\.Timeout|timed? ?out|timeout", re.IGNORECASE)
_REFUSED = re.compile(r"connection refused|no route to host|reset by peer|\bEOF\b", re.IGNORECASE)
_UNKNOWN_GRPC = re.compile(r"unimplemented|unknown service|service unknown", re.IGNORECASE)
_LISTENING = re.compile(
    r"(?:listen\w*|serving|started|bound|port|addr\w*)\b[^\n]{0,40}?[:\s\"=](\d{2,5})\b", re.IGNORECASE
)
_GRACE = timedelta(minutes=3)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Kills by liveness and startup probes, then containers that run and are not ready."""
    hosts = Hosts(snapshot)
    for view in snapshot.containers:
        if view.init:
            continue
        if killed_by_probe(snapshot, view) and (view.crashing(snapshot.now) or _killed_lately(snapshot, view)):
            yield _kill(snapshot, hosts, view)
        elif view.running and not view.ready and not view.crashing(snapshot.now):
            seen = _unready(snapshot, hosts, view)
            if seen is not None:
                yield seen


def _killed_lately(snapshot: Snapshot, view: ContainerView) -> bool:
    last = max((e.last for e in kills(snapshot, view) if e.last), default=None)
    return last is not None and snapshot.now - last <= timedelta(minutes=15) and view.restarts > 1


def _base(snapshot: Snapshot, view: ContainerView, kind: str, event: EventView | None, fault: str) -> Observation:
    """The observation with the probe's settings and its present complaint as facts."""
    probe = mapping(view.spec, f"{kind}Probe")
    facts = {**container_facts(snapshot, view), **probe_facts(view, probe), "probe": kind}
    before = previous(snapshot, snapshot.top(view.pod))
    if before:
        old = mapping(before.container(view.name), f"{kind}Probe")
        if old and old != probe:
            facts["before"] = probe_facts(view, old)["asks"]
            facts["before_probe"] = old
    evidence = [from_object(snapshot, view.pod, f"{kind}Probe of {view.name}: {facts['asks']}, {facts['timing']}")]
    if event is not None:
        facts |= {"message": event.message, "failures": event.count}
        evidence.append(from_event(snapshot, event))
    return Observation(
        resource=resource_of(snapshot.top(view.pod)),
        fault=fault,
        facts=facts,
        evidence=tuple(evidence),
        since=trouble_since(snapshot, view.pod),
        confidence=0.9,
    )


def probe_facts(view: ContainerView, probe: Obj) -> dict[str, Any]:
    """What a probe asks, of which port, and how patiently, in words of the API."""
    http, tcp, grpc, command = (mapping(probe, k) for k in ("httpGet", "tcpSocket", "grpc", "exec"))
    asked = text(http or tcp or grpc, "port")
    names = {name: number for number, name in view.ports().items() if name}
    port = names.get(asked, int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0)
    if http:
        asks = f"httpGet {text(http, 'scheme') or 'HTTP'} {text(http, 'path') or '/'} on port {asked}"
    elif tcp or grpc:
        asks = f"{'tcpSocket' if tcp else 'grpc'} on port {asked}"
    else:
        asks = f"exec {' '.join(strings(command, 'command'))}"
    settings = [
        (k, number(probe, k)) for k in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold")
    ]
    return {
        "asks": asks,
        "asked_port": asked,
        "port_number": port or "",
        "path": text(http, "path"),
        "timing": ", ".join(f"{name}={value}" for name, value in settings if value or name != "initialDelaySeconds"),
        "container_ports": [str(p) for p in view.ports()],
    }


def is_wrong(snapshot: Snapshot, view: ContainerView, probe: Obj, message: str) -> bool:
    """Whether the probe itself is at fault: it asks for something that this container does not have."""
    if _WRONG_ANSWER.search(message) or _WRONG_SCHEME.search(message) or _UNKNOWN_GRPC.search(message):
        return True
    if dig(probe, "exec") is not None:
        return bool(_WRONG_COMMAND.search(message))
    facts = probe_facts(view, probe)
    port = facts["port_number"]
    if not port:
        return bool(facts["asked_port"])  # a name that no container port has
    return bool(_REFUSED.search(message) or _TIMEOUT.search(message)) and _not_served(snapshot, view, port)


def _not_served(snapshot: Snapshot, view: ContainerView, port: int) -> bool:
    """Whether nothing suggests that the container listens on a port, and something that it listens elsewhere."""
    listening = {int(p) for p in _LISTENING.findall(snapshot.log(view))}
    if port in listening:
        return False
    if listening & (set(view.ports()) | _probed_ports(view)):
        return True
    return bool(view.ports()) and port not in view.ports()


def _probed_ports(view: ContainerView) -> set[int]:
    found = (probe_facts(view, mapping(view.spec, f"{kind}Probe"))["port_number"] for kind in ("liveness", "readiness"))
    return {port for port in found if port}


def _kill(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> Observation:
    failures = probe_failures(snapshot, view, "Liveness", "Startup")
    startup = any("startup probe" in e.message for e in kills(snapshot, view)[-1:]) or (
        bool(failures) and failures[-1].message.startswith("Startup")
    )
    kind = "startup" if startup else "liveness"
    event = next((e for e in reversed(failures) if e.message.lower().startswith(kind)), None)
    probe = mapping(view.spec, f"{kind}Probe")
    seen = _base(snapshot, view, kind, event, "probe_liveness_too_aggressive")
    ended = f"exit code {view.exit_code} after {_lived(view)}, restarts {view.restarts}"
    evidence = (
        *seen.evidence,
        from_status(snapshot, view, ended),
        *(from_event(snapshot, e) for e in kills(snapshot, view)[-1:]),
    )
    seen = replace(seen, facts={**seen.facts, "lived": _lived(view)}, evidence=evidence)
    message = event.message if event else ""
    if is_wrong(snapshot, view, probe, message):
        return replace(seen, fault="probe_liveness_misconfigured", confidence=0.95)
    sign = why_it_ended(snapshot.log(view))
    if sign is not None and sign.sign in ("name", "connection") and _SERVER_ERROR.search(message):
        return replace(unreachable(snapshot, hosts, view, sign, seen, seen.fault), role="symptom")
    return seen


def _lived(view: ContainerView) -> str:
    start = moment(view.ended, "startedAt")
    return f"{int((view.ended_at - start).total_seconds())}s" if start and view.ended_at else ""


def _unready(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> Observation | None:
    probe = mapping(view.spec, "readinessProbe")
    failures = probe_failures(snapshot, view, "Readiness")
    event = failures[-1] if failures else None
    if not probe or not _long_enough(snapshot, view):
        return None
    message = event.message if event else ""
    seen = _base(snapshot, view, "readiness", event, "readiness_failing")
    if is_wrong(snapshot, view, probe, message):
        return replace(seen, fault="probe_readiness_misconfigured", confidence=0.93)
    sign = why_not_ready(snapshot.log(view, previous=False))
    seen = replace(seen, role="symptom", confidence=0.75)
    if sign is None:
        return seen
    facts = {**seen.facts, "log": sign.line}
    seen = replace(seen, facts=facts, evidence=(*seen.evidence, from_log(snapshot, view, sign.line)))
    if classify(sign.line) in ("name", "connection"):
        read = unreachable(snapshot, hosts, view, sign, seen, "readiness_failing")
        return read if read.fault == "readiness_failing" else replace(read, role="cause")
    return seen


def _long_enough(snapshot: Snapshot, view: ContainerView) -> bool:
    """A container that has just started, or has just become unready, may still find its feet."""
    since = moment(condition(view.pod, "Ready"), "lastTransitionTime") or view.running_since
    delay = timedelta(seconds=number(view.spec, "readinessProbe", "initialDelaySeconds"))
    return since is None or snapshot.now - since > _GRACE + delay
