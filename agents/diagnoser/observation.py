"""What an analyzer says: a fault on an object, with the facts that prove it. No words, no judgement about causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agents.runtime.findings import Evidence

Role = Literal["cause", "symptom", "effect"]
"""`cause`: wrong in itself; only an explicit relation explains it away.
`symptom`: may well follow from something else; reported only when nothing explains it.
`effect`: follows from something else by nature; it lengthens a chain and is never reported itself."""


@dataclass(frozen=True)
class Observation:
    """A fault as seen now."""

    resource: str
    """The object to blame, as the catalogue of faults says for this fault: `namespace/Kind/name`."""
    fault: str
    """The catalogue's id."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values that wording and remedies need: plain strings, numbers, and lists of strings."""
    evidence: tuple[Evidence, ...] = ()
    role: Role = "cause"
    since: datetime | None = None
    confidence: float = 0.9
    affects: tuple[str, ...] = ()
    """Other objects (workloads, mostly) that fail because of it."""
    waits_for: tuple[str, ...] = ()
    """For a symptom: objects whose own fault would explain it, such as the Service that refuses connections."""

    @property
    def key(self) -> tuple[str, str]:
        """Observations with the same key are one: the same fault seen on several pods."""
        return self.resource, self.fault

    @property
    def touches(self) -> tuple[str, ...]:
        """Every object that the fault is known to disturb, the blamed one first."""
        return tuple(dict.fromkeys((self.resource, *self.affects)))


def merge(observations: list[Observation]) -> list[Observation]:
    """One observation per resource and fault, with the evidence of all; the first one's facts win.

    The fact `pods` collects the names from all of them.
    """
    merged: dict[tuple[str, str], Observation] = {}
    for seen in observations:
        held = merged.get(seen.key)
        merged[seen.key] = seen if held is None else _joined(held, seen)
    return list(merged.values())


def _joined(one: Observation, other: Observation) -> Observation:
    strong, weak = (other, one) if other.confidence > one.confidence else (one, other)
    starts = [at for at in (one.since, other.since) if at is not None]
    pods = list(dict.fromkeys([*one.facts.get("pods", []), *other.facts.get("pods", [])]))
    return Observation(
        resource=one.resource,
        fault=one.fault,
        facts={**weak.facts, **strong.facts, **({"pods": pods} if pods else {})},
        evidence=tuple(dict.fromkeys((*strong.evidence, *weak.evidence)))[:6],
        role="cause" if "cause" in (one.role, other.role) else strong.role,
        since=min(starts) if starts else None,
        confidence=strong.confidence,
        affects=tuple(dict.fromkeys((*one.affects, *other.affects))),
        waits_for=tuple(dict.fromkeys((*one.waits_for, *other.waits_for))),
    )
