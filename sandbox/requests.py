"""What a request is about: its path, its verb and its body."""

from __future__ import annotations

import json
from dataclasses import dataclass

import yaml
from starlette.requests import Request

from sandbox import protobuf
from sandbox.admission import Write
from sandbox.errors import bad_request, no_such_path
from sandbox.objects import Object
from sandbox.resources import Catalogue, Resource

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class Target:
    """What a path names. `namespace` is None for cluster-scoped resources and for lists over all namespaces."""

    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str

    @property
    def space(self) -> str:
        """The namespace as the store knows it."""
        return self.namespace or ""


def is_resource_path(path: str) -> bool:
    parts = path.strip("/").split("/")
    return (parts[0] == "api" and len(parts) >= 3) or (parts[0] == "apis" and len(parts) >= 4)


def target_of(catalogue: Catalogue, path: str) -> Target:
    """What a resource path names. Raises ApiError 404."""
    parts = path.strip("/").split("/")
    core = parts[0] == "api"
    group, version, rest = ("", parts[1], parts[2:]) if core else (parts[1], parts[2], parts[3:])
    namespace = None
    if rest[0] == "namespaces" and len(rest) >= 3 and not (core and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    resource = catalogue.find(group, version, rest[0])
    if resource is None or (namespace is not None and not resource.namespaced):
        raise no_such_path()
    if len(rest) > 1 and resource.namespaced and namespace is None:
        raise no_such_path()
    return Target(resource, namespace, rest[1] if len(rest) > 1 else None, "/".join(rest[2:]))


def is_on(request: Request, name: str) -> bool:
    """A boolean query parameter; clients write `true`, `True` and `1`."""
    return request.query_params.get(name, "").lower() in ("1", "t", "true")


def verb_of(request: Request, target: Target) -> str:
    if request.method in _VERBS:
        return _VERBS[request.method]
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    if is_on(request, "watch"):
        return "watch"
    return "get" if target.name else "list"


def write_of(request: Request) -> Write:
    agent = request.headers.get("user-agent", "unknown").partition("/")[0]
    return Write(
        manager=request.query_params.get("fieldManager") or agent,
        dry_run="All" in request.query_params.getlist("dryRun"),
        field_validation=request.query_params.get("fieldValidation") or "Warn",
    )


async def body_of(request: Request) -> Object:
    """The decoded body, {} for none. Raises ApiError 400 or 415."""
    body = await request.body()
    if not body:
        return {}
    content_type = request.headers.get("content-type", "application/json")
    if "protobuf" in content_type:
        return protobuf.decode(body)
    try:
        return yaml.load(body, yaml.CSafeLoader) if "yaml" in content_type else json.loads(body)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the body of the request cannot be read: {error}") from error


def number(request: Request, name: str) -> int | None:
    written = request.query_params.get(name)
    if not written:
        return None
    if not written.isdigit():
        raise bad_request(f"{name} must be a whole number, not {written!r}")
    return int(written)
