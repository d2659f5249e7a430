"""Reads what surrounds the object of an Action: its revisions, its pods, and whoever depends on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from agents.cluster.errors import Forbidden, NotFound
from agents.executor.action import Object, Target
from agents.executor.changes.change import TEMPLATE_PATHS, Before
from agents.executor.cluster_api import ClusterApi
from agents.runtime.findings import ActionKind

_OF_NAMESPACE = ("Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Pod")
_CONSUMERS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
_CONSUMED = ("ConfigMap", "PersistentVolumeClaim", "ServiceAccount")


@dataclass(frozen=True)
class Neighbours:
    """Objects around the target, by kind. `unseen` are the kinds that we may not list."""

    objects: dict[str, tuple[Object, ...]]
    unseen: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Object, ...]:
        """Those of one kind; none when it was not read."""
        return self.objects.get(kind, ())


async def read_before(cluster: ClusterApi, target: Target, kind: ActionKind, now: datetime) -> Before:
    """The object, and what else planning the change needs."""
    try:
        obj = await cluster.get(target)
    except NotFound:
        return Before(target, None, now)
    revisions: list[Object] = []
    pods: list[Object] = []
    if kind == "undo_rollout":
        owned = "ReplicaSet" if target.kind == "Deployment" else "ControllerRevision"
        uid = obj["metadata"].get("uid")
        revisions = [item for item in await cluster.list(owned, target.namespace) if _owned_by(item, uid)]
    if kind == "drain_node":
        pods = await cluster.list("Pod", fields=f"spec.nodeName={target.name}")
    return Before(target, obj, now, tuple(revisions), tuple(pods))


async def read_neighbours(cluster: ClusterApi, target: Target) -> Neighbours:
    """What the effects are worked out from. A kind that may not be listed is noted, not fatal."""
    kinds: tuple[str, ...] = ()
    if target.kind == "Node":
        kinds = ("Node", "PodDisruptionBudget")
    elif target.kind in (*TEMPLATE_PATHS, "Pod"):
        kinds = _OF_NAMESPACE
    elif target.kind in _CONSUMED:
        kinds = _CONSUMERS
    elif target.kind == "Service":
        kinds = ("Ingress",)
    lists = await asyncio.gather(*(_list(cluster, kind, target.namespace) for kind in kinds))
    read = dict(zip(kinds, lists, strict=True))
    return Neighbours(
        {kind: tuple(items) for kind, items in read.items() if items is not None},
        tuple(kind for kind, items in read.items() if items is None),
    )


async def _list(cluster: ClusterApi, kind: str, namespace: str) -> list[Object] | None:
    try:
        return await cluster.list(kind, namespace)
    except (Forbidden, NotFound):
        return None


def _owned_by(item: Object, uid: str | None) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid for owner in owners if uid)
