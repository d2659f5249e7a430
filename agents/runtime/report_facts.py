"""What a health report is made of, as it travels in `Finding.facts`: risks from the diagnoser, capacity from metrics.

The planner scores and renders them without knowing Kubernetes; a specialist fills them without knowing the report.
CPU is in cores, memory in bytes, money in the price table's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from agents.runtime.findings import Wire

HEALTH = "health"
"""Key of `HealthFacts` in `Finding.facts`."""
CAPACITY = "capacity"
"""Key of `CapacityFacts` in `Finding.facts`."""
REPORT = "report"
"""Value of the subtask input `wish` that asks a specialist for these facts."""

Severity = Literal["high", "medium", "low"]


class RiskItem(Wire):
    """One object that a risk check speaks of."""

    resource: str
    detail: str = ""
    """The decisive values, in the asker's language."""


class Risk(Wire):
    """Something that works now and will hurt one day: one check with every object it found."""

    check: str
    """The check's id, such as `single_replica`."""
    severity: Severity
    title: str
    why: str
    """What will happen, in the asker's language."""
    advice: str
    total: int
    """How many objects; `items` holds the first of them."""
    examined: int
    """How many objects the check looked at."""
    items: list[RiskItem] = Field(default_factory=list[RiskItem])
    query: str = ""
    """How to see it again."""


class HealthFacts(Wire):
    """What the diagnoser knows of a cluster beside its root causes."""

    observed_at: datetime
    version: str = ""
    """The newest kubelet's version, which the API server's is not older than."""
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    """Objects seen, by kind."""
    risks: list[Risk] = Field(default_factory=list[Risk])
    clean: list[str] = Field(default_factory=list[str])
    """Titles of checks that found nothing."""
    unchecked: list[str] = Field(default_factory=list[str])
    """Checks that could not be made, and why."""


class NodeUse(Wire):
    """One node: what it can allocate, what its pods ask for, what is used."""

    name: str
    instance_type: str = ""
    zone: str = ""
    cpu: float
    memory: int
    cpu_requested: float = 0
    memory_requested: int = 0
    cpu_used: float | None = None
    memory_used: int | None = None
    pods: int = 0
    pods_room: int = 0
    per_month: float | None = None
    schedulable: bool = True


class Spread(Wire):
    """How much one container used: percentiles over time, or over its pods at one moment."""

    p50: float
    p95: float
    p99: float
    peak: float


class Sizing(Wire):
    """What one container of a workload asks for, uses, and should ask for. None: not set, or better not set."""

    resource: str
    container: str
    pods: int
    cpu: Spread
    memory: Spread
    cpu_request: float | None = None
    cpu_limit: float | None = None
    memory_request: int | None = None
    memory_limit: int | None = None
    cpu_request_advised: float
    cpu_limit_advised: float | None = None
    memory_request_advised: int
    memory_limit_advised: int
    verdict: Literal["fits", "too_big", "too_small", "unset"] = "fits"
    notes: list[str] = Field(default_factory=list[str])
    """Where the rule was departed from, such as after a kill for lack of memory. In the asker's language."""


class WorkloadUse(Wire):
    """One workload, summed over its pods."""

    resource: str
    pods: int
    cpu: float | None = None
    memory: int | None = None
    cpu_request: float | None = None
    cpu_limit: float | None = None
    memory_request: int | None = None
    memory_limit: int | None = None
    memory_percent: float | None = None
    """Of the limit, in the fullest container."""
    per_month: float | None = None


class Packing(Wire):
    """How many nodes the pods need when they are put together tightly."""

    nodes_now: int
    nodes_needed: int
    nodes_if_resized: int | None = None
    """The same with the advised requests; None when nothing was measured."""
    removable: list[str] = Field(default_factory=list[str])
    """Nodes that would be empty."""
    fixed: list[str] = Field(default_factory=list[str])
    """Nodes that were left as they are, and why."""
    unplaced: list[str] = Field(default_factory=list[str])
    """Pods that fit nowhere, now or then."""
    headroom_percent: int = 0
    assumptions: list[str] = Field(default_factory=list[str])


class Money(Wire):
    """Cost per month of 730 hours."""

    currency: str
    nodes: float
    """What all priced nodes cost."""
    idle: float
    """The part of it that nobody requests."""
    saved_by_packing: float = 0
    unpriced: list[str] = Field(default_factory=list[str])
    """Nodes for which the table has no price."""
    basis: str = ""


class CapacityFacts(Wire):
    """Utilisation, right-sizing, packing and cost, from the metrics analyst."""

    observed_at: datetime
    source: str
    """`metrics.k8s.io` or `prometheus`."""
    point_in_time: bool = True
    window: str = ""
    """How much history is behind the percentiles: `24h`; empty for a point in time."""
    nodes: list[NodeUse] = Field(default_factory=list[NodeUse])
    workloads: list[WorkloadUse] = Field(default_factory=list[WorkloadUse])
    """The biggest, by what they request or use."""
    workloads_total: int = 0
    sizing: list[Sizing] = Field(default_factory=list[Sizing])
    """The containers whose requests differ most from what they need, first."""
    sizing_total: int = 0
    rule: str = ""
    packing: Packing | None = None
    money: Money | None = None
    problem: str | None = None
    """Why usage is missing."""


F = TypeVar("F", HealthFacts, CapacityFacts)


def facts_of(facts: Mapping[str, Any], key: str, kind: type[F]) -> F | None:
    """The facts under a key of `Finding.facts`; None when they are absent or somebody else's of the same name."""
    try:
        return kind.model_validate(facts[key]) if key in facts else None
    except ValidationError:
        return None
