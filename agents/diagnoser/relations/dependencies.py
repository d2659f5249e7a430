"""A fault explains the symptoms of those who depend on it: broken volume -> database -> its Service -> its clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agents.diagnoser.needs import Needs
from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

_STEPS = 6


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """From each symptom, follows what it waits for (or, when that is unknown, all that it needs) to other faults."""
    disturbed: dict[str, list[Observation]] = defaultdict(list)
    for seen in observations:
        if seen.role != "effect":
            for name in seen.touches:
                disturbed[name].append(seen)
    needs = Needs(snapshot)
    for effect in observations:
        if effect.role == "cause":
            continue
        for path in _reached(needs, effect):
            for cause in disturbed.get(path[-1], []):
                if cause.key != effect.key and cause.resource != effect.resource:
                    yield Edge(cause, effect, tuple(reversed(path)))


def _reached(needs: Needs, effect: Observation) -> Iterable[tuple[str, ...]]:
    """Paths from what the effect waits for to everything it depends on, nearest first."""
    starts = effect.waits_for or needs.of(effect.resource)
    seen = {effect.resource, *starts}
    paths = [(name,) for name in starts]
    for _ in range(_STEPS):
        yield from paths
        longer: list[tuple[str, ...]] = []
        for path in paths:
            for name in needs.of(path[-1]):
                if name not in seen:
                    seen.add(name)
                    longer.append((*path, name))
        paths = longer
