"""OpenAPI v3 documents by group version: kubectl needs them for apply, explain and validation."""

from __future__ import annotations

from typing import Any

from sandbox.objects import Object
from sandbox.resources import Catalogue, Resource
from sandbox.schema import definitions, name_of_kind

_REF = "#/components/schemas/"


def index(catalogue: Catalogue) -> Object:
    paths = [f"apis/{group}/{v}" if group else f"api/{v}" for group, vs in catalogue.groups().items() for v in vs]
    hashed = f"hash={catalogue.generation}"
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?{hashed}"} for path in paths}}


def document(catalogue: Catalogue, group: str, version: str) -> Object | None:
    """The document of a group version, or None when there is none."""
    resources = [item for item in catalogue if (item.group, item.version) == (group, version)]
    if not resources:
        return None
    paths: Object = {}
    components: Object = {}
    for item in resources:
        paths.update(_paths(item, _schema_name(item)))
        if item.custom:
            components[_schema_name(item)] = _custom_schema(item)
    _collect(components, [name for item in resources if not item.custom and (name := _schema_name(item))])
    info = {"title": "Kubernetes", "version": "v1.37.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": components}}


def _schema_name(resource: Resource) -> str:
    built_in = name_of_kind(resource.group, resource.version, resource.kind)
    reversed_group = ".".join(reversed(resource.group.split(".")))
    return built_in or f"{reversed_group}.{resource.version}.{resource.kind}"


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _custom_schema(resource: Resource) -> Object:
    return {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "x-kubernetes-group-version-kind": [_kind(resource)],
    }


def _paths(resource: Resource, schema: str) -> Object:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    base = root + ("/namespaces/{namespace}" if resource.namespaced else "") + f"/{resource.plural}"
    content = {"application/json": {"schema": {"$ref": _REF + schema}}}

    def operation(action: str, *parameters: str) -> Object:
        return {
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _kind(resource),
            "parameters": [
                {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in parameters
            ],
            "responses": {"200": {"description": "OK", "content": content}},
        }

    writing = ("dryRun", "fieldManager", "fieldValidation")
    return {
        base: {"get": operation("list"), "post": operation("post", *writing)},
        base + "/{name}": {
            "get": operation("get"),
            "put": operation("put", *writing),
            "delete": operation("delete", "dryRun"),
            "patch": operation("patch", *writing, "force"),
        },
    }


def _collect(components: Object, names: list[str]) -> None:
    """Add definitions and all that they refer to."""
    needed = list(names)
    while needed:
        name = needed.pop()
        if name not in components and name in definitions():
            components[name] = _converted(definitions()[name], needed)


def _converted(value: Any, needed: list[str]) -> Any:
    """JSON schema as OpenAPI v3 has it: no nullable type lists, references wrapped so that they keep their siblings."""
    if isinstance(value, list):
        return [_converted(item, needed) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):  # else it is the field of that name, of JSONSchemaProps
        name = value["$ref"].rpartition("/")[2]
        needed.append(name)
        siblings = {key: item for key, item in value.items() if key in ("description", "default")}
        return {"allOf": [{"$ref": _REF + name}], **siblings}
    return {
        key: next(kind for kind in item if kind != "null")
        if key == "type" and isinstance(item, list)
        else _converted(item, needed)
        for key, item in value.items()
    }
