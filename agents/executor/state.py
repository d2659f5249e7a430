"""The part of an object that an Action is about: without status, bookkeeping, and what controllers note down."""

from __future__ import annotations

import copy
from typing import Any, Literal

from agents.executor.action import Object, canonical, hash_of

_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink", "uid")
_CONTROLLERS_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deprecated.daemonset.template.generation",
)


def clean(obj: Object | None) -> Object:
    """A copy with only what somebody wants: no status, no server-side bookkeeping. Empty for None."""
    if obj is None:
        return {}
    kept = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    metadata: dict[str, Any] = kept.get("metadata") or {}
    for key in _BOOKKEEPING:
        metadata.pop(key, None)
    annotations: dict[str, Any] = metadata.get("annotations") or {}
    for key in _CONTROLLERS_ANNOTATIONS:
        annotations.pop(key, None)
    if not annotations or obj.get("kind") == "Node":  # the kubelet and its plugins write a Node's annotations
        metadata.pop("annotations", None)
    return kept


def fingerprint(obj: Object | None) -> str:
    """Two objects with the same fingerprint differ at most in status and bookkeeping. Empty for None."""
    return hash_of(clean(obj)) if obj is not None else ""


def leaves(value: Any, path: str = "") -> dict[str, str]:
    """Every leaf as path and canonical value. Items of a list with unique names go by name, not by position."""
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, inner in value.items():
            found.update(leaves(inner, f"{path}.{key}" if path else str(key)))
        return found
    if isinstance(value, list) and value:
        found = {}
        for label, inner in zip(_labels(value), value, strict=True):
            found.update(leaves(inner, f"{path}[{label}]"))
        return found
    return {path: canonical(value)}


def _labels(items: list[Any]) -> list[str]:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
        return [str(name) for name in names]
    return [str(index) for index in range(len(items))]


def changes_between(before: Object | None, after: Object | None) -> dict[str, tuple[str, str]]:
    """The leaves that differ: path to hashes of the values before and after; empty where there is none.

    Hashes, because these are kept in the ledger and a value may be confidential.
    """
    old, new = leaves(clean(before)), leaves(clean(after))
    return {
        path: (_digest(old.get(path)), _digest(new.get(path)))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    }


def progress(changes: dict[str, tuple[str, str]], live: Object | None) -> Literal["yes", "no", "unclear"]:
    """Looks at the object to say whether the changes took place: `yes`, `no`, or `unclear` (mixed, altered)."""
    now = leaves(clean(live))
    seen = [(_digest(now.get(path)), before, after) for path, (before, after) in changes.items()]
    if all(value == after for value, _, after in seen):
        return "yes"
    return "no" if all(value == before for value, before, _ in seen) else "unclear"


def _digest(value: str | None) -> str:
    return hash_of(value) if value is not None else ""
