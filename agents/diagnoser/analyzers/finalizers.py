"""Objects that somebody deleted and whose finalizer nobody removes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from agents.diagnoser.analyzers.volumes import claims_of
from agents.diagnoser.evidence import from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    is_deleting,
    items,
    kind_of,
    moment,
    name_of,
    namespace_of,
    resource_of,
    strings,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot

_PATIENCE = timedelta(minutes=10)
_NORMAL = ("batch.kubernetes.io/job-tracking",)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Objects with finalizers first; Namespaces and definitions wait for what is inside them."""
    for obj in snapshot.objects:
        at = moment(obj, "metadata", "deletionTimestamp") if is_deleting(obj) else None
        if at is None or snapshot.now - at < _PATIENCE:
            continue
        kind = kind_of(obj)
        if kind == "Namespace":
            yield _namespace(snapshot, obj)
        elif strings(obj, "metadata", "finalizers"):
            finalizers = [f for f in strings(obj, "metadata", "finalizers") if f not in _NORMAL]
            if finalizers and kind != "Event":
                yield _object(snapshot, obj, finalizers)


def _base(snapshot: Snapshot, obj: Obj, finalizers: list[str]) -> Observation:
    at = text(obj, "metadata", "deletionTimestamp")
    facts = {
        "name": name_of(obj),
        "kind": kind_of(obj),
        "where": f" in namespace {namespace_of(obj)}" if namespace_of(obj) else "",
        "where_zh": f"命名空间 {namespace_of(obj)} 的 " if namespace_of(obj) else "",
        "deleted_at": at,
        "finalizers": finalizers,
    }
    return Observation(
        resource=resource_of(obj),
        fault="finalizer_stuck",
        facts=facts,
        evidence=(
            from_object(snapshot, obj, f"deletionTimestamp {at}, finalizers {', '.join(finalizers)}", "metadata"),
        ),
        since=moment(obj, "metadata", "deletionTimestamp"),
        confidence=0.95,
    )


def _object(snapshot: Snapshot, obj: Obj, finalizers: list[str]) -> Observation:
    seen = _base(snapshot, obj, finalizers)
    users = list(_users(snapshot, obj))
    inside = [o for o in _instances(snapshot, obj) if is_deleting(o)]
    facts = {**seen.facts, "users": users}
    spaces = [f"Namespace/{namespace_of(obj)}"] if namespace_of(obj) else []
    if kind_of(obj) == "CustomResourceDefinition" and inside:
        return replace(seen, role="symptom", waits_for=tuple(resource_of(o) for o in inside))
    if kind_of(obj) == "PersistentVolume":
        claim = (text(obj, "spec", "claimRef", part) for part in ("namespace", "name"))
        waits = "/".join((next(claim), "PersistentVolumeClaim", next(claim)))
        return replace(seen, role="symptom", waits_for=(waits,), facts=facts)
    return replace(seen, facts=facts, affects=(*spaces, *_definition(snapshot, obj)))


def _users(snapshot: Snapshot, obj: Obj) -> Iterator[str]:
    """Pods that still mount a claim that is to go."""
    if kind_of(obj) == "PersistentVolumeClaim":
        for pod in snapshot.in_namespace("Pod", namespace_of(obj)):
            if name_of(obj) in claims_of(pod) and text(pod, "status", "phase") not in ("Succeeded", "Failed"):
                yield name_of(pod)


def _instances(snapshot: Snapshot, definition: Obj) -> list[Obj]:
    return snapshot.kind(text(definition, "spec", "names", "kind"))


def _definition(snapshot: Snapshot, obj: Obj) -> Iterator[str]:
    for definition in snapshot.kind("CustomResourceDefinition"):
        if text(definition, "spec", "names", "kind") == kind_of(obj) and is_deleting(definition):
            yield resource_of(definition)


def _namespace(snapshot: Snapshot, namespace: Obj) -> Observation:
    """A Namespace waits for its content, or for an API that does not answer; only then is it its own finalizer."""
    finalizers = strings(namespace, "spec", "finalizers") + strings(namespace, "metadata", "finalizers")
    seen = _base(snapshot, namespace, finalizers)
    states = [
        c
        for c in items(namespace, "status", "conditions")
        if text(c, "status") == "True" and text(c, "type").startswith("Namespace")
    ]
    messages = [f"{text(c, 'type')}: {text(c, 'message')}" for c in states]
    inside = [o for o in snapshot.objects if namespace_of(o) == name_of(namespace) and is_deleting(o)]
    failing = condition(namespace, "NamespaceDeletionDiscoveryFailure")
    waits = [resource_of(o) for o in inside]
    for api in snapshot.kind("APIService"):
        if text(failing, "status") == "True" and text(api, "spec", "group") in text(failing, "message"):
            waits.append(resource_of(api))
    return replace(
        seen,
        facts={**seen.facts, "message": "; ".join(messages)},
        role="symptom",
        waits_for=tuple(waits),
        confidence=0.8,
    )
