"""How resources are named (`namespace/Kind/name`, cluster-scoped `Kind/name`), and whose they are in the end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agents.cluster.kinds import CATALOGUE, Catalogue

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "CronJob"})
"""Where the way up ends, even when an operator owns them: these are what people know and change."""

# Kubernetes makes suffixes without vowels and without 0, 1 and 3, lest they spell words.
_OF_DEPLOYMENT = re.compile(r"(.+)-[bcdf-hj-np-tv-xz24-9]{6,10}-[bcdf-hj-np-tv-xz24-9]{5}")
_OF_OTHERS = re.compile(r"(.+)-(?:\d+|[bcdf-hj-np-tv-xz24-9]{5})")


@dataclass(frozen=True, order=True)
class Resource:
    """The name of one object."""

    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)

    @classmethod
    def of(cls, found: dict[str, Any]) -> Resource:
        """The name of an object as the API returns it."""
        metadata = found.get("metadata") or {}
        return cls(found.get("kind", ""), metadata.get("name", ""), metadata.get("namespace"))

    @classmethod
    def parse(cls, text: str, catalogue: Catalogue = CATALOGUE) -> Resource:
        """Reads `web/Deployment/api`, `Node/node-2`, and what people write for them: `web/deploy/api`, `no/node-2`.

        Raises ValueError, in words for a person, for anything else.
        """
        parts = [part.strip() for part in text.strip().split("/")]
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"{text!r} names no resource; write namespace/Kind/name, or Kind/name when cluster-scoped")
        *space, kind_name, name = parts
        kind = catalogue.find(kind_name)
        return cls(kind.name if kind else kind_name, name, space[0] if space else None)


class Owners:
    """Finds the top owner of objects, among the objects that were read."""

    def __init__(self, objects: Iterable[dict[str, Any]]) -> None:
        self._by_name = {Resource.of(found): found for found in objects}

    def top(self, found: dict[str, Any]) -> Resource:
        """The workload that an object belongs to; the object itself when nothing owns it.

        A mirror pod is owned by its Node, which is no workload: it stays itself. A ReplicaSet that was not read is
        named by its pod's hash label, so that a deleted one still leads to its Deployment.
        """
        current, seen = found, set[Resource]()
        while True:
            here = Resource.of(current)
            if here.kind in WORKLOADS or here in seen:
                return here
            seen.add(here)
            reference = controller_of(current)
            if reference is None or reference.get("kind") == "Node":
                return here
            owner = Resource(reference["kind"], reference["name"], here.namespace)
            parent = self._by_name.get(owner)
            if parent is None:
                return _guessed(owner, current)
            current = parent


def controller_of(found: dict[str, Any]) -> dict[str, Any] | None:
    """The owner reference of the controller, or the only one there is."""
    references = (found.get("metadata") or {}).get("ownerReferences") or []
    controllers = [reference for reference in references if reference.get("controller")]
    return (controllers or references or [None])[0]


def _guessed(owner: Resource, child: dict[str, Any]) -> Resource:
    if owner.kind == "ReplicaSet":
        label = ((child.get("metadata") or {}).get("labels") or {}).get("pod-template-hash")
        if label and owner.name.endswith(f"-{label}"):
            return Resource("Deployment", owner.name.removesuffix(f"-{label}"), owner.namespace)
    return owner


def pod_owner_by_name(pod: str) -> str:
    """The likely workload name in a pod's name: `api-5d4f8b7c9d-x2x7k` is `api`, `queue-0` is `queue`."""
    match = _OF_DEPLOYMENT.fullmatch(pod) or _OF_OTHERS.fullmatch(pod)
    return match[1] if match else pod
