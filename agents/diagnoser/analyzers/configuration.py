"""ConfigMaps, Secrets and keys that a pod names and that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches

from agents.diagnoser.changed import changed_at
from agents.diagnoser.containers import containers_of
from agents.diagnoser.evidence import from_event, from_object, from_status
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    items,
    kind_of,
    labels,
    moment,
    name_of,
    namespace_of,
    resource_name,
    resource_of,
    text,
)
from agents.diagnoser.history import previous, rolled_at
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready
from agents.diagnoser.sources import sources_of
from agents.diagnoser.suspects import secrets_of
from agents.runtime.findings import Evidence

_WAITING = ("CreateContainerConfigError", "CreateContainerError")
_OBJECT = re.compile(r"(?P<kind>secret|configmap) \"(?P<name>[^\"]+)\" not found", re.IGNORECASE)
_KEY = re.compile(
    r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) (?:[\w.-]+/)?(?P<name>[\w.-]+)", re.IGNORECASE
)
_FILE = re.compile(r"references non-existent (?P<kind>secret|config) key: (?P<key>\S+)", re.IGNORECASE)
_NON_ROOT = re.compile(r"runAsNonRoot|run as root|non-numeric user", re.IGNORECASE)
_SETTLED = timedelta(hours=1)
_LONG_AGO = timedelta(days=1)
_VOLUME = re.compile(r"for volume \"([^\"]+)\"")


@dataclass(frozen=True)
class _Complaint:
    message: str
    evidence: Evidence
    container: str = ""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per missing object or key and workload."""
    for pod in snapshot.active_pods:
        if is_ready(pod):
            continue
        for complaint in _complaints(snapshot, pod):
            seen = _read(snapshot, pod, complaint)
            if seen is not None:
                yield seen


def _complaints(snapshot: Snapshot, pod: Obj) -> Iterator[_Complaint]:
    creating = False
    for view in containers_of(pod):
        creating = creating or view.waiting_reason in ("ContainerCreating", "PodInitializing")
        if view.waiting_reason in _WAITING:
            words = f"{view.waiting_reason}: {view.waiting_message}"
            yield _Complaint(view.waiting_message, from_status(snapshot, view, words), view.name)
    if creating:
        for event in snapshot.events_of(pod, "FailedMount")[-1:]:
            yield _Complaint(event.message, from_event(snapshot, event))


def _read(snapshot: Snapshot, pod: Obj, complaint: _Complaint) -> Observation | None:
    workload = snapshot.top(pod)
    facts = {
        "workload": name_of(workload),
        "kind": kind_of(workload),
        "namespace": namespace_of(pod),
        "container": complaint.container,
        "message": complaint.message,
        "pods": [name_of(pod)],
    }
    seen = Observation(
        resource=resource_of(workload),
        fault="",
        facts=facts,
        evidence=(complaint.evidence,),
        since=created(pod),
        confidence=0.97,
    )
    if found := _OBJECT.search(complaint.message):
        return _missing_object(snapshot, workload, seen, found["kind"], found["name"])
    if found := _KEY.search(complaint.message):
        return _missing_key(snapshot, pod, seen, found["kind"], found["name"], found["key"])
    if found := _FILE.search(complaint.message):
        kind = "Secret" if found["kind"].lower() == "secret" else "ConfigMap"
        volume = _VOLUME.search(complaint.message)
        return _missing_key(
            snapshot, pod, seen, kind, _volume_source(pod, kind, volume[1] if volume else ""), found["key"]
        )
    if _NON_ROOT.search(complaint.message):
        return replace(seen, fault="crash_permission")
    return None


def _volume_source(pod: Obj, kind: str, volume: str) -> str:
    for entry in items(pod, "spec", "volumes"):
        if text(entry, "name") == volume:
            return text(entry, "secret", "secretName") if kind == "Secret" else text(entry, "configMap", "name")
    return ""


def _missing_object(snapshot: Snapshot, workload: Obj, seen: Observation, kind: str, name: str) -> Observation:
    kind = "Secret" if kind.lower() == "secret" else "ConfigMap"
    here = [name_of(o) for o in snapshot.in_namespace(kind, namespace_of(workload))]
    before = previous(snapshot, workload)
    old = _names_of_kind(before.template, kind) if before else []
    close = [n for n in old if n in here] or get_close_matches(name, here, n=1, cutoff=0.7)
    elsewhere = [resource_of(o) for o in snapshot.kind(kind) if name_of(o) == name]
    facts = {
        **seen.facts,
        "missing_kind": kind,
        "missing": name,
        "near": close[0] if close else "",
        "elsewhere": elsewhere,
        "before": next((n for n in old if n != name), ""),
    }
    return replace(seen, fault=f"{kind.lower()}_missing", facts=facts)


def _names_of_kind(template: Obj, kind: str) -> list[str]:
    as_pod = {**template, "kind": "Pod"}
    if kind == "Secret":
        return secrets_of(as_pod)
    found: list[str] = []
    for view in containers_of(as_pod):
        found += [s.name for s in sources_of(view) if s.kind == kind]
    return list(dict.fromkeys(found))


def _missing_key(snapshot: Snapshot, pod: Obj, seen: Observation, kind: str, name: str, key: str) -> Observation:
    """Blames the ConfigMap or Secret when the key was there before: an older pod of the same template has it."""
    kind = "Secret" if kind.lower() == "secret" else "ConfigMap"
    namespace, workload = namespace_of(pod), snapshot.top(pod)
    obj = snapshot.get(kind, namespace, name)
    shape = snapshot.secrets.get((namespace, name))
    keys = list(shape.lengths) if kind == "Secret" and shape else [*labels(obj, "data")]
    close = get_close_matches(key, keys, n=1, cutoff=0.6)
    facts = {
        **seen.facts,
        "missing_kind": kind,
        "object": name,
        "key": key,
        "keys": keys,
        "near": close[0] if close else "",
    }
    seen = replace(seen, fault=f"{kind.lower()}_key_missing", facts=facts)
    if obj is not None:
        seen = replace(
            seen, evidence=(*seen.evidence, from_object(snapshot, obj, f"keys: {', '.join(keys)}", f"{kind} data"))
        )
    changed, rolled = changed_at(snapshot, obj) if obj else None, rolled_at(snapshot, workload)
    older = [p for p in snapshot.active_pods_of(workload) if is_ready(p) and _same_template(p, pod)]
    if older or (changed and rolled and changed > rolled) or _worked(snapshot, workload, pod):
        return replace(seen, resource=resource_name(namespace, kind, name), affects=(seen.resource,))
    return seen


def _worked(snapshot: Snapshot, workload: Obj, pod: Obj) -> bool:
    """Whether the present template has worked before, so that not it but what it names has changed."""
    rolled, born = rolled_at(snapshot, workload), created(pod)
    if rolled is None or born is None:
        return False
    if kind_of(workload) == "Deployment":
        available = condition(workload, "Available")
        lost = moment(available, "lastTransitionTime") if text(available, "status") == "False" else None
        return lost is not None and lost - rolled > _SETTLED and born - rolled > _SETTLED
    return kind_of(workload) in ("StatefulSet", "DaemonSet") and born - rolled > _LONG_AGO


def _same_template(one: Obj, other: Obj) -> bool:
    keys = ("pod-template-hash", "controller-revision-hash")
    return any(
        labels(one, "metadata", "labels").get(k) == labels(other, "metadata", "labels").get(k, "-") for k in keys
    )
