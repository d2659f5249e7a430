"""The three patch formats that change an object by difference: JSON merge (RFC 7386), JSON patch (RFC 6902) and
Kubernetes' strategic merge, which merges lists by the merge keys of the schema."""

from __future__ import annotations

from typing import Any

from sandbox.errors import ApiError
from sandbox.objects import clone
from sandbox.schema import Schema, field, items, resolved

_DIRECTIVES = ("$patch", "$retainKeys")
_ORDER = "$setElementOrder/"
_REMOVALS = "$deleteFromPrimitiveList/"


def merge(value: Any, patch: Any) -> Any:
    """JSON merge patch: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    merged: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), item)
    return merged


def json_patch(value: Any, operations: list[dict[str, Any]]) -> Any:
    """JSON patch; raises ApiError 422 for a failed test, an unknown operation or a path that is not there."""
    document = [clone(value)]
    try:
        for operation in operations:
            _operate(document, operation)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise ApiError(
            422, "Invalid", f"the server rejected our request due to an error in our request: {error!r}"
        ) from error
    return document[0]


def _operate(document: list[Any], operation: dict[str, Any]) -> None:
    kind, path = operation["op"], operation["path"]
    if kind == "add":
        _add(document, path, clone(operation["value"]))
    elif kind == "remove":
        _remove(document, path)
    elif kind == "replace":
        _remove(document, path)
        _add(document, path, clone(operation["value"]))
    elif kind == "test":
        if _read(document, path) != operation["value"]:
            raise ApiError(422, "Invalid", f"testing path {path} failed: the value there is another one")
    elif kind == "copy":
        _add(document, path, clone(_read(document, operation["from"])))
    elif kind == "move":
        _add(document, path, _remove(document, operation["from"]))
    else:
        raise ValueError(f"unknown operation {kind!r}")


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(f"path {path!r} does not start with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _parent(document: list[Any], path: str) -> tuple[Any, Any]:
    """The container of a path and the key within; the document itself sits in a list of one."""
    container: Any = document
    key: Any = 0
    for step in _steps(path):
        container = container[key]
        key = _position(step, container) if isinstance(container, list) else step
    return container, key


def _position(step: str, container: list[Any]) -> int:
    if step == "-":
        return len(container)
    if not step.isdigit():
        raise ValueError(f"{step!r} is no position in a list")
    return int(step)


def _read(document: list[Any], path: str) -> Any:
    container, key = _parent(document, path)
    return container[key]


def _remove(document: list[Any], path: str) -> Any:
    container, key = _parent(document, path)
    return container.pop(key)


def _add(document: list[Any], path: str, value: Any) -> None:
    container, key = _parent(document, path)
    if container is document:
        document[:] = [value]
    elif isinstance(container, list):
        if key > len(container):
            raise IndexError(f"position {key} is behind the end of the list")
        container.insert(key, value)
    else:
        container[key] = value


def strategic_merge(value: Any, patch: Any, schema: Schema | None) -> Any:
    """Strategic merge patch with its directives ($patch, $retainKeys, $setElementOrder, $deleteFromPrimitiveList)."""
    if not isinstance(patch, dict):
        return clone(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: clone(item) for name, item in patch.items() if name != "$patch"}
    if directive == "delete":
        return None
    merged: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    if "$retainKeys" in patch:
        merged = {name: item for name, item in merged.items() if name in patch["$retainKeys"]}
    for name, item in patch.items():
        if name in _DIRECTIVES or name.startswith(_ORDER):
            continue
        if name.startswith(_REMOVALS):
            target = name.removeprefix(_REMOVALS)
            merged[target] = [kept for kept in merged.get(target) or [] if kept not in item]
            continue
        result = _merged_field(merged.get(name), item, field(schema, name), patch.get(_ORDER + name))
        if result is None:
            merged.pop(name, None)
        else:
            merged[name] = result
    return merged


def _merged_field(current: Any, patch: Any, schema: Schema, order: list[Any] | None) -> Any:
    if patch is None:
        return None
    if isinstance(patch, list) and "merge" in schema.get("x-kubernetes-patch-strategy", ""):
        key = schema.get("x-kubernetes-patch-merge-key")
        if key is None:
            kept: list[Any] = list(current or [])
            return kept + [item for item in patch if item not in kept]
        return _merged_list(current, patch, key, items(schema), order)
    if isinstance(patch, dict):
        return strategic_merge(current, patch, schema)
    return clone(patch)


def _merged_list(current: Any, patch: list[Any], key: str, schema: Schema, order: list[Any] | None) -> list[Any]:
    replaced = any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch)
    merged: list[Any] = [] if replaced else list(current or [])
    for item in patch:
        if set(item) == {"$patch"} and item["$patch"] == "replace":
            continue
        position = next((i for i, present in enumerate(merged) if present.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            if position is not None:
                merged.pop(position)
        elif position is None:
            merged.append(strategic_merge({}, {k: v for k, v in item.items() if k != "$patch"}, schema))
        else:
            merged[position] = strategic_merge(merged[position], item, schema)
    if order:
        places = {wanted.get(key): place for place, wanted in enumerate(order)}
        merged.sort(key=lambda item: places.get(item.get(key), len(places)))
    return merged


def is_mergeable(schema: Schema | None) -> bool:
    """Whether a kind has a schema to merge by; custom resources have none and refuse strategic merge."""
    return bool(resolved(schema))
