"""Two faults on one object are one incident: the more specific explains the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

GENERIC: dict[str, int] = {
    "readiness_failing": 1,
    "crash_app_error": 2,
    "job_failed": 2,
    "crash_dependency": 3,
    "probe_readiness_misconfigured": 4,
    "probe_liveness_too_aggressive": 5,
    "init_container_failed": 5,
    "init_container_stuck": 5,
    "rollout_stuck": 0,
}
"""Faults that say little, with how much they say; what is not listed says more than all of these."""


def specificity(seen: Observation) -> tuple[int, int, float, str]:
    """Orders faults of one object: causes before symptoms, specific before generic, sure before unsure."""
    roles = {"cause": 2, "symptom": 1, "effect": 0}
    return roles[seen.role], GENERIC.get(seen.fault, 9), seen.confidence, seen.fault


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """The most specific fault of an object explains its other faults."""
    by_resource: dict[str, list[Observation]] = defaultdict(list)
    for seen in observations:
        by_resource[seen.resource].append(seen)
    for group in by_resource.values():
        first, *others = sorted(group, key=specificity, reverse=True)
        for other in others:
            yield Edge(first, other)
