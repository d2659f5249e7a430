"""A cluster in memory for the executor's tests: objects, optimistic locks, dry run, and faults on demand."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

from agents.cluster.errors import Conflict, Forbidden, NotFound, Rejected, Throttled
from agents.executor.action import Object, Target
from agents.executor.cluster_api import Right, Write

Fault = Callable[[Write, str], None]
"""Called before (`"before"`) and after (`"after"`) a real write; raises what should go wrong."""


class FakeCluster:
    """`ClusterApi` over a dict. `writes` are the requests that took effect."""

    def __init__(self, *objects: Object, name: str = "demo") -> None:
        self._name = name
        self._versions = itertools.count(100)
        self.objects: dict[Target, Object] = {}
        self.writes: list[Write] = []
        self.tried: list[Write] = []
        self.denied: set[str] = set()
        self.blocked: set[str] = set()
        self.fault: Fault | None = None
        self.after_write: Callable[[FakeCluster, Write], None] | None = None
        for obj in objects:
            self.put(obj)

    @property
    def name(self) -> str:
        return self._name

    def put(self, obj: Object) -> None:
        """Somebody else creates or changes an object."""
        obj = copy.deepcopy(obj)
        metadata = obj["metadata"]
        metadata.setdefault("uid", f"uid-{obj['kind']}-{metadata['name']}-{next(self._versions)}")
        metadata["resourceVersion"] = str(next(self._versions))
        self.objects[target_of(obj)] = obj

    def edit(self, target: Target, change: Callable[[Object], Any]) -> None:
        """Somebody else edits an object in place."""
        obj = copy.deepcopy(self.objects[target])
        change(obj)
        self.put(obj)

    async def get(self, target: Target) -> Object:
        if target not in self.objects:
            raise NotFound(f"{target} not found", status=404, reason="NotFound")
        return copy.deepcopy(self.objects[target])

    async def list(
        self, kind: str, namespace: str = "", *, labels: str | None = None, fields: str | None = None
    ) -> list[Object]:
        if f"list {kind}" in self.denied:
            raise Forbidden(kind, f"may not list {kind}")
        found = [copy.deepcopy(o) for t, o in self.objects.items() if t.kind == kind and namespace in ("", t.namespace)]
        if fields:
            path, value = fields.split("=")
            found = [obj for obj in found if dig(obj, path) == value]
        return found

    async def write(self, request: Write, *, dry_run: bool) -> Object:
        if str(request.right) in self.denied:
            raise Forbidden(request.target.kind, f"may not {request.right}")
        if not dry_run:
            self.tried.append(request)
            if self.fault:
                self.fault(request, "before")
        result = self._perform(request, dry_run)
        if not dry_run:
            self.writes.append(request)
            if self.after_write:
                self.after_write(self, request)
            if self.fault:
                self.fault(request, "after")
        return result

    async def allowed(self, right: Right) -> bool:
        return str(right) not in self.denied

    def _perform(self, request: Write, dry_run: bool) -> Object:
        target = request.target
        live = self.objects.get(target)
        if request.verb == "create":
            if live is not None:
                raise Conflict(f"{target} already exists", status=409, reason="AlreadyExists")
            return self._store(copy.deepcopy(request.body), dry_run)
        if live is None:
            raise NotFound(f"{target} not found", status=404, reason="NotFound")
        lock = request.precondition.fields() if request.precondition else {}
        if any(live["metadata"].get(key) != value for key, value in lock.items()):
            raise Conflict(f"{target} has been modified", status=409, reason="Conflict")
        if request.verb == "evict" and target.name in self.blocked:
            raise Throttled("Cannot evict pod as it would violate the pod's disruption budget.", status=429)
        if request.verb in ("delete", "evict"):
            if not dry_run:
                del self.objects[target]
            return {}
        after = patched(live, request)
        stored = self._store(after, dry_run)
        if request.subresource == "scale":
            return {"kind": "Scale", "spec": {"replicas": stored["spec"]["replicas"]}}
        return stored

    def _store(self, obj: Object, dry_run: bool) -> Object:
        if not dry_run:
            self.put(obj)
            return copy.deepcopy(self.objects[target_of(obj)])
        return obj


def target_of(obj: Object) -> Target:
    metadata = obj["metadata"]
    return Target(metadata.get("namespace", ""), obj["kind"], metadata["name"])


def dig(obj: Any, path: str) -> Any:
    for key in path.split("."):
        obj = obj.get(key, {}) if isinstance(obj, dict) else {}
    return obj


def patched(live: Object, request: Write) -> Object:
    if request.verb == "json":
        return json_patched(copy.deepcopy(live), request.body)
    return merged(live, request.body, by_name=request.verb in ("strategic", "apply"))


def json_patched(obj: Object, steps: list[dict[str, Any]]) -> Object:
    for step in steps:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        node: Any = obj
        for part in way:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if step["op"] == "test" and node.get(last) != step["value"]:
            raise Rejected(f"testing path {step['path']} failed", status=422, reason="Invalid")
        if step["op"] in ("add", "replace"):
            node[int(last) if isinstance(node, list) else last] = copy.deepcopy(step["value"])
        if step["op"] == "remove":
            del node[int(last) if isinstance(node, list) else last]
    return obj


def merged(live: Any, patch: Any, *, by_name: bool) -> Any:
    if isinstance(live, list) and isinstance(patch, list) and by_name and all("name" in p for p in patch):
        items = {item["name"]: item for item in copy.deepcopy(live)}
        for item in patch:
            if item.get("$patch") == "delete":
                items.pop(item["name"], None)
            else:
                items[item["name"]] = merged(items.get(item["name"], {}), item, by_name=True)
        return list(items.values())
    if not isinstance(live, dict) or not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(live)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key, {}), value, by_name=by_name)
        else:
            result[key] = merged(result.get(key), value, by_name=by_name)
    return result
