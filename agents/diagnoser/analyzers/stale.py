"""Pods that still run with what a ConfigMap or Secret said before it was changed: as variables, or by subPath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.diagnoser.changed import WRITES, managers, writes_to
from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.evidence import from_object
from agents.diagnoser.facts import workload_facts
from agents.diagnoser.fields import (
    Obj,
    created,
    dig,
    items,
    kind_of,
    mapping,
    moment,
    name_of,
    resource_of,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.sources import Source, sources_of

_WINDOW = timedelta(days=14)
_SETTLING = timedelta(minutes=2)
_DATA = ("data", "stringData", "binaryData")


@dataclass(frozen=True)
class _Change:
    at: datetime
    by: str
    keys: frozenset[str]
    """Keys that are known to be touched; none when that is not known."""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per workload and changed object, when none of its containers has seen the new content."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for workload in snapshot.kind(kind):
            yield from _of_workload(snapshot, workload)


def _of_workload(snapshot: Snapshot, workload: Obj) -> Iterator[Observation]:
    views = [v for pod in snapshot.active_pods_of(workload) for v in containers_of(pod) if not v.init]
    for source in dict.fromkeys(s for v in views for s in sources_of(v) if _frozen(s)):
        obj = snapshot.get(source.kind, source.namespace, source.name)
        change = _last_change(snapshot, obj) if obj is not None else None
        if obj is None or change is None or (source.key and change.keys and source.key not in change.keys):
            continue
        if not _SETTLING <= snapshot.now - change.at <= _WINDOW:
            continue
        users = [v for v in views if source in sources_of(v)]
        starts = [v.running_since for v in users]
        if users and all(at is not None and at < change.at for at in starts):
            yield _observation(snapshot, workload, obj, source, change, users)


def _frozen(source: Source) -> bool:
    """Whether the kubelet never brings new content into a running container: variables and subPath mounts."""
    return not source.path or bool(source.key)


def _last_change(snapshot: Snapshot, obj: Obj) -> _Change | None:
    """When the content was last written after the object was made."""
    born, found = created(obj), list[_Change]()
    for event in writes_to(snapshot, obj):
        at, request = moment(event, "requestReceivedTimestamp"), mapping(event, "requestObject")
        if at and text(event, "verb") in WRITES and (not request or any(key in request for key in _DATA)):
            found.append(_Change(at, text(event, "user", "username"), frozenset()))
    known = {who for _, who in managers(obj)}
    for entry in items(obj, "metadata", "managedFields"):
        at, fields = moment(entry, "time"), mapping(entry, "fieldsV1")
        touched = [k.removeprefix("f:") for key in _DATA for k in mapping(fields, f"f:{key}") if k.startswith("f:")]
        if at and text(entry, "manager") in known and (touched or not fields):
            found.append(_Change(at, text(entry, "manager"), frozenset(touched)))
    late = [c for c in found if born is None or c.at - born > timedelta(seconds=30)]
    return max(late, key=lambda c: c.at, default=None)


def _observation(
    snapshot: Snapshot, workload: Obj, obj: Obj, source: Source, change: _Change, users: list[ContainerView]
) -> Observation:
    start = min(at for v in users if (at := v.running_since))
    used_as = f"subPath {source.key}" if source.path else "env" if source.variable else "envFrom"
    facts = {
        **workload_facts(workload),
        "container": users[0].name,
        "source": resource_of(obj),
        "source_kind": kind_of(obj),
        "source_name": name_of(obj),
        "used_as": used_as,
        "path": source.path,
        "variable": source.variable,
        "changed_at": f"{change.at:%Y-%m-%dT%H:%M:%SZ}",
        "by": change.by,
        "started_at": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "keys": sorted(change.keys),
        "now": [f"{k}={v}" for k in sorted(change.keys) if (v := text(obj, "data", k)) and kind_of(obj) == "ConfigMap"],
        "pods": [name_of(v.pod) for v in users],
    }
    immutable = dig(obj, "immutable") is True
    return Observation(
        resource=resource_of(workload),
        fault="config_stale",
        facts=facts,
        evidence=(
            from_object(snapshot, obj, f"changed at {facts['changed_at']} by {change.by}", "managedFields"),
            from_object(
                snapshot, users[0].pod, f"{users[0].name} runs since {facts['started_at']}, {used_as}", "pod status"
            ),
        ),
        since=change.at,
        confidence=0.6 if immutable else 0.85,
    )
