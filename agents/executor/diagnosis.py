"""What is wrong before and after a change, by the diagnoser's own engine."""

from __future__ import annotations

import asyncio

from agents.cluster.clusters import Clusters
from agents.cluster.errors import Unavailable
from agents.diagnoser.collect import collect
from agents.diagnoser.engine import diagnose
from agents.executor.action import Target
from agents.executor.workshop import Picture


async def picture(clusters: Clusters, cluster_id: str, namespace: str) -> Picture:
    """What is wrong: root causes of a namespace and of cluster-wide objects, all when it is empty.

    Raises ClusterError when the cluster cannot be read, or only in part: half a picture must not judge a change.
    """
    cluster = await clusters.get(cluster_id)
    snapshot = await collect(cluster)
    if snapshot.interrupted:
        raise Unavailable(cluster_id, snapshot.interrupted)
    found = await asyncio.to_thread(diagnose, snapshot)
    causes = frozenset(
        f"{cause.resource} {cause.fault}"
        for cause in found.root_causes
        if not namespace or Target.parse(cause.resource).namespace in ("", namespace)
    )
    return Picture(causes, frozenset(seen.resource for seen in found.observations))
