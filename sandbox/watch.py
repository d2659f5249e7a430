"""Watches: the changes of one resource as a stream of JSON lines, from a resourceVersion on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from sandbox import conversion, tables
from sandbox.errors import ApiError
from sandbox.objects import Object, name_of, namespace_of
from sandbox.resources import Resource
from sandbox.selectors import Predicate
from sandbox.store import Change, Store, encode

BOOKMARK_SECONDS = 30.0


@dataclass(frozen=True)
class WatchRequest:
    """Which objects, from when on, and in which form."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    selectors: tuple[Predicate, ...] = ()
    since: int | None = None
    """None: begin with all present objects."""
    initial_bookmark: bool = False
    bookmarks: bool = False
    as_table: bool = False
    include: str = "Metadata"
    seconds: float = 1800.0

    def selects(self, obj: Object) -> bool:
        if self.namespace is not None and namespace_of(obj) != self.namespace:
            return False
        if self.name is not None and name_of(obj) != self.name:
            return False
        return all(selector(obj) for selector in self.selectors)


class Watch:
    """One client's stream. Subscribes at once, so that nothing between list and watch is lost."""

    def __init__(self, store: Store, request: WatchRequest, closing: asyncio.Event) -> None:
        self._store = store
        self._request = request
        self._closing = closing
        self._queue: asyncio.Queue[Change] = asyncio.Queue()
        self._headed = False
        backlog: list[Change] | None = []
        if request.since is not None:
            backlog = store.since(request.since)
            if backlog is None:
                raise ApiError(410, "Expired", f"too old resource version: {request.since} ({store.version})")
        for change in backlog or []:
            self._receive(change)
        self._end = store.listen(self._receive)

    def _receive(self, change: Change) -> None:
        if change.key == self._request.resource.key:
            self._queue.put_nowait(change)

    async def lines(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._request.seconds
        closed = asyncio.ensure_future(self._closing.wait())
        try:
            for line in self._initial():
                yield line
            while (left := deadline - loop.time()) > 0 and not self._closing.is_set():
                change = await self._next(min(left, BOOKMARK_SECONDS), closed)
                if change is not None:
                    line = self._line_of(change)
                    if line:
                        yield line
                elif self._request.bookmarks and not self._closing.is_set() and deadline > loop.time():
                    yield self._bookmark({})
        finally:
            closed.cancel()
            self._end()

    async def _next(self, seconds: float, closed: asyncio.Task[Literal[True]]) -> Change | None:
        if not self._queue.empty():
            return self._queue.get_nowait()
        getting = asyncio.ensure_future(self._queue.get())
        try:
            await asyncio.wait({getting, closed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            getting.cancel()

    def _initial(self) -> list[bytes]:
        request = self._request
        if request.since is not None:
            return []
        found = [obj for obj in self._store.list(request.resource.key, request.namespace) if request.selects(obj)]
        lines = [self._line("ADDED", obj) for obj in found]
        if request.initial_bookmark:
            lines.append(self._bookmark({"annotations": {"k8s.io/initial-events-end": "true"}}))
        return lines

    def _line_of(self, change: Change) -> bytes | None:
        """The event a client sees: an object that begins to match is ADDED, one that ceases to is DELETED."""
        now = change.new is not None and self._request.selects(change.new)
        before = change.old is not None and self._request.selects(change.old)
        if now and change.new is not None:
            return self._line("MODIFIED" if before else "ADDED", change.new)
        if not before or change.old is None:
            return None
        if change.new is None:
            return self._line("DELETED", change.old)
        meta = {**change.old["metadata"], "resourceVersion": change.new["metadata"]["resourceVersion"]}
        return self._line("DELETED", {**change.old, "metadata": meta})

    def _line(self, kind: str, obj: Object) -> bytes:
        resource = self._request.resource
        if self._request.as_table:
            meta = {"resourceVersion": str(self._store.version)}
            body = encode(tables.table(resource, [obj], meta, self._request.include, columns=not self._headed))
            self._headed = True
        else:
            body = self._body(resource, obj)
        return b'{"type":"%s","object":' % kind.encode() + body + b"}\n"

    def _body(self, resource: Resource, obj: Object) -> bytes:
        if conversion.needed(resource):
            return encode(conversion.outward(resource, obj))
        entry = self._store.table(resource.key).get((namespace_of(obj), name_of(obj)))
        if entry is not None and entry.object is obj:
            return entry.typed(resource.api_version, resource.kind)
        return encode({**obj, "apiVersion": resource.api_version, "kind": resource.kind})

    def _bookmark(self, extra: Object) -> bytes:
        meta = {"resourceVersion": str(self._store.version), "creationTimestamp": None, **extra}
        obj = {"kind": self._request.resource.kind, "apiVersion": self._request.resource.api_version, "metadata": meta}
        return json.dumps({"type": "BOOKMARK", "object": obj}).encode() + b"\n"
