"""Containers that end again and again: out of memory, cannot start, or exit for a reason that their log gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.evidence import from_log, from_object, from_status
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import items, mapping, namespace_of, resource_name, resource_of, strings, text
from agents.diagnoser.history import previous
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.log_signs import LogSign, why_it_ended, with_details
from agents.diagnoser.observation import Observation
from agents.diagnoser.probe_kills import killed_by_probe
from agents.diagnoser.quantities import memory_text
from agents.diagnoser.reach import unreachable
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.sources import source_of_text, source_of_variable, sources_of
from agents.diagnoser.trouble import trouble_since

_START_REASONS = ("StartError", "ContainerCannotRun", "RunContainerError")
_DATABASE_RIGHTS = re.compile(
    r"permission denied for (?:table|schema|relation|database|sequence|function)", re.IGNORECASE
)
_MODULE = re.compile(r"(?:Cannot find (?:module|package)|No module named) ['\"]?(?P<name>[@\w./-]+)", re.IGNORECASE)
_PASSWORD = re.compile(r"pass|secret|token|key|cred|auth", re.IGNORECASE)

Reading = Callable[[Snapshot, ContainerView, LogSign, Observation], Observation]
"""Turns a crash whose log says why into the fault that it is."""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per container that crashes now; init containers and kills by probes are other families'."""
    hosts = Hosts(snapshot)
    for view in snapshot.containers:
        if view.end_reason == "OOMKilled" and view.crashing(snapshot.now):
            yield _out_of_memory(snapshot, view)
        elif not view.init and view.crashing(snapshot.now) and not killed_by_probe(snapshot, view):
            yield read_crash(snapshot, hosts, view)


def _out_of_memory(snapshot: Snapshot, view: ContainerView) -> Observation:
    workload = snapshot.top(view.pod)
    facts = container_facts(snapshot, view)
    before = previous(snapshot, workload)
    old = text(before.container(view.name), "resources", "limits", "memory") if before else ""
    if old and old != facts["memory_limit"]:
        facts["before"] = old
    used = snapshot.used_by(view)
    if used is not None and used.memory:
        facts["used"] = memory_text(used.memory)
    limit = facts["memory_limit"] or "none"
    words = f"last state {view.end_reason}, exit code {view.exit_code}, restarts {view.restarts}, memory limit {limit}"
    evidence = [from_status(snapshot, view, words)]
    return Observation(
        resource=resource_of(workload),
        fault="oom_killed",
        facts=facts,
        evidence=tuple(evidence),
        since=trouble_since(snapshot, view.pod),
        confidence=0.98,
    )


def read_crash(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> Observation:
    """The fault behind one crashing container, from its status and its log."""
    workload = snapshot.top(view.pod)
    ended = f"exit code {view.exit_code}, reason {view.end_reason}, restarts {view.restarts}"
    state = f"{view.waiting_reason or 'ended'}: {ended}"
    seen = Observation(
        resource=resource_of(workload),
        fault="crash_app_error",
        facts=container_facts(snapshot, view),
        evidence=(from_status(snapshot, view, state),),
        role="symptom",
        since=trouble_since(snapshot, view.pod),
        confidence=0.6,
    )
    message = text(view.ended, "message") or view.waiting_message
    if view.end_reason in _START_REASONS or view.waiting_reason in _START_REASONS or view.exit_code in (126, 127):
        return _cannot_start(snapshot, view, message, seen)
    sign = why_it_ended(snapshot.log(view)) or why_it_ended(message if text(view.ended, "message") else "")
    if sign is None:
        return seen
    seen = replace(
        seen, facts={**seen.facts, "message": sign.line}, evidence=(*seen.evidence, from_log(snapshot, view, sign.line))
    )
    if sign.sign in ("name", "connection"):
        return unreachable(snapshot, hosts, view, sign, seen, "crash_dependency")
    reading = _READINGS.get(sign.sign)
    return reading(snapshot, view, sign, seen) if reading else replace(seen, confidence=0.75)


def _cannot_start(snapshot: Snapshot, view: ContainerView, message: str, seen: Observation) -> Observation:
    sign = why_it_ended(snapshot.log(view))
    words = message if "exec" in message or not sign else sign.line
    command = [*strings(view.spec, "command"), *strings(view.spec, "args")]
    facts = {**seen.facts, "message": words, "command": " ".join(command)}
    before = previous(snapshot, snapshot.top(view.pod))
    if before:
        old = before.container(view.name)
        facts["before"] = " ".join([*strings(old, "command"), *strings(old, "args")])
        if facts["before"] == facts["command"]:
            facts["before"] = ""
    fault = "image_arch_unsupported" if "exec format error" in words else "crash_bad_command"
    evidence = (*seen.evidence, from_status(snapshot, view, words)) if words else seen.evidence
    return replace(seen, fault=fault, role="cause", facts=facts, evidence=evidence, confidence=0.96)


def _environment(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    """Blames the ConfigMap or Secret that gives the variable a wrong value, else the workload that lacks it."""
    variable = sign.variable
    facts = {**seen.facts, "variable": variable}
    source = source_of_variable(snapshot, view, variable) if variable else None
    if source is not None:
        facts |= {"source": source.resource, "key": source.key or variable}
        return replace(
            seen,
            resource=source.resource,
            fault="crash_bad_config",
            role="cause",
            facts=facts,
            affects=(seen.resource,),
        )
    before = previous(snapshot, snapshot.top(view.pod))
    old = (
        next((e for e in items(before.container(view.name), "env") if text(e, "name") == variable), None)
        if before
        else None
    )
    if old is not None:
        reference = old.get("valueFrom") if isinstance(old.get("valueFrom"), dict) else None
        facts["before"] = text(old, "value") or _reference(reference)
        facts["before_entry"] = old
    named = any(text(e, "name") == variable for e in items(view.spec, "env"))
    facts["missing"] = "" if named else variable
    return replace(seen, fault="crash_missing_env", role="cause", facts=facts, confidence=0.95 if variable else 0.8)


def _reference(value_from: object) -> str:
    for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        name, key = text(value_from, field, "name"), text(value_from, field, "key")
        if name:
            return f"{kind} {name}, key {key}"
    return ""


def _configuration(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    source = source_of_text(snapshot, view, snapshot.log(view)[-4000:] if not sign.paths else sign.line)
    source = source or source_of_text(snapshot, view, sign.line)
    if source is None:
        told = with_details(snapshot.log(view), sign.line)
        return replace(seen, facts={**seen.facts, "message": told}, confidence=0.7)
    facts = {**seen.facts, "source": source.resource, "key": source.key, "path": source.path}
    facts["message"] = with_details(snapshot.log(view), sign.line)
    return replace(
        seen, resource=source.resource, fault="crash_bad_config", role="cause", facts=facts, affects=(seen.resource,)
    )


def _login(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    """Credentials that are refused come from a Secret, when one gives a variable that reads like a password."""
    sources = [s for s in sources_of(view) if s.kind == "Secret"]
    named = [s for s in sources if _PASSWORD.search(s.variable or s.key)] or sources
    if not named:
        return replace(seen, fault="crash_missing_env", role="cause", confidence=0.6)
    facts = {**seen.facts, "source": named[0].resource, "key": named[0].key}
    return replace(
        seen,
        resource=named[0].resource,
        fault="crash_bad_config",
        role="cause",
        facts=facts,
        affects=(seen.resource,),
        confidence=0.8,
    )


def _permission(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    if _DATABASE_RIGHTS.search(sign.line):
        return replace(seen, confidence=0.75)
    context = {**mapping(view.pod, "spec", "securityContext"), **mapping(view.spec, "securityContext")}
    told = [f"{key}={str(value).lower()}" for key, value in context.items() if isinstance(value, (int, str))]
    facts = {**seen.facts, "security_context": told, "path": next(iter(sign.paths), "")}
    return replace(seen, fault="crash_permission", role="cause", facts=facts, confidence=0.93)


def _certificate(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    """Blames the mounted Secret whose certificate is out of date; without one, the mounted Secret that is named."""
    secrets = [s for s in sources_of(view) if s.kind == "Secret"]
    for source in secrets:
        shape = snapshot.secrets.get((source.namespace, source.name))
        if shape and shape.not_after and shape.not_before and not shape.not_before <= snapshot.now <= shape.not_after:
            facts = {
                **seen.facts,
                "source": source.resource,
                "not_before": f"{shape.not_before:%Y-%m-%dT%H:%M:%SZ}",
                "not_after": f"{shape.not_after:%Y-%m-%dT%H:%M:%SZ}",
            }
            return _blame_certificate(seen, source.resource, facts, 0.97)
    by_path = [s for s in secrets if s.path and s.path in sign.line] or [s for s in secrets if s.path]
    if by_path:
        return _blame_certificate(seen, by_path[0].resource, {**seen.facts, "source": by_path[0].resource}, 0.8)
    return replace(seen, confidence=0.7)


def _blame_certificate(seen: Observation, resource: str, facts: dict[str, Any], confidence: float) -> Observation:
    return replace(
        seen,
        resource=resource,
        fault="crash_cert_expired",
        role="cause",
        facts=facts,
        affects=(seen.resource,),
        confidence=confidence,
    )


def _disk_full(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    claims = {
        text(v, "name"): text(v, "persistentVolumeClaim", "claimName") for v in items(view.pod, "spec", "volumes")
    }
    mounts = {text(m, "mountPath"): claims.get(text(m, "name"), "") for m in items(view.spec, "volumeMounts")}
    mounts = {path: claim for path, claim in mounts.items() if claim}
    if not mounts:
        return replace(seen, confidence=0.7)
    path = next((p for p in mounts if p in sign.line), next(iter(mounts)))
    namespace = namespace_of(view.pod)
    claim = snapshot.get("PersistentVolumeClaim", namespace, mounts[path])
    facts = {
        **seen.facts,
        "claim": mounts[path],
        "path": path,
        "size": text(claim, "status", "capacity", "storage") or text(claim, "spec", "resources", "requests", "storage"),
        "storage_class": text(claim, "spec", "storageClassName"),
    }
    evidence = (
        seen.evidence if claim is None else (*seen.evidence, from_object(snapshot, claim, f"capacity {facts['size']}"))
    )
    return replace(
        seen,
        resource=resource_name(namespace, "PersistentVolumeClaim", mounts[path]),
        fault="volume_full",
        role="cause",
        facts=facts,
        evidence=evidence,
        affects=(seen.resource,),
        confidence=0.95,
    )


def _command(snapshot: Snapshot, view: ContainerView, sign: LogSign, seen: Observation) -> Observation:
    """A module that is missing is the image's fault, unless it is the one that the command asks for."""
    missing = _MODULE.search(sign.line)
    asked = " ".join([*strings(view.spec, "command"), *strings(view.spec, "args")])
    if (
        missing
        and missing["name"].rsplit("/", 1)[-1].split(".")[0] not in asked
        and not missing["name"].startswith("/")
    ):
        return replace(seen, confidence=0.8)
    return _cannot_start(snapshot, view, sign.line, seen)


_READINGS: dict[str, Reading] = {
    "environment": _environment,
    "configuration": _configuration,
    "login": _login,
    "permission": _permission,
    "certificate": _certificate,
    "disk_full": _disk_full,
    "command": _command,
    "architecture": _command,
}
