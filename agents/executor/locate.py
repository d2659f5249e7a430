"""Finds the object that somebody named without its kind or namespace. Several matches are a question, not a guess."""

from __future__ import annotations

import asyncio

from agents.cluster.errors import NotFound
from agents.cluster.kinds import CATALOGUE
from agents.executor.action import ActionError, Target
from agents.executor.changes.change import TEMPLATE_PATHS
from agents.executor.cluster_api import ClusterApi

_WORKLOADS = tuple(kind for kind in TEMPLATE_PATHS if kind != "ReplicaSet")


async def locate(cluster: ClusterApi, kind: str | None, namespace: str | None, name: str) -> Target:
    """The one object that is meant.

    `kind` may be any name of a kind (`deploy`); without one, workloads are searched. Raises ActionError that lists the
    candidates when there are several, and says where was looked when there is none.
    """
    known = CATALOGUE.find(kind) if kind else None
    kind = known.name if known else kind
    if kind and (namespace or (known is not None and not known.namespaced)):
        return Target(namespace or "" if known is None or known.namespaced else "", kind, name)
    kinds = (kind,) if kind else _WORKLOADS
    lists = await asyncio.gather(*(_named(cluster, each, namespace or "", name) for each in kinds))
    found = [target for targets in lists for target in targets]
    if len(found) == 1:
        return found[0]
    where = f"namespace {namespace}" if namespace else f"cluster {cluster.name}"
    if not found:
        raise ActionError(f"there is no {kind or 'workload'} named {name} in {where}")
    raise ActionError(f"which one? {where} has {', '.join(sorted(map(str, found)))}")


async def _named(cluster: ClusterApi, kind: str, namespace: str, name: str) -> list[Target]:
    try:
        objects = await cluster.list(kind, namespace, fields=f"metadata.name={name}")
    except NotFound:
        return []
    return [Target(obj["metadata"].get("namespace", ""), kind, name) for obj in objects]
