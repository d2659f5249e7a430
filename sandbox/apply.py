"""Server-side apply: who owns which field (managedFields), conflicts, and removal of what is no longer applied.

A field is named by its path in FieldsV1 notation: `f:spec`, then `f:replicas`; `k:{"name":"app"}` is an item of an
associative list, `v:"x"` an element of a set, and a last step `.` the existence of such an item.
See https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.errors import ApiError
from sandbox.objects import Object, clone
from sandbox.schema import Schema, field, items, map_keys, resolved

Path = tuple[str, ...]
Manager = tuple[str, str]
"""Name and operation: `Apply` or `Update`."""
Owners = dict[Manager, set[Path]]

_UNOWNED = {
    ("f:apiVersion",),
    ("f:kind",),
    *(
        ("f:metadata", "f:" + name)
        for name in (
            "name",
            "namespace",
            "managedFields",
            "resourceVersion",
            "uid",
            "creationTimestamp",
            "generation",
            "selfLink",
        )
    ),
}


def fields(value: Any, schema: Schema | None, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The ownable fields of an object with their values; what is atomic is one field."""
    schema = resolved(schema)
    if path in _UNOWNED:
        return
    structured = bool(schema.get("properties") or schema.get("additionalProperties") or not schema)
    keys = map_keys(schema)
    if isinstance(value, dict) and value and structured and schema.get("x-kubernetes-map-type") != "atomic":
        for name, item in value.items():
            yield from fields(item, field(schema, name), (*path, "f:" + name))
    elif isinstance(value, list) and keys and all(isinstance(item, dict) for item in value):
        for item in value:
            here = (*path, _item_key(item, keys))
            yield (*here, "."), None
            yield from fields(item, items(schema), here)
    elif isinstance(value, list) and schema.get("x-kubernetes-list-type") == "set":
        for item in value:
            yield (*path, "v:" + json.dumps(item)), item
    else:
        yield path, value


def _item_key(item: Object, keys: list[str]) -> str:
    found = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(found, separators=(",", ":"), sort_keys=True)


def _encode(paths: Iterable[Path]) -> Object:
    root: Object = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
    return root


def _decode(node: Object, path: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for step, below in node.items():
        found |= _decode(below, (*path, step)) if below else {(*path, step)}
    return found


def owners_of(obj: Object | None) -> Owners:
    entries: list[Object] = ((obj or {}).get("metadata") or {}).get("managedFields") or []
    return {(entry["manager"], entry["operation"]): _decode(entry.get("fieldsV1") or {}) for entry in entries}


def _record(owners: Owners, api_version: str, now: str) -> list[Object]:
    return [
        {
            "manager": manager,
            "operation": operation,
            "apiVersion": api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": _encode(paths),
        }
        for (manager, operation), paths in owners.items()
        if paths
    ]


def apply(live: Object | None, wanted: Object, schema: Schema, manager: str, force: bool, now: str) -> Object:
    """The object after `manager` applied `wanted`. Raises ApiError 409 when others own fields with other values."""
    me: Manager = (manager, "Apply")
    applied = dict(fields(wanted, schema))
    present = dict(fields(live, schema)) if live else {}
    owners = owners_of(live)
    disputed = [
        (owner, path)
        for owner, paths in owners.items()
        if owner != me
        for path in sorted(paths)
        if path in applied and path[-1] != "." and present.get(path) != applied[path]
    ]
    if disputed and not force:
        raise _conflicts(disputed)
    result = _merged(live, wanted, schema) if live else clone(wanted)
    kept_by_others: set[Path] = set().union(*(paths for owner, paths in owners.items() if owner != me))
    # An empty map or list is a field of its own; it stays when it is the parent of fields that somebody applies.
    parents = {path[:length] for path in kept_by_others | set(applied) for length in range(len(path))}
    dropped = owners.get(me, set()) - set(applied) - kept_by_others - parents
    for path in sorted(dropped, key=lambda item: (-len(item), item[-1] != ".")):
        _remove(result, path, schema)
    for owner, path in disputed:
        owners[owner].discard(path)
    owners[me] = set(applied)
    result.setdefault("metadata", {})["managedFields"] = _record(owners, wanted["apiVersion"], now)
    return result


def track_update(old: Object | None, new: Object, schema: Schema, manager: str, now: str) -> None:
    """Write into `new` that `manager` owns what it changed by an ordinary create, update or patch."""
    before, after = dict(fields(old, schema)) if old else {}, dict(fields(new, schema))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = set(before) - set(after)
    if not changed and not gone:
        return
    owners: Owners = {owner: paths - changed - gone for owner, paths in owners_of(new).items()}
    me: Manager = (manager, "Update")
    owners[me] = owners.get(me, set()) | changed
    new["metadata"]["managedFields"] = _record(owners, new["apiVersion"], now)


def _conflicts(disputed: list[tuple[Manager, Path]]) -> ApiError:
    def dotted(path: Path) -> str:
        return "".join("." + step[2:] if step.startswith("f:") else f"[{step[2:]}]" for step in path)

    listed = ", ".join(f'conflict with "{owner[0]}": {dotted(path)}' for owner, path in disputed)
    plural = "s" if len(disputed) > 1 else ""
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{owner[0]}"', "field": dotted(path)}
        for owner, path in disputed
    ]
    return ApiError(409, "Conflict", f"Apply failed with {len(disputed)} conflict{plural}: {listed}", causes=causes)


def _merged(live: Any, wanted: Any, schema: Schema | None) -> Any:
    schema = resolved(schema)
    keys = map_keys(schema)
    if isinstance(wanted, dict) and isinstance(live, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        return {**live, **{name: _merged(live.get(name), item, field(schema, name)) for name, item in wanted.items()}}
    if isinstance(wanted, list) and isinstance(live, list) and keys:
        result: list[Any] = list(live)
        for item in wanted:
            here = _item_key(item, keys)
            position = next((i for i, present in enumerate(result) if _item_key(present, keys) == here), None)
            if position is None:
                result.append(clone(item))
            else:
                result[position] = _merged(result[position], item, items(schema))
        return result
    if isinstance(wanted, list) and isinstance(live, list) and schema.get("x-kubernetes-list-type") == "set":
        return live + [item for item in wanted if item not in live]
    return clone(wanted)


def _remove(node: Any, path: Path, schema: Schema | None) -> None:
    """Remove a field from a freshly merged object, and the containers that are empty then."""
    schema, step, rest = resolved(schema), path[0], path[1:]
    if step.startswith("f:") and isinstance(node, dict):
        name = step[2:]
        if name not in node:
            return
        if rest:
            node[name] = clone(node[name])
            _remove(node[name], rest, field(schema, name))
        if not rest or node[name] in ({}, []):
            node.pop(name)
    elif step.startswith("k:") and isinstance(node, list):
        item = next((item for item in node if _item_key(item, map_keys(schema) or []) == step), None)
        if item is not None and rest == (".",):
            node.remove(item)
        elif item is not None and rest:
            _remove(item, rest, items(schema))
    elif step.startswith("v:") and isinstance(node, list) and json.loads(step[2:]) in node:
        node.remove(json.loads(step[2:]))
