"""The cause graph: observations as nodes, relations as edges, and what no edge explains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from agents.diagnoser.observation import Observation
from agents.diagnoser.relations import RELATIONS
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot


@dataclass(frozen=True)
class Cause:
    """An observation that nothing explains, with what it explains."""

    observation: Observation
    explains: tuple[Edge, ...] = ()
    """Edges from it to others, directly or through others."""


def causes_of(snapshot: Snapshot, observations: Sequence[Observation]) -> list[Cause]:
    """The root causes. Observations in a circle of symptoms are explained by the first of them in specificity."""
    edges = [edge for relation in RELATIONS for edge in relation(snapshot, observations)]
    outgoing: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.cause.key != edge.effect.key:
            outgoing[edge.cause.key].append(edge)
    explained: set[tuple[str, str]] = set()
    found: list[Cause] = []
    for seen in sorted(observations, key=_order(outgoing)):
        if seen.key in explained or seen.role == "effect":
            continue
        reached = _reach(seen, outgoing)
        explained |= {edge.effect.key for edge in reached}
        found.append(Cause(seen, reached))
    return [cause for cause in found if cause.observation.key not in explained]


def _order(outgoing: dict[tuple[str, str], list[Edge]]):
    incoming: dict[tuple[str, str], int] = defaultdict(int)
    for edges in outgoing.values():
        for edge in edges:
            incoming[edge.effect.key] += 1

    def order(seen: Observation) -> tuple[int, int, int, float]:
        roles = {"cause": 0, "symptom": 1, "effect": 2}
        return roles[seen.role], min(incoming[seen.key], 1), -len(outgoing[seen.key]), -seen.confidence

    return order


def _reach(seen: Observation, outgoing: dict[tuple[str, str], list[Edge]]) -> tuple[Edge, ...]:
    reached: list[Edge] = []
    done = {seen.key}
    queue = [seen.key]
    while queue:
        for edge in outgoing[queue.pop(0)]:
            if edge.effect.key not in done:
                done.add(edge.effect.key)
                reached.append(edge)
                queue.append(edge.effect.key)
    return tuple(reached)
