"""What the executor needs of a cluster, as a small protocol, so that everything else can be tested without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agents.cluster.writes import Precondition
from agents.executor.action import Object, Target

FIELD_MANAGER = "kubeteam-executor"
"""Who owns the fields that an Action sets, in `metadata.managedFields`."""

Verb = Literal["merge", "strategic", "json", "apply", "create", "delete", "evict"]
"""The three kinds of patch, server-side apply without force, and the plain verbs. `evict` makes a Pod's Eviction."""


@dataclass(frozen=True)
class Write:
    """One request that would change something."""

    verb: Verb
    target: Target
    body: Any = None
    """The patch or the manifest; None for a deletion and an eviction."""
    subresource: str = ""
    precondition: Precondition | None = None
    """What the object must still be; None when it must not be there yet."""

    @property
    def right(self) -> Right:
        """The right that this request needs."""
        if self.verb == "evict":
            return Right("create", Target(self.target.namespace, "Pod", self.target.name), "eviction")
        verb = {"create": "create", "delete": "delete"}.get(self.verb, "patch")
        return Right(verb, self.target, self.subresource)


@dataclass(frozen=True)
class Right:
    """One question to SelfSubjectAccessReview."""

    verb: str
    target: Target
    subresource: str = ""

    def __str__(self) -> str:
        kind = f"{self.target.kind}/{self.subresource}" if self.subresource else self.target.kind
        where = f" in {self.target.namespace}" if self.target.namespace else ""
        return f"{self.verb} {kind}{where}"


class ClusterApi(Protocol):
    """One cluster. Every method raises the errors of `agents.cluster.errors`.

    `Unavailable` and `TimedOut` of a write leave it open whether the write took place.
    """

    @property
    def name(self) -> str:
        """The cluster's id, a kubeconfig context."""
        ...

    async def get(self, target: Target) -> Object:
        """The object. Raises NotFound."""
        ...

    async def list(
        self, kind: str, namespace: str = "", *, labels: str | None = None, fields: str | None = None
    ) -> list[Object]:
        """The objects of a kind, in one namespace or all."""
        ...

    async def write(self, request: Write, *, dry_run: bool) -> Object:
        """Makes the request with our field manager, and gives the object as it is (or would be) afterwards."""
        ...

    async def allowed(self, right: Right) -> bool:
        """Whether our own identity has the right."""
        ...
