"""Custom resources whose operator says that it cannot do what they ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from agents.diagnoser.containers import containers_of
from agents.diagnoser.custom import (
    Report,
    custom_owner,
    is_custom,
    owned_by,
    products_of,
    references_of,
    report_of,
)
from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import (
    Obj,
    created,
    is_deleting,
    items,
    kind_of,
    name_of,
    namespace_of,
    resource_name,
    resource_of,
    text,
)
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.log_signs import classify, hosts_in
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_active
from agents.diagnoser.sources import sources_of
from agents.diagnoser.suspects import secrets_of

_YOUNG = timedelta(minutes=3)
_FRESH = timedelta(hours=2)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per custom resource that is reported to be wrong at present."""
    for obj in snapshot.objects:
        if not is_custom(obj) or is_deleting(obj):
            continue
        born = created(obj)
        report = report_of(obj) or _by_events(snapshot, obj)
        if report is not None and (born is None or snapshot.now - born > _YOUNG):
            seen = _observation(snapshot, obj, report)
            owner = custom_owner(snapshot, obj)
            made_for = owner is not None and report_of(owner) is not None
            yield replace(seen, role="effect") if made_for else seen


def _by_events(snapshot: Snapshot, obj: Obj) -> Report | None:
    """An operator that writes no status may still complain again and again."""
    if items(obj, "status", "conditions"):
        return None
    events = [
        e for e in snapshot.events_of(obj) if e.warning and e.count > 2 and e.last and snapshot.now - e.last <= _FRESH
    ]
    if not events:
        return None
    return Report(events[-1].reason, (events[-1].message,), (), events[-1].first)


def _observation(snapshot: Snapshot, obj: Obj, report: Report) -> Observation:
    events = [e for e in snapshot.events_of(obj) if e.warning]
    messages = list(dict.fromkeys([*report.messages, *(e.message for e in events[-1:]), *_from_below(snapshot, obj)]))
    facts = {
        "kind": kind_of(obj),
        "name": name_of(obj),
        "where": f" in namespace {namespace_of(obj)}" if namespace_of(obj) else "",
        "where_zh": f"命名空间 {namespace_of(obj)} 的 " if namespace_of(obj) else "",
        "reason": report.reason,
        "message": " | ".join(messages),
        "conditions": list(report.conditions),
    }
    victims = list(_victims(snapshot, obj))
    told = f"{', '.join(report.conditions)}: {messages[0] if messages else ''}"
    return Observation(
        resource=resource_of(obj),
        fault="custom_resource_rejected",
        facts={**facts, "victims": [v for v in victims if "/Secret/" not in v and "/ConfigMap/" not in v]},
        evidence=(
            from_object(snapshot, obj, told, f"{kind_of(obj)} status"),
            *(from_event(snapshot, e) for e in events[-1:]),
        ),
        role="symptom",
        since=report.since,
        affects=tuple(dict.fromkeys(victims)),
        waits_for=tuple(
            dict.fromkeys(
                r for r in (*_called(snapshot, obj, messages), *references_of(snapshot, obj)) if r != resource_of(obj)
            )
        ),
        confidence=0.9,
    )


def _called(snapshot: Snapshot, obj: Obj, messages: list[str]) -> Iterator[str]:
    """Services in the cluster that the operator says it cannot reach."""
    hosts = Hosts(snapshot)
    for message in messages:
        for host, port in hosts_in(message) if classify(message) in ("connection", "name") else ():
            target = hosts.target(host, port, namespace_of(obj))
            if target.meaning == "service" and target.obj is not None:
                yield resource_of(target.obj)


def _from_below(snapshot: Snapshot, obj: Obj, depth: int = 0) -> Iterator[str]:
    """What is said about custom resources that were made for this one: an order, a challenge."""
    for child in owned_by(snapshot, obj) if depth < 4 else []:
        report = report_of(child) if is_custom(child) else None
        yield from report.messages[:1] if report else ()
        yield from _from_below(snapshot, child, depth + 1)


def _victims(snapshot: Snapshot, obj: Obj) -> Iterator[str]:
    """What the resource should make, and who needs that and does not have it."""
    namespace = namespace_of(obj)
    for kind, name in dict.fromkeys(products_of(obj)):
        product = resource_name(namespace, kind, name)
        users = list(_users(snapshot, namespace, kind, name))
        if users:
            yield product
            yield from users


def _users(snapshot: Snapshot, namespace: str, kind: str, name: str) -> Iterator[str]:
    for pod in snapshot.in_namespace("Pod", namespace):
        if not is_active(pod):
            continue
        named = secrets_of(pod) if kind == "Secret" else [
            s.name for v in containers_of(pod) for s in sources_of(v) if s.kind == kind
        ]  # fmt: skip
        if name in named:
            yield snapshot.top_name(pod)
    for ingress in snapshot.in_namespace("Ingress", namespace) if kind == "Secret" else []:
        if any(text(tls, "secretName") == name for tls in items(ingress, "spec", "tls")):
            yield resource_of(ingress)
    for gateway in snapshot.kind("Gateway") if kind == "Secret" else []:
        for listener in items(gateway, "spec", "listeners"):
            for reference in items(listener, "tls", "certificateRefs"):
                where = text(reference, "namespace") or namespace_of(gateway)
                if (where, text(reference, "name")) == (namespace, name):
                    yield resource_of(gateway)
