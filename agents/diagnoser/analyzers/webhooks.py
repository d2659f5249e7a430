"""Admission webhooks that cannot be called and refuse everything by that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from agents.diagnoser.analyzers.quotas import refusals
from agents.diagnoser.events import view_event
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import Obj, items, mapping, moment, name_of, number, resource_name, resource_of, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Evidence

KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_CALL = re.compile(r"failed calling webhook \\?\"(?P<name>[^\"\\]+)\\?\"(?P<why>.*)$", re.DOTALL)
_URL = re.compile(r"https://(?P<service>[\w-]+)\.(?P<namespace>[\w-]+)\.svc")
_FRESH = timedelta(hours=2)


@dataclass(frozen=True)
class _Failure:
    webhook: str
    message: str
    evidence: Evidence
    affected: str


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per configuration whose webhook cannot be called, with what waits for it."""
    for failure in _failures(snapshot):
        owner = _configuration(snapshot, failure)
        if owner is not None:
            yield _observation(snapshot, *owner, failure)
    if snapshot.can_see("Service"):
        yield from _left_over(snapshot)


def _left_over(snapshot: Snapshot) -> Iterator[Observation]:
    """Webhooks that must answer and whose Service is gone, whether or not anybody has complained yet."""
    for config, hook in ((c, h) for kind in KINDS for c in snapshot.kind(kind) for h in items(c, "webhooks")):
        service = mapping(hook, "clientConfig", "service")
        name, namespace = text(service, "name"), text(service, "namespace")
        if text(hook, "failurePolicy") != "Fail" or not name or snapshot.get("Service", namespace, name) is not None:
            continue
        told = f"webhook {text(hook, 'name')} calls Service {namespace}/{name}, which is not found"
        failure = _Failure(text(hook, "name"), told, from_object(snapshot, config, told), "")
        yield replace(_observation(snapshot, config, hook, failure), confidence=0.8)


def _failures(snapshot: Snapshot) -> Iterator[_Failure]:
    """What the API refuses now: controllers without their pods, then fresh events about anything else."""
    for refusal in refusals(snapshot):
        found = _CALL.search(refusal.message)
        if found:
            yield _Failure(found["name"], refusal.message, refusal.evidence[0], snapshot.top_name(refusal.controller))
    for event in snapshot.kind("Event"):
        view = view_event(event)
        found = _CALL.search(view.message)
        if found is None or not view.warning or view.kind in ("ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
            continue
        if view.last is None or snapshot.now - view.last <= _FRESH:
            affected = resource_name(view.namespace, view.kind, view.name)
            yield _Failure(found["name"], view.message, from_event(snapshot, view), affected)
    for event in snapshot.audit:
        message, about = text(event, "responseStatus", "message"), mapping(event, "objectRef")
        found, at = _CALL.search(message), moment(event, "requestReceivedTimestamp")
        if found and at and snapshot.now - at <= _FRESH:
            line = f"{text(event, 'verb')} {text(about, 'resource')} by {text(event, 'user', 'username')}: {message}"
            evidence = Evidence(
                source="audit log", query=f"code=500 {found['name']}", observed_at=at, excerpt=line[:400]
            )
            yield _Failure(found["name"], message, evidence, "")


def _configuration(snapshot: Snapshot, failure: _Failure) -> tuple[Obj, Obj] | None:
    """The configuration that holds the webhook, and the webhook."""
    for kind in KINDS:
        for config in snapshot.kind(kind):
            for hook in items(config, "webhooks"):
                if text(hook, "name") == failure.webhook:
                    return config, hook
    return None


def _observation(snapshot: Snapshot, config: Obj, hook: Obj, failure: _Failure) -> Observation:
    service = mapping(hook, "clientConfig", "service")
    called = _URL.search(failure.message)
    name = text(service, "name") or (called["service"] if called else "")
    namespace = text(service, "namespace") or (called["namespace"] if called else "")
    present = snapshot.get("Service", namespace, name) is not None
    found = _CALL.search(failure.message)
    policy = text(hook, "failurePolicy") or "Fail"
    facts = {
        "configuration": name_of(config),
        "webhook": failure.webhook,
        "policy": policy,
        "timeout": number(hook, "timeoutSeconds") or 10,
        "service": f"{namespace}/{name}" if name else text(hook, "clientConfig", "url"),
        "missing_service": "" if present or not name or not snapshot.can_see("Service") else f"{namespace}/{name}",
        "why": (found["why"] if found else failure.message).lstrip(": "),
        "victims": [failure.affected] if failure.affected else [],
    }
    told = f"webhook {failure.webhook}: failurePolicy {policy}, timeoutSeconds {facts['timeout']}, {facts['service']}"
    return Observation(
        resource=resource_of(config),
        fault="admission_webhook_failing",
        facts=facts,
        evidence=(failure.evidence, from_object(snapshot, config, told)),
        role="symptom" if present else "cause",
        affects=(failure.affected,) if failure.affected else (),
        waits_for=(resource_name(namespace, "Service", name),) if present else (),
        confidence=0.95,
    )
