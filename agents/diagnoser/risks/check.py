"""The shape that all risk checks have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.diagnoser.fields import Obj, kind_of, namespace_of, text
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.report_facts import Severity

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""What the provider of the cluster runs: its sizing and probes are nobody's homework here."""


@dataclass(frozen=True)
class Seen:
    """One object at risk. `facts` fill the sentence in `wording`."""

    resource: str
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weight: float = 0
    """The larger, the more urgent among its like."""


@dataclass(frozen=True)
class Result:
    """What a check found, and among how many objects."""

    examined: int
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    id: str
    severity: Severity
    needs: tuple[str, ...]
    """Kinds that must be visible for the check to mean anything."""
    run: Callable[[Snapshot], Result]
    query: str
    """A kubectl command that shows what the check looked at."""


def result(examined: int, seen: Iterable[Seen]) -> Result:
    """The most urgent first, then by name."""
    return Result(examined, tuple(sorted(seen, key=lambda s: (-s.weight, s.resource))))


def own_workloads(snapshot: Snapshot, *kinds: str) -> list[Obj]:
    """Workloads of those kinds outside the system namespaces that are meant to run something."""
    return [
        workload
        for workload in snapshot.workloads()
        if kind_of(workload) in kinds
        and namespace_of(workload) not in SYSTEM_NAMESPACES
        and text(workload, "spec", "replicas") != "0"
    ]
