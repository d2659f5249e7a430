"""A Job that failed explains an init container that waits for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.diagnoser.fields import parts_of
from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

_WAITING = frozenset({"init_container_stuck", "init_container_failed"})


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """From every fault of a Job to init containers in its namespace whose command or log names it."""
    for cause in observations:
        namespace, kind, name = parts_of(cause.resource)
        if kind != "Job":
            continue
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        for effect in observations:
            told = f"{effect.facts.get('command', '')} {effect.facts.get('message', '')}"
            if effect.fault in _WAITING and parts_of(effect.resource)[0] == namespace and word.search(told):
                yield Edge(cause, effect)
