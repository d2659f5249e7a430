"""The executor's view of a Cluster: requests as values become calls."""

from __future__ import annotations

from agents.cluster.cluster import Cluster
from agents.executor.action import Object, Target
from agents.executor.cluster_api import FIELD_MANAGER, Right, Write


class AdaptedCluster:
    """A Cluster as `ClusterApi`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def name(self) -> str:
        """The cluster's id."""
        return self._cluster.id

    async def get(self, target: Target) -> Object:
        """The object. Raises NotFound."""
        return await self._cluster.get(target.kind, target.name, target.namespace or None)

    async def list(
        self, kind: str, namespace: str = "", *, labels: str | None = None, fields: str | None = None
    ) -> list[Object]:
        """The objects of a kind, in one namespace or all."""
        return await self._cluster.list(kind, namespace or None, labels, fields)

    async def write(self, request: Write, *, dry_run: bool) -> Object:
        """Makes the request, without force, as our own field manager."""
        target, lock = request.target, request.precondition
        namespace = target.namespace or None
        match request.verb:
            case "create":
                return await self._cluster.create(request.body, dry_run=dry_run, field_manager=FIELD_MANAGER)
            case "delete":
                return await self._cluster.delete(
                    target.kind, target.name, namespace, precondition=lock, dry_run=dry_run
                )
            case "evict":
                return await self._cluster.evict(target.name, target.namespace, precondition=lock, dry_run=dry_run)
            case "merge" | "strategic" | "json" | "apply":
                return await self._cluster.patch(
                    target.kind,
                    target.name,
                    namespace,
                    request.body,
                    patch_type=request.verb,
                    precondition=lock,
                    subresource=request.subresource or None,
                    dry_run=dry_run,
                    field_manager=FIELD_MANAGER,
                )

    async def allowed(self, right: Right) -> bool:
        """Asks SelfSubjectAccessReview."""
        kind = await self._cluster.kind(right.target.kind)
        return await self._cluster.can_i(
            right.verb,
            kind.plural,
            right.target.namespace or None,
            right.target.name,
            kind.group,
            right.subresource or None,
        )
