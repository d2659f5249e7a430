"""Admission webhooks that cannot be called and refuse everything by that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from agents.diagnoser.analyzers.quotas import refusals
from agents.diagnoser.events import view_event
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import Obj, items, mapping, name_of, number, resource_name, resource_of, text
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
        "victims": [failure.affected],
    }
    told = f"webhook {failure.webhook}: failurePolicy {policy}, timeoutSeconds {facts['timeout']}, {facts['service']}"
    return Observation(
        resource=resource_of(config),
        fault="admission_webhook_failing",
        facts=facts,
        evidence=(failure.evidence, from_object(snapshot, config, told)),
        role="symptom" if present else "cause",
        affects=(failure.affected,),
        waits_for=(resource_name(namespace, "Service", name),) if present else (),
        confidence=0.95,
    )
