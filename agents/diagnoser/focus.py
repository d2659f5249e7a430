"""What a question is about: names in it that exist in the cluster, and which causes belong to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agents.diagnoser.fields import items, kind_of, name_of, namespace_of, parts_of, resource_of, strings, text
from agents.diagnoser.graph import Cause
from agents.diagnoser.needs import Needs
from agents.diagnoser.snapshot import Snapshot

_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_STEPS = 6


@dataclass(frozen=True)
class Focus:
    """The objects and namespaces that a question names; nothing when it is about the whole cluster."""

    resources: frozenset[str] = field(default_factory=frozenset[str])
    namespaces: frozenset[str] = field(default_factory=frozenset[str])
    strict: bool = False
    """The person pointed at these objects explicitly (a tool call): unrelated causes are always elsewhere."""

    def __bool__(self) -> bool:
        return bool(self.resources or self.namespaces)


def focus_of(snapshot: Snapshot, question: str) -> Focus:
    """Reads a question. Only full names count, case aside; a namespace counts when its name stands alone."""
    words = {word.lower() for word in _WORD.findall(question)}
    if not words:
        return Focus()
    spaces = {name_of(n) for n in snapshot.kind("Namespace")}
    named = {name for name in spaces if name.lower() in words}
    resources = set(_named(snapshot, words))
    inside = {r for r in resources if parts_of(r)[0] in named}
    return Focus(frozenset(inside or resources), frozenset(named))


def _named(snapshot: Snapshot, words: set[str]) -> Iterator[str]:
    for obj in (*snapshot.workloads(), *snapshot.kind("Service"), *snapshot.kind("Node"), *snapshot.kind("Ingress")):
        if name_of(obj).lower() in words:
            yield resource_of(obj)
    for pod in snapshot.kind("Pod"):
        if name_of(pod).lower() in words:
            yield snapshot.top_name(pod)
    for ingress in snapshot.kind("Ingress"):
        for rule in items(ingress, "spec", "rules"):
            if text(rule, "host") and text(rule, "host").lower() in words:
                yield resource_of(ingress)
    for route in (*snapshot.kind("HTTPRoute"), *snapshot.kind("GRPCRoute")):
        if name_of(route).lower() in words or any(h.lower() in words for h in strings(route, "spec", "hostnames")):
            yield resource_of(route)


def divide(snapshot: Snapshot, causes: Sequence[Cause], focus: Focus) -> tuple[list[Cause], list[Cause]]:
    """Causes that the question is about, and the others.

    A cause is put aside only when the question clearly names something, another cause is clearly related to it, and
    this one is neither related nor in a namespace of what was named. So nothing is hidden from a general question.
    """
    if not focus or (len(causes) < 2 and not focus.strict):
        return list(causes), []
    related = _related(snapshot, focus)
    spaces = focus.namespaces | {parts_of(name)[0] for name in focus.resources if parts_of(name)[0]}
    near = [c for c in causes if related & _touched(c)]
    if not near and not focus.strict:
        near = [c for c in causes if _spaces(c) & spaces]
    if not near and not focus.strict:
        return list(causes), []
    beside = [c for c in causes if c not in near and not focus.strict and _spaces(c) & spaces]
    kept = [*near, *beside]
    return kept, [c for c in causes if c not in kept]


def _workload(snapshot: Snapshot, resource: str) -> str:
    """The workload that a named pod belongs to; other objects stand for themselves."""
    obj = snapshot.find(resource)
    return snapshot.top_name(obj) if obj is not None and kind_of(obj) in ("Pod", "ReplicaSet", "Job") else resource


def _touched(cause: Cause) -> set[str]:
    effects = (edge.effect for edge in cause.explains)
    return {*cause.observation.touches, *(name for effect in effects for name in effect.touches)}


def _spaces(cause: Cause) -> set[str]:
    return {parts_of(name)[0] for name in _touched(cause)} - {""}


def _related(snapshot: Snapshot, focus: Focus) -> set[str]:
    """Everything that the named objects need, directly or through others, and workloads of named namespaces."""
    needs = Needs(snapshot)
    found = {_workload(snapshot, name) for name in focus.resources} | set(focus.resources)
    if not focus.resources:
        found |= {resource_of(w) for w in snapshot.workloads() if namespace_of(w) in focus.namespaces}
    for name in list(found):
        obj = snapshot.find(name)
        if obj is not None and kind_of(obj) not in ("Service", "Ingress", "Node"):
            found |= {resource_of(s) for s in snapshot.services_of(obj)}
    edge = set(found)
    for _ in range(_STEPS):
        edge = {need for name in edge for need in needs.of(name)} - found
        found |= edge
    return found
