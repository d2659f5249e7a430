"""What an audit event says was changed: field by field, and what an object looked like before it was gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from agents.cluster.audit import AuditEvent
from agents.cluster.redaction import redact_object

MAX_FIELDS = 12
MAX_VALUE = 160
_SKIPPED = ("$setElementOrder", "$retainKeys", "managedFields", "creationTimestamp", "resourceVersion", "uid")
_SKIPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
_MERGE_KEYS = ("name", "containerPort", "port", "mountPath", "key", "type", "ip", "topologyKey")
"""What identifies an element of a list under strategic merge, in the order of preference."""


def fields_of(event: AuditEvent) -> dict[str, str]:
    """The fields that a patch or an update set, and their new values, redacted: `containers[app].image` to `app:2`.

    Empty when the audit policy did not record the request, and for deletions. `null` is a field taken away.
    """
    body = event.raw.get("requestObject")
    if event.verb not in ("patch", "update", "create") or body is None:
        return {}
    leaves = _json_patch(body) if isinstance(body, list) else _leaves(redact_object(body))
    kept: dict[str, str] = {}
    for path, value in leaves:
        if len(kept) == MAX_FIELDS:
            break
        kept[_shortened(path)] = value if len(value) <= MAX_VALUE else value[: MAX_VALUE - 1] + "…"
    return kept


def last_known_object(events: Iterable[AuditEvent]) -> dict[str, Any] | None:
    """What one object looked like last, from the events about it, oldest first; redacted, without bookkeeping.

    A whole object is taken from an answer or a create or update request; later patches are merged into it.
    None when the audit policy recorded no bodies.
    """
    known: dict[str, Any] | None = None
    for event in events:
        if event.code >= 400 or event.reference.get("subresource"):
            continue
        answer, request = event.raw.get("responseObject"), event.raw.get("requestObject")
        if isinstance(answer, dict) and answer.get("kind") not in (None, "Status"):
            known = answer
        elif event.verb in ("create", "update") and isinstance(request, dict):
            known = request
        elif event.verb == "patch" and isinstance(request, dict):
            known = _merged(known or {}, request)
    return None if known is None else redact_object(_tidy(known))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not str(key).startswith(_SKIPPED) and key not in _SKIPPED_ANNOTATIONS:
                yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            key = next((key for key in _MERGE_KEYS if key in item), None)
            rest = {k: v for k, v in item.items() if k != key} or item
            yield from _leaves(rest, f"{path}[{item[key] if key else number}]")
    elif path not in ("kind", "apiVersion", "metadata.name", "metadata.namespace"):
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json_patch(operations: list[Any]) -> Iterator[tuple[str, str]]:
    for operation in operations:
        if isinstance(operation, dict) and operation.get("op") != "test":
            path = str(operation.get("path", "")).strip("/").replace("/", ".")
            name = path.rpartition(".")[2]
            value = redact_object(operation.get("value"), name=name)
            yield path, "null" if operation.get("op") == "remove" else json.dumps(value, ensure_ascii=False)


def _shortened(path: str) -> str:
    for prefix in ("spec.template.spec.", "spec.jobTemplate.spec.template.spec."):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def _merged(known: Any, patch: Any) -> Any:
    if isinstance(known, dict) and isinstance(patch, dict):
        merged = dict(known)
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            elif not str(key).startswith("$"):
                merged[key] = _merged(known.get(key), value)
        return merged
    if isinstance(known, list) and isinstance(patch, list) and patch and all(isinstance(item, dict) for item in patch):
        key = next((key for key in _MERGE_KEYS if all(key in item for item in patch)), None)
        if key and all(isinstance(item, dict) and key in item for item in known):
            by_key = {item[key]: item for item in known}
            for item in patch:
                by_key[item[key]] = _merged(by_key.get(item[key]), item)
            return [item for item in by_key.values() if item.get("$patch") != "delete"]
    return patch


def _tidy(found: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in (found.get("metadata") or {}).items() if key not in ("managedFields",)}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in _SKIPPED_ANNOTATIONS}
    metadata["annotations"] = annotations
    return {**found, "metadata": {key: value for key, value in metadata.items() if value}}
