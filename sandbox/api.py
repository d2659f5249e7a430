"""The HTTP API: authentication, routing by verb, and the representations that clients ask for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from itertools import islice

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from sandbox import apply, conversion, logs, metrics, patches, replies, reviews, subresources, tables, times
from sandbox.access import Attributes, User
from sandbox.cluster import Cluster
from sandbox.documents import Documents
from sandbox.errors import ApiError, bad_request, no_such_path, not_found
from sandbox.exec import run_command
from sandbox.objects import Object, name_of, namespace_of
from sandbox.requests import Target, body_of, is_on, is_resource_path, number, target_of, verb_of, write_of
from sandbox.resources import Resource
from sandbox.schema import of_kind
from sandbox.selectors import Predicate, by_fields, by_labels
from sandbox.store import Entry
from sandbox.watch import Watch, WatchRequest

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_log = logging.getLogger(__name__)


class Api:
    """Serves one cluster."""

    def __init__(self, cluster: Cluster, closing: asyncio.Event) -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._closing = closing
        self._documents = Documents(cluster.catalogue, cluster.folder.scenario.cluster_version)
        self.app = Starlette(
            routes=[
                WebSocketRoute("/api/v1/namespaces/{namespace}/pods/{name}/exec", run_command(cluster)),
                Route("/{path:path}", self._handle, methods=_METHODS),
            ],
        )

    async def _handle(self, request: Request) -> Response:
        try:
            return await self._respond(request)
        except ApiError as error:
            return JSONResponse(error.status(), error.code)
        except Exception as error:
            _log.exception("%s %s failed", request.method, request.url.path)
            failure = ApiError(500, "InternalError", f"Internal error occurred: {error!r}")
            return JSONResponse(failure.status(), 500)

    async def _respond(self, request: Request) -> Response:
        path = request.url.path
        if path in ("/healthz", "/livez", "/readyz"):
            return PlainTextResponse("ok")
        user = self._cluster.access.identify(request.headers, request.headers.getlist("impersonate-group"))
        if not is_resource_path(path):
            if not self._cluster.access.allows(user, Attributes(request.method.lower(), path=path)):
                why = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{path}"'
                raise ApiError(403, "Forbidden", why)
            return self._documents.respond(path.rstrip("/"), request.headers.get("accept", ""))
        target = target_of(self._cluster.catalogue, path)
        self._authorize(request, target, user)
        if target.resource.is_review:
            body = await body_of(request)
            return JSONResponse(reviews.answer(self._cluster.access, target.resource, body, user), 201)
        if target.resource.is_metrics:
            return self._metrics(request, target)
        return await (self._object(request, target) if target.name else self._collection(request, target))

    def _authorize(self, request: Request, target: Target, user: User) -> None:
        resource = target.resource
        wanted = Attributes(
            verb_of(request, target),
            group=resource.group,
            resource=resource.plural,
            subresource=target.subresource.partition("/")[0],
            namespace=target.space or ((target.name or "") if resource.plural == "namespaces" else ""),
            name=target.name or "",
        )
        self._cluster.access.check(user, resource, wanted)

    # Collections

    async def _collection(self, request: Request, target: Target) -> Response:
        resource, verb = target.resource, verb_of(request, target)
        if verb == "watch":
            return self._watch(request, target)
        if verb == "list":
            return self._list(request, target)
        if verb == "deletecollection":
            options = {**await body_of(request), "preconditions": None}
            write, chosen = write_of(request), _selectors(request)
            found = [obj for obj in self._store.list(resource.key, target.namespace) if all(s(obj) for s in chosen)]
            gone = [self._cluster.lifecycle.delete(resource, obj, options, write.dry_run) for obj in found]
            meta = {"resourceVersion": str(self._store.version)}
            return Response(
                replies.list_body(resource, [Entry(obj) for obj in gone], meta), media_type="application/json"
            )
        if verb != "create" or (resource.namespaced and target.namespace is None):
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        write = write_of(request)
        body = conversion.inward(resource, await body_of(request))
        created = self._cluster.lifecycle.create(resource, body, target.space, write)
        return replies.one(request, resource, created, 201, write.warnings)

    def _list(self, request: Request, target: Target) -> Response:
        resource = target.resource
        after, version, seen = replies.continued(request, self._store.version)
        chosen = _selectors(request)
        entries: Iterable[Entry] = self._store.table(resource.key).entries(target.namespace, after)
        if chosen:
            entries = (entry for entry in entries if all(selector(entry.object) for selector in chosen))
        meta: Object = {"resourceVersion": str(version)}
        limit = number(request, "limit")
        found = list(islice(entries, limit + 1 if limit else None))
        if limit and len(found) > limit:
            found.pop()
            seen += limit
            # As in Kubernetes, what remains is only counted when nothing had to be filtered out.
            if not chosen:
                meta["remainingItemCount"] = max(1, self._store.table(resource.key).count(target.namespace) - seen)
            last = found[-1].object
            meta["continue"] = replies.token(version, (namespace_of(last), name_of(last)), seen)
        accept = request.headers.get("accept", "")
        if "as=Table" in accept:
            include = request.query_params.get("includeObject", "Metadata")
            return JSONResponse(tables.table(resource, [entry.object for entry in found], meta, include))
        if "as=PartialObjectMetadata" in accept:
            items = [tables.partial(entry.object) for entry in found]
            kind, version_of_kind = "PartialObjectMetadataList", "meta.k8s.io/v1"
            return JSONResponse({"kind": kind, "apiVersion": version_of_kind, "metadata": meta, "items": items})
        return Response(replies.list_body(resource, found, meta), media_type="application/json")

    def _watch(self, request: Request, target: Target) -> Response:
        query = request.query_params
        version = query.get("resourceVersion") or "0"
        initial = is_on(request, "sendInitialEvents")
        as_table = "as=Table" in request.headers.get("accept", "")
        watch = Watch(
            self._store,
            WatchRequest(
                resource=target.resource,
                namespace=target.namespace,
                name=target.name,
                selectors=_selectors(request),
                since=None if initial or version == "0" or not version.isdigit() else int(version),
                initial_bookmark=initial,
                bookmarks=is_on(request, "allowWatchBookmarks"),
                as_table=as_table,
                include=query.get("includeObject", "Metadata"),
                seconds=float(number(request, "timeoutSeconds") or 1800),
            ),
            self._closing,
        )
        kind = "application/json;as=Table;g=meta.k8s.io;v=v1" if as_table else "application/json"
        return StreamingResponse(watch.lines(), media_type=kind)

    # Single objects

    async def _object(self, request: Request, target: Target) -> Response:
        resource, name = target.resource, target.name or ""
        if verb_of(request, target) == "watch":
            return self._watch(request, target)
        old = self._store.get(resource.key, target.space, name)
        applying = request.method == "PATCH" and "apply-patch" in request.headers.get("content-type", "")
        if old is None and not (applying and not target.subresource):
            raise not_found(resource, name)
        if target.subresource:
            known = target.subresource.partition("/")[0]
            if known not in resource.subresources or known in ("proxy", "attach", "portforward") or old is None:
                raise no_such_path()
            special = await self._subresource(request, target, old)
            if special is not None:
                return special
        if applying:
            return await self._apply(request, target, old)
        assert old is not None
        if request.method == "GET":
            return replies.one(request, resource, old)
        if request.method == "DELETE":
            return await self._delete(request, target, old)
        return await self._change(request, target, old)

    async def _subresource(self, request: Request, target: Target, old: Object) -> Response | None:
        """The answer of a subresource that is not simply the object seen from another side."""
        kind, cluster, reading = target.subresource, self._cluster, request.method == "GET"
        if kind == "log":
            return PlainTextResponse(logs.read(cluster.logs, old, request.query_params))
        if kind == "scale":
            if reading:
                return JSONResponse(subresources.scale_of(old))
            current, body = subresources.scale_of(old), await body_of(request)
            json_patch = "json-patch" in request.headers.get("content-type", "")
            if request.method == "PATCH":
                current["metadata"].pop("resourceVersion")
                body = patches.json_patch(current, _operations(body)) if json_patch else patches.merge(current, body)
            scaled = subresources.rescale(cluster, target.resource, old, body, write_of(request))
            return JSONResponse(scaled)
        if kind == "eviction":
            subresources.evict(cluster, target.resource, old, await body_of(request), write_of(request))
            success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
            return JSONResponse(success, 201)
        if kind == "token":
            return JSONResponse(subresources.token_request(cluster, old, await body_of(request)), 201)
        return None

    async def _change(self, request: Request, target: Target, old: Object) -> Response:
        resource, write = target.resource, write_of(request)
        body: Object = await body_of(request)
        if request.method == "PUT":
            wanted = conversion.inward(resource, body)
        elif request.method == "PATCH":
            wanted = self._patched(request, resource, old, body)
        else:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        saved = self._cluster.lifecycle.update(resource, old, wanted, write, _part(target.subresource))
        return replies.one(request, resource, saved, 200, write.warnings)

    def _patched(self, request: Request, resource: Resource, old: Object, patch: Object) -> Object:
        content_type = request.headers.get("content-type", "")
        if "json-patch" in content_type:
            return patches.json_patch(old, _operations(patch))
        base = {**old, "metadata": {k: v for k, v in old["metadata"].items() if k != "resourceVersion"}}
        if "strategic-merge" in content_type:
            schema = of_kind(resource.group, resource.version, resource.kind)
            if patches.is_mergeable(schema):
                return patches.strategic_merge(base, patch, schema)
        elif "merge-patch" in content_type:
            return patches.merge(base, patch)
        accepted = ["json-patch+json", "merge-patch+json", "apply-patch+yaml"]
        accepted += [] if resource.custom else ["strategic-merge-patch+json"]
        listed = ", ".join(f"application/{kind}" for kind in accepted)
        why = f"the body of the request was in an unknown format - accepted media types include: {listed}"
        raise ApiError(415, "UnsupportedMediaType", why)

    async def _apply(self, request: Request, target: Target, old: Object | None) -> Response:
        resource, write = target.resource, write_of(request)
        if not request.query_params.get("fieldManager"):
            why = "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
            raise ApiError(422, "Invalid", why)
        wanted: Object = await body_of(request)
        wanted.setdefault("metadata", {})["name"] = target.name
        if target.namespace:
            wanted["metadata"]["namespace"] = target.namespace
        wanted.update(apiVersion=resource.api_version, kind=resource.kind)
        schema = of_kind(resource.group, resource.version, resource.kind)
        force, now = is_on(request, "force"), times.stamp()
        applied = apply.apply(old, wanted, schema, write.manager, force, now)
        if old is None:
            created = self._cluster.lifecycle.create(resource, applied, target.space, write)
            return replies.one(request, resource, created, 201, write.warnings)
        part = _part(target.subresource)
        saved = self._cluster.lifecycle.update(resource, old, applied, write, part, applied=True)
        return replies.one(request, resource, saved, 200, write.warnings)

    async def _delete(self, request: Request, target: Target, old: Object) -> Response:
        options = await body_of(request)
        query = request.query_params
        options = {k: query[k] for k in ("propagationPolicy", "gracePeriodSeconds") if k in query} | options
        gone = self._cluster.lifecycle.delete(target.resource, old, options, write_of(request).dry_run)
        if gone["metadata"].get("deletionTimestamp") or target.resource.plural == "pods":
            return replies.one(request, target.resource, gone)
        details = {"name": target.name, "kind": target.resource.plural, "uid": gone["metadata"].get("uid")}
        if target.resource.group:
            details["group"] = target.resource.group
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return JSONResponse(status)

    def _metrics(self, request: Request, target: Target) -> Response:
        resource, usage = target.resource, self._cluster.usage
        if usage is None or not self._cluster.metrics_available:
            why = "the server is currently unable to handle the request"
            raise ApiError(503, "ServiceUnavailable", f"{why} (get {resource.qualified})")
        if request.method != "GET":
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        if target.name:
            kind = self._cluster.resource("v1", resource.plural)
            obj = self._store.get(kind.key, target.space, target.name)
            sample = usage.sample(obj) if obj else None
            if sample is None:
                raise not_found(resource, target.name)
            return JSONResponse(sample)
        chosen = _selectors(request)
        measured = metrics.objects_of(self._store, resource, target.namespace)
        items = [s for obj in measured if all(select(obj) for select in chosen) and (s := usage.sample(obj))]
        head = {"kind": resource.kind + "List", "apiVersion": resource.api_version, "metadata": {}}
        return JSONResponse({**head, "items": items})


def _part(subresource: str) -> str:
    """The part of an object that an update through this subresource may change."""
    return "status" if subresource == "status" else ""


def _operations(body: object) -> list[Object]:
    if not isinstance(body, list):
        raise bad_request("a JSON patch is a list of operations")
    return body


def _selectors(request: Request) -> tuple[Predicate, ...]:
    query = request.query_params
    found = (by_labels(query.get("labelSelector")), by_fields(query.get("fieldSelector")))
    return tuple(selector for selector in found if selector is not None)
