"""Proposed Actions: for each fault, the typed changes that would end it, short term first.

One file per family holds `REMEDIES`: fault id -> a pure function of Snapshot, Observation and language that returns
Actions. A fault that no single change can be proposed for has no entry; its advice in words says what to do.
"""

from __future__ import annotations

from agents.diagnoser.observation import Observation
from agents.diagnoser.remedies import objects, operations, traffic, workloads
from agents.diagnoser.remedies.remedy import Remedy
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Action, Language

REMEDIES: dict[str, Remedy] = {**workloads.REMEDIES, **objects.REMEDIES, **operations.REMEDIES, **traffic.REMEDIES}


def propose(snapshot: Snapshot, seen: Observation, language: Language) -> list[Action]:
    """Actions for an observation, [] when none can be derived."""
    remedy = REMEDIES.get(seen.fault)
    return list(remedy(snapshot, seen, language)) if remedy else []
