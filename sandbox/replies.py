"""The forms in which objects are answered: JSON, Tables, metadata only; and the tokens of paged lists."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from sandbox import conversion, tables
from sandbox.errors import bad_request
from sandbox.objects import Object
from sandbox.resources import Resource
from sandbox.store import Entry, Name, encode


def one(request: Request, resource: Resource, obj: Object, code: int = 200, warnings: Iterable[str] = ()) -> Response:
    accept = request.headers.get("accept", "")
    if "as=Table" in accept:
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = request.query_params.get("includeObject", "Metadata")
        body = encode(tables.table(resource, [obj], meta, include))
    elif "as=PartialObjectMetadata" in accept:
        body = encode(tables.partial(obj))
    elif conversion.needed(resource):
        body = encode(conversion.outward(resource, obj))
    else:
        body = Entry(obj).typed(resource.api_version, resource.kind)
    response = Response(body, code, media_type="application/json")
    for warning in warnings:
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{escaped}"')
    return response


def list_body(resource: Resource, entries: list[Entry], meta: Object) -> bytes:
    if conversion.needed(resource):
        items = [encode(conversion.outward(resource, entry.object)) for entry in entries]
    elif resource.custom:
        items = [entry.typed(resource.api_version, resource.kind) for entry in entries]
    else:
        items = [entry.body for entry in entries]
    head = {"kind": resource.kind + "List", "apiVersion": resource.api_version, "metadata": meta}
    return encode(head)[:-1] + b',"items":[' + b",".join(items) + b"]}"


def token(version: int, last: Name, seen: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": version, "after": last, "seen": seen}).encode()).decode()


def continued(request: Request, version: int) -> tuple[Name | None, int, int]:
    """Where the last page ended, which version it was of, and how many items came before."""
    written = request.query_params.get("continue")
    if not written:
        return None, version, 0
    try:
        read = json.loads(base64.urlsafe_b64decode(written))
        namespace, name = read["after"]
        return (namespace, name), int(read["rv"]), int(read["seen"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid") from None
