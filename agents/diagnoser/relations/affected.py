"""A fault explains the symptoms of the objects that it affects: a full volume, the database that mounts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """Causes explain symptoms and effects on what they affect. A symptom explains none."""
    by_resource: dict[str, list[Observation]] = defaultdict(list)
    for seen in observations:
        by_resource[seen.resource].append(seen)
    for cause in observations:
        if cause.role != "cause":
            continue
        for name in cause.affects:
            for effect in by_resource[name]:
                if effect is not cause and effect.role != "cause":
                    yield Edge(cause, effect)
