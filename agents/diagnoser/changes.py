"""What was altered before the trouble began: templates of successive revisions, audit events, field managers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.diagnoser.changed import managers, writes_to
from agents.diagnoser.fields import Obj, dig, items, kind_of, mapping, moment, resource_of, text
from agents.diagnoser.history import previous, revisions
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Change

MAX_CHANGES = 5
_WINDOW = timedelta(days=14)
_NOISE = ("pod-template-hash", "controller-revision-hash", "kubectl.kubernetes.io/restartedAt")
_NAMED_LISTS = ("containers", "initContainers", "env", "volumes", "volumeMounts", "ports", "imagePullSecrets")


def changes_of(snapshot: Snapshot, seen: Observation) -> list[Change]:
    """Changes of the blamed object, and of the workload that it disturbs when the object itself tells nothing."""
    found: list[Change] = []
    for name in seen.touches[:3]:
        obj = snapshot.find(name)
        if obj is not None:
            found += _changes(snapshot, obj)
        if found:
            break
    return found[:MAX_CHANGES]


def _changes(snapshot: Snapshot, obj: Obj) -> list[Change]:
    found = list(template_changes(snapshot, obj))
    written = list(_audited(snapshot, obj))
    return found or written or list(_managed(snapshot, obj))


def template_changes(snapshot: Snapshot, workload: Obj) -> Iterator[Change]:
    """Field by field, what the present template says and the one before did not."""
    before = previous(snapshot, workload)
    if before is None:
        return
    present = revisions(snapshot, workload)[0]
    at = present.created
    if at is None or snapshot.now - at > _WINDOW:
        return
    who = _author(snapshot, workload)
    for path, old, new in differences(before.template, present.template):
        if not any(noise in path for noise in _NOISE):
            yield Change(
                resource=resource_of(workload),
                field=path,
                before=_shown(old),
                after=_shown(new),
                at=at,
                by=who,
                source="ReplicaSet history" if kind_of(workload) == "Deployment" else "ControllerRevision history",
            )


def _author(snapshot: Snapshot, obj: Obj) -> str | None:
    written = writes_to(snapshot, obj)
    if written:
        return text(written[-1], "user", "username") or None
    known = managers(obj)
    return known[-1][1] if known else None


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Paths where two JSON values differ; members of lists of named objects are matched by name."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(old.get(key), new.get(key), inner.removeprefix("spec.").removeprefix("metadata."))
    elif isinstance(old, list) and isinstance(new, list) and path.split(".")[-1] in _NAMED_LISTS:
        olds, news = ({_identity(m): m for m in side} for side in (old, new))
        for key in dict.fromkeys((*olds, *news)):
            yield from differences(olds.get(key), news.get(key), f"{path}[{key}]")
    elif old != new:
        yield path, old, new


def _identity(member: Any) -> str:
    return text(member, "name") or text(member, "containerPort") or text(member, "mountPath") or str(member)


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict) and set(value) == {"name", "value"}:
        return str(value["value"])[:160]
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return words[:160]


def _audited(snapshot: Snapshot, obj: Obj) -> Iterator[Change]:
    """Each write by a person or a tool, with the fields of the request."""
    for event in reversed(writes_to(snapshot, obj)):
        at = moment(event, "requestReceivedTimestamp")
        request = mapping(event, "requestObject")
        fields = [(k, v) for part in (request, mapping(request, "spec")) for k, v in part.items()]
        told = next(((k, v) for k, v in fields if k not in ("apiVersion", "kind", "metadata", "spec", "status")), None)
        yield Change(
            resource=resource_of(obj),
            field=told[0] if told else text(event, "verb"),
            after=_shown(told[1]) if told else None,
            at=at,
            by=text(event, "user", "username") or None,
            source="audit log",
        )


def _managed(snapshot: Snapshot, obj: Obj) -> Iterator[Change]:
    """The last field manager, unless that was when the object was made or long ago."""
    known = managers(obj)
    if not known:
        return
    at, who = known[-1]
    born = moment(obj, "metadata", "creationTimestamp")
    if (born and at - born < timedelta(minutes=1)) or snapshot.now - at > _WINDOW:
        return
    entry = next((e for e in items(obj, "metadata", "managedFields") if moment(e, "time") == at), {})
    fields = ", ".join(_managed_fields(dig(entry, "fieldsV1")))[:160]
    yield Change(resource=resource_of(obj), field=fields or "object", at=at, by=who, source="managedFields")


def _managed_fields(fields: Any, path: str = "") -> Iterator[str]:
    for key, inner in mapping(fields).items():
        name = key.removeprefix("f:") if key.startswith("f:") else ""
        longer = f"{path}.{name}" if path and name else name or path
        if not mapping(inner):
            if longer and key != ".":
                yield longer
        else:
            yield from _managed_fields(inner, longer)
