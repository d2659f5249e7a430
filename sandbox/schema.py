"""The types of the built-in kinds, from the OpenAPI definitions that `kubernetes-validate` carries.

They drive strategic merge (patch merge keys), server-side apply (list map keys), strict field validation and the served
OpenAPI documents. Read from disk at the first write, so that serving reads starts at once.
"""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from typing import Any

from sandbox.objects import Object

Schema = dict[str, Any]
_FILE = "kubernetes-json-schema/v1.37.0-local/_definitions.json"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@cache
def definitions() -> dict[str, Schema]:
    """All definitions by their full name, such as `io.k8s.api.core.v1.Pod`."""
    return json.loads((importlib.resources.files("kubernetes_validate") / _FILE).read_text())["$defs"]


@cache
def _names() -> dict[tuple[str, str, str], str]:
    return {
        (kind["group"], kind["version"], kind["kind"]): name
        for name, definition in definitions().items()
        for kind in definition.get("x-kubernetes-group-version-kind", [])
    }


def name_of_kind(group: str, version: str, kind: str) -> str | None:
    return _names().get((group, version, kind))


def of_kind(group: str, version: str, kind: str) -> Schema:
    """The schema of a kind; empty, which allows everything, for kinds that are not built in."""
    name = name_of_kind(group, version, kind)
    return definitions()[name] if name else {}


def resolved(schema: Schema | None) -> Schema:
    """Follow references; extensions written next to a reference win."""
    schema = schema or {}
    while "$ref" in schema:
        extensions = {name: value for name, value in schema.items() if name.startswith("x-")}
        schema = {**definitions()[schema["$ref"].rpartition("/")[2]], **extensions}
    return schema


def field(schema: Schema | None, name: str) -> Schema:
    """The schema of one field of an object, or of the values of a map."""
    schema = resolved(schema)
    found = schema.get("properties", {}).get(name)
    if found is None and isinstance(schema.get("additionalProperties"), dict):
        found = schema["additionalProperties"]
    return resolved(found)


def items(schema: Schema | None) -> Schema:
    return resolved(resolved(schema).get("items"))


def type_of(schema: Schema) -> str | None:
    declared = schema.get("type")
    if isinstance(declared, list):
        return next((name for name in declared if name != "null"), None)
    return declared


def map_keys(schema: Schema) -> list[str] | None:
    """The fields that identify an item of an associative list, or None for another kind of list."""
    return schema.get("x-kubernetes-list-map-keys") if schema.get("x-kubernetes-list-type") == "map" else None


def unknown_fields(value: Any, schema: Schema | None, path: str = "") -> list[str]:
    """Paths of fields that the schema does not know."""
    schema = resolved(schema)
    if isinstance(value, list):
        inner = items(schema)
        return [bad for i, item in enumerate(value) for bad in unknown_fields(item, inner, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    known = schema.get("properties")
    for name, item in value.items():
        here = f"{path}.{name}" if path else name
        if known and name not in known:
            if not schema.get("x-kubernetes-preserve-unknown-fields"):
                found.append(here)
        else:
            found += unknown_fields(item, field(schema, name), here)
    return found


def problems(value: Any, schema: Schema | None, path: str = "") -> list[str]:
    """What is wrong with a value: missing required fields and wrong types, each as `field.path: problem`."""
    schema = resolved(schema)
    if value is None:
        return []
    expected = type_of(schema)
    if expected in _TYPES and not _fits(value, expected, schema):
        return [f"{path}: Invalid value: must be {expected}"]
    found: list[str] = []
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        found += [f"{prefix}{name}: Required value" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            found += problems(item, field(schema, name), prefix + name)
    elif isinstance(value, list):
        inner = items(schema)
        for position, item in enumerate(value):
            found += problems(item, inner, f"{path}[{position}]")
    return found


def _fits(value: object, expected: str, schema: Schema) -> bool:
    if expected == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        # Quantities and ports may be written as numbers; other strings may not.
        return "int-or-string" in json.dumps(schema)[:300] or "Quantity" in schema.get("description", "")[:40]
    if isinstance(value, bool) and expected != "boolean":
        return False
    return isinstance(value, _TYPES[expected])


def of_object(obj: Object) -> Schema:
    group, _, version = obj["apiVersion"].rpartition("/")
    return of_kind(group, version, obj["kind"])
