"""What a container should ask for: from percentiles of its use, by a rule that is said. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agents.cluster.quantities import format_memory
from agents.cluster.resources import Resource
from agents.cluster.usage import amount_of
from agents.metrics.measure import Box
from agents.runtime.findings import Language
from agents.runtime.report_facts import Sizing, Spread

CPU_LEAST, CPU_STEP = 0.010, 0.005
MEMORY_LEAST, MEMORY_STEP = 16 * 2**20, 2**20
CPU_LIMIT = 2.0
"""A CPU limit, where there is one, by the 99th percentile."""
MEMORY_LIMIT = 1.5
"""A memory limit by the peak."""
TOO_SMALL, TOO_BIG = 0.8, 1.5
"""Present request by advised request: below and above these it is worth a change."""
CPU_WORTH, MEMORY_WORTH = 0.050, 64 * 2**20
"""Differences that are worth a change when too much is asked for."""


@dataclass(frozen=True)
class Rule:
    """How a request follows from use."""

    headroom: float
    moment: bool
    """The percentiles are over pods at one moment, not over time."""

    def words(self, language: Language, window: str = "") -> str:
        """The rule as people read it."""
        if language == "zh":
            basis = "单一时刻各 Pod 的用量，请用一天以上的历史核对" if self.moment else f"过去 {window} 的历史"
            cpu = "峰值" if self.moment else "p95"
            memory = "峰值" if self.moment else "p99"
            return (
                f"CPU 请求值 = {cpu} × {self.headroom:g}，内存请求值 = {memory} × {self.headroom:g}，"
                f"内存限制 = 峰值 × {MEMORY_LIMIT:g}；已有 CPU 限制时取 p99 × {CPU_LIMIT:g}，没有则不建议设置。"
                f"下限 10m 和 16Mi。依据：{basis}。"
            )
        basis = (
            "use at one moment over the pods: check it against a day of history" if self.moment else f"last {window}"
        )
        cpu = "peak" if self.moment else "p95"
        memory = "peak" if self.moment else "p99"
        return (
            f"CPU request = {cpu} x {self.headroom:g}, memory request = {memory} x {self.headroom:g}, "
            f"memory limit = peak x {MEMORY_LIMIT:g}; a CPU limit, where there is one, = p99 x {CPU_LIMIT:g}, "
            f"and none is advised where there is none. At least 10m and 16Mi. Basis: {basis}."
        )


MOMENT = Rule(headroom=1.3, moment=True)
HISTORY = Rule(headroom=1.2, moment=False)

Spreads = Mapping[tuple[str, str, str], tuple[Spread, Spread]]
"""CPU and memory by namespace, pod and container."""


def spread(values: Iterable[float]) -> Spread | None:
    """Nearest-rank percentiles; None of nothing."""
    known = sorted(values)
    if not known:
        return None
    return Spread(p50=_rank(known, 50), p95=_rank(known, 95), p99=_rank(known, 99), peak=known[-1])


def joined(spreads: Sequence[Spread]) -> Spread | None:
    """One container over the pods of its workload: the busiest pod decides, because all get the same request."""
    if not spreads:
        return None
    return Spread(
        p50=max(s.p50 for s in spreads),
        p95=max(s.p95 for s in spreads),
        p99=max(s.p99 for s in spreads),
        peak=max(s.peak for s in spreads),
    )


def sizings(resource: Resource, boxes: Sequence[Box], history: Spreads, language: Language) -> list[Sizing]:
    """One row per container name of a workload; none for containers that were not measured."""
    rows = (_sizing(resource, name, [b for b in boxes if b.name == name], history, language) for name in _names(boxes))
    return [row for row in rows if row is not None]


def _sizing(resource: Resource, name: str, boxes: list[Box], history: Spreads, language: Language) -> Sizing | None:
    past = [history[key] for box in boxes if (key := (box.pod.namespace or "", box.pod.name, name)) in history]
    rule = HISTORY if past else MOMENT
    if past:
        cpu, memory = joined([c for c, _ in past]), joined([m for _, m in past])
    else:
        used = [box.used for box in boxes if box.used is not None]
        cpu, memory = spread(float(u.cpu) for u in used), spread(float(u.memory) for u in used)
    if cpu is None or memory is None:
        return None
    asked, capped = boxes[0].requests, boxes[0].limits
    cpu_limit = float(amount_of(capped).cpu) if "cpu" in capped else None
    memory_limit = amount_of(capped).memory if "memory" in capped else None
    cpu_advised = cpu_step((cpu.peak if rule.moment else cpu.p95) * rule.headroom)
    memory_advised = memory_step((memory.peak if rule.moment else memory.p99) * rule.headroom)
    limit_advised = max(memory_step(memory.peak * MEMORY_LIMIT), memory_advised)
    notes: list[str] = []
    if memory_limit and any("OOMKilled" in (box.last_exit or "") for box in boxes):
        # What was killed at its limit would have used more: its use says nothing about its need.
        memory_advised, limit_advised = max(memory_advised, memory_limit), max(limit_advised, 2 * memory_limit)
        notes.append(_killed(memory_limit, language))
    row = Sizing(
        resource=str(resource),
        container=name,
        pods=len(boxes),
        cpu=cpu,
        memory=memory,
        cpu_request=float(amount_of(asked).cpu) if "cpu" in asked else cpu_limit,
        cpu_limit=cpu_limit,
        memory_request=amount_of(asked).memory if "memory" in asked else memory_limit,
        memory_limit=memory_limit,
        cpu_request_advised=cpu_advised,
        cpu_limit_advised=None if cpu_limit is None else max(cpu_step(cpu.p99 * CPU_LIMIT), cpu_advised),
        memory_request_advised=memory_advised,
        memory_limit_advised=limit_advised,
        notes=notes,
    )
    return row.model_copy(update={"verdict": _verdict(row)})


def _verdict(row: Sizing) -> str:
    if row.cpu_request is None or row.memory_request is None:
        return "unset"
    short = row.memory_limit is not None and row.memory_limit < TOO_SMALL * row.memory_limit_advised and bool(row.notes)
    if (
        row.cpu_request < TOO_SMALL * row.cpu_request_advised
        or row.memory_request < TOO_SMALL * row.memory_request_advised
    ):
        return "too_small"
    if short:
        return "too_small"
    cpu_over, memory_over = row.cpu_request - row.cpu_request_advised, row.memory_request - row.memory_request_advised
    if row.cpu_request > TOO_BIG * row.cpu_request_advised and cpu_over >= CPU_WORTH:
        return "too_big"
    if row.memory_request > TOO_BIG * row.memory_request_advised and memory_over >= MEMORY_WORTH:
        return "too_big"
    return "fits"


def urgency(row: Sizing) -> tuple[int, float]:
    """Sorts rows: too small first, then without requests, then by how much is asked for in vain."""
    order = {"too_small": 0, "unset": 1, "too_big": 2, "fits": 3}[row.verdict]
    cpu_over = (row.cpu_request or 0) - row.cpu_request_advised
    memory_over = ((row.memory_request or 0) - row.memory_request_advised) / 2**30
    return order, -row.pods * (cpu_over + memory_over / 4)


def cpu_step(cores: float) -> float:
    """Rounded up to 5m, at least 10m."""
    return round(max(CPU_LEAST, math.ceil(cores / CPU_STEP - 1e-9) * CPU_STEP), 3)


def memory_step(size: float) -> int:
    """Rounded up to a Mi, at least 16Mi."""
    return max(MEMORY_LEAST, math.ceil(size / MEMORY_STEP) * MEMORY_STEP)


def _killed(limit: int, language: Language) -> str:
    if language == "zh":
        return f"曾因达到内存限制 {format_memory(limit)} 被杀死，用量不能说明真实需求：至少给出两倍"
    return (
        f"was killed at its memory limit of {format_memory(limit)}, so its use does not show its need: at least twice"
    )


def _names(boxes: Sequence[Box]) -> list[str]:
    return list(dict.fromkeys(box.name for box in boxes))


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
