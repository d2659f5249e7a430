"""Reading API objects without surprises: every accessor is total, whatever the object lacks or holds instead.

An object is JSON as the API returns it. A missing field, a null, or a value of another type reads as the empty value of
the asked type, so that an analyzer needs no guards of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Obj = dict[str, Any]


def dig(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and list positions, or None."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: Any, *path: str | int) -> str:
    """The string at a path; numbers are written out, anything else reads as empty."""
    found = dig(value, *path)
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else ""


def number(value: Any, *path: str | int) -> int:
    """The whole number at a path, 0 when there is none."""
    found = dig(value, *path)
    if isinstance(found, bool):
        return 0
    if isinstance(found, int):
        return found
    if isinstance(found, float) and abs(found) < 1e18:
        return int(found)
    return int(found) if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 19 else 0


def flag(value: Any, *path: str | int) -> bool:
    """True only for a JSON true."""
    return dig(value, *path) is True


def mapping(value: Any, *path: str | int) -> Obj:
    """The object at a path, {} when there is none. Keys are strings."""
    found = dig(value, *path)
    return {k: v for k, v in found.items() if isinstance(k, str)} if isinstance(found, dict) else {}


def labels(value: Any, *path: str | int) -> dict[str, str]:
    """A map of strings to strings (labels, selectors, annotations); other values are left out."""
    return {k: v for k, v in mapping(value, *path).items() if isinstance(v, str)}


def items(value: Any, *path: str | int) -> list[Obj]:
    """The objects in the list at a path; members that are no objects are left out."""
    found = dig(value, *path)
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def strings(value: Any, *path: str | int) -> list[str]:
    """The strings in the list at a path."""
    found = dig(value, *path)
    return [m for m in found if isinstance(m, str)] if isinstance(found, list) else []


def moment(value: Any, *path: str | int) -> datetime | None:
    """The RFC 3339 time at a path, with time zone (UTC when it names none)."""
    found = dig(value, *path)
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found)
        except ValueError:
            return None
    if not isinstance(found, datetime):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def name_of(obj: Any) -> str:
    """metadata.name."""
    return text(obj, "metadata", "name")


def namespace_of(obj: Any) -> str:
    """metadata.namespace, empty for a cluster-scoped object."""
    return text(obj, "metadata", "namespace")


def kind_of(obj: Any) -> str:
    """The kind, such as `Pod`."""
    return text(obj, "kind")


def created(obj: Any) -> datetime | None:
    """metadata.creationTimestamp."""
    return moment(obj, "metadata", "creationTimestamp")


def resource_of(obj: Any) -> str:
    """How the object is written in answers: `namespace/Kind/name`, cluster-scoped `Kind/name`."""
    parts = (namespace_of(obj), kind_of(obj), name_of(obj))
    return "/".join(part for part in parts if part)


def resource_name(namespace: str, kind: str, name: str) -> str:
    """The same for an object that is only known by name, such as one that is missing."""
    return "/".join(part for part in (namespace, kind, name) if part)


def parts_of(resource: str) -> tuple[str, str, str]:
    """Namespace (empty when cluster-scoped), kind and name of a written resource."""
    parts = resource.split("/")
    if len(parts) >= 3:
        return parts[0], parts[1], "/".join(parts[2:])
    return ("", parts[0], parts[1]) if len(parts) == 2 else ("", "", resource)


def is_deleting(obj: Any) -> bool:
    """Whether somebody has asked for the object's deletion."""
    return bool(text(obj, "metadata", "deletionTimestamp"))


def condition(obj: Any, kind: str) -> Obj:
    """The condition of that type in status.conditions, {} when there is none."""
    return next((c for c in items(obj, "status", "conditions") if text(c, "type") == kind), {})


def matches(selector: dict[str, str], having: dict[str, str]) -> bool:
    """Whether labels satisfy a plain selector. An empty selector matches nothing here, as for a Service."""
    return bool(selector) and all(having.get(k) == v for k, v in selector.items())


def matches_expressions(expressions: list[Obj], having: dict[str, str]) -> bool:
    """Whether labels satisfy matchExpressions, with the operators of label selectors and of node affinity."""
    for e in expressions:
        key, operator, values = text(e, "key"), text(e, "operator"), strings(e, "values")
        value = having.get(key)
        if operator == "In" and value not in values:
            return False
        if operator == "NotIn" and value in values:
            return False
        if operator == "Exists" and value is None:
            return False
        if operator == "DoesNotExist" and value is not None:
            return False
        if operator in ("Gt", "Lt") and not _compares(operator, value, values):
            return False
    return True


def _compares(operator: str, value: str | None, values: list[str]) -> bool:
    try:
        left, right = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right


def matches_selector(selector: Any, having: dict[str, str]) -> bool:
    """Whether labels satisfy a LabelSelector; an empty one matches everything."""
    plain = labels(selector, "matchLabels")
    return all(having.get(k) == v for k, v in plain.items()) and matches_expressions(
        items(selector, "matchExpressions"), having
    )
