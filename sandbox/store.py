"""The objects, in memory: tables by resource, one growing resourceVersion, a bounded history for watches.

Objects in the store are never changed in place: whoever changes one puts a changed copy. So a reader may keep what it
was given, and the JSON of an object is written once per resourceVersion.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.objects import Object, name_of, namespace_of, uid_of
from sandbox.resources import Key

Name = tuple[str, str]
"""Namespace ("" when cluster-scoped) and name."""
Listener = Callable[["Change"], None]
HISTORY = 20_000


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the store: `old` is None for a creation, `new` for a deletion (`last` is then its last state)."""

    version: int
    key: Key
    old: Object | None
    new: Object | None

    @property
    def last(self) -> Object:
        """The newest state there is."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found


class Entry:
    """An object and its JSON without kind and apiVersion (items of typed lists carry neither)."""

    __slots__ = ("_body", "object")

    def __init__(self, obj: Object) -> None:
        self.object = obj
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = encode({k: v for k, v in self.object.items() if k not in ("kind", "apiVersion")})
        return self._body

    def typed(self, api_version: str, kind: str) -> bytes:
        """The JSON of the object on its own."""
        return b'{"kind":"%s","apiVersion":"%s",' % (kind.encode(), api_version.encode()) + self.body[1:]


class Table:
    """The objects of one resource, findable by name and listed in the order of an API server (namespace, name)."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, Entry]] = {}
        self._sorted: dict[str, list[str]] = {}

    def count(self, namespace: str | None) -> int:
        """How many objects there are, in one namespace or in all."""
        if namespace is not None:
            return len(self._spaces.get(namespace, {}))
        return sum(len(space) for space in self._spaces.values())

    def get(self, name: Name) -> Entry | None:
        return self._spaces.get(name[0], {}).get(name[1])

    def put(self, obj: Object) -> None:
        space, name = namespace_of(obj), name_of(obj)
        names = self._spaces.setdefault(space, {})
        if name not in names:
            self._sorted.pop(space, None)
        names[name] = Entry(obj)

    def remove(self, name: Name) -> None:
        del self._spaces[name[0]][name[1]]
        self._sorted.pop(name[0], None)

    def _names(self, space: str) -> list[str]:
        if space not in self._sorted:
            self._sorted[space] = sorted(self._spaces.get(space, {}))
        return self._sorted[space]

    def entries(self, namespace: str | None = None, after: Name | None = None) -> Iterator[Entry]:
        """Entries in order; of one namespace or of all, and only those behind `after` (where a page ended)."""
        for space in sorted(self._spaces) if namespace is None else [namespace]:
            if after and space < after[0]:
                continue
            names = self._names(space)
            start = bisect_right(names, after[1]) if after and space == after[0] else 0
            entries = self._spaces.get(space, {})
            for position in range(start, len(names)):
                yield entries[names[position]]


class Store:
    """Every table, with change notification. Used from one thread only: that of the server's event loop."""

    def __init__(self) -> None:
        self.version = 1
        self._tables: dict[Key, Table] = {}
        self._dependents: dict[str, set[tuple[Key, Name]]] = {}
        self._history: deque[Change] = deque(maxlen=HISTORY)
        self._forgotten = 1
        self._listeners: list[Listener] = []

    def table(self, key: Key) -> Table:
        return self._tables.setdefault(key, Table())

    def resources(self) -> list[Key]:
        """The resources that have a table."""
        return list(self._tables)

    def get(self, key: Key, namespace: str, name: str) -> Object | None:
        entry = self.table(key).get((namespace, name))
        return entry.object if entry else None

    def list(self, key: Key, namespace: str | None = None) -> list[Object]:
        return [entry.object for entry in self.table(key).entries(namespace)]

    def owned_by(self, owner: Object) -> list[tuple[Key, Object]]:
        """Objects with an owner reference to this one."""
        found: list[tuple[Key, Object]] = []
        for key, (namespace, name) in sorted(self._dependents.get(uid_of(owner), ())):
            obj = self.get(key, namespace, name)
            if obj is not None and any(_refers(ref, owner) for ref in obj["metadata"].get("ownerReferences") or ()):
                found.append((key, obj))
        return found

    def put(self, key: Key, obj: Object) -> Object:
        """Create or replace; gives the object its new resourceVersion. Putting what is there changes nothing."""
        table = self.table(key)
        entry = table.get((namespace_of(obj), name_of(obj)))
        old = entry.object if entry else None
        if old is not None:
            if old["metadata"].get("resourceVersion") and _same(old, obj):
                return old
            self._forget_owners(key, old)
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        table.put(obj)
        self._remember_owners(key, obj)
        self._notify(Change(self.version, key, old, obj))
        return obj

    def load(self, key: Key, obj: Object) -> None:
        """Put an object as it is, resourceVersion included, without telling anybody: only before serving starts."""
        written = obj["metadata"].get("resourceVersion")
        if written and str(written).isdigit():
            self.version = max(self.version, int(written))
        else:
            obj["metadata"]["resourceVersion"] = "1"
        self._forgotten = self.version
        self.table(key).put(obj)
        self._remember_owners(key, obj)

    def delete(self, key: Key, namespace: str, name: str) -> Object:
        """Remove one object; its last state has the resourceVersion of the deletion. Raises KeyError if absent."""
        entry = self.table(key).get((namespace, name))
        if entry is None:
            raise KeyError(name)
        old = entry.object
        self.table(key).remove((namespace, name))
        self._forget_owners(key, old)
        self.version += 1
        last = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
        self._notify(Change(self.version, key, last, None))
        return last

    def since(self, version: int) -> list[Change] | None:
        """Changes after a resourceVersion, or None when some are forgotten."""
        if version < self._forgotten:
            return None
        return [change for change in self._history if change.version > version]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _notify(self, change: Change) -> None:
        if len(self._history) == HISTORY:
            self._forgotten = self._history[0].version
        self._history.append(change)
        for listener in list(self._listeners):
            listener(change)

    def _remember_owners(self, key: Key, obj: Object) -> None:
        for owner in obj["metadata"].get("ownerReferences") or ():
            self._dependents.setdefault(owner.get("uid", ""), set()).add((key, (namespace_of(obj), name_of(obj))))

    def _forget_owners(self, key: Key, obj: Object) -> None:
        for owner in obj["metadata"].get("ownerReferences") or ():
            self._dependents.get(owner.get("uid", ""), set()).discard((key, (namespace_of(obj), name_of(obj))))


def _refers(reference: Object, owner: Object) -> bool:
    return reference.get("uid") == uid_of(owner) and reference.get("kind") == owner["kind"]


def _same(old: Object, new: Object) -> bool:
    unversioned = {**old["metadata"], "resourceVersion": None}
    return {**old, "metadata": unversioned} == {**new, "metadata": {**new["metadata"], "resourceVersion": None}}
