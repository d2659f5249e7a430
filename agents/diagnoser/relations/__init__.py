"""Known relations: which observation explains which. Each is a pure function in a file of its own, listed in RELATIONS.

A relation sees the whole Snapshot and all observations and yields edges. It says nothing about ranking: `graph` keeps
what no edge explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agents.diagnoser.observation import Observation
from agents.diagnoser.relations import affected, dependencies, jobs, operators, outright, refusals, same_object
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

Relation = Callable[[Snapshot, Sequence[Observation]], Iterable[Edge]]

RELATIONS: tuple[Relation, ...] = (
    same_object.relate,
    affected.relate,
    dependencies.relate,
    outright.relate,
    refusals.relate,
    jobs.relate,
    operators.relate,
)
"""One line per relation."""

__all__ = ["RELATIONS", "Edge", "Relation"]
