"""Findings as the specialists send them for a report."""

from __future__ import annotations

from typing import Any

from agents.runtime.findings import Finding
from agents.runtime.report_facts import (
    CAPACITY,
    HEALTH,
    CapacityFacts,
    HealthFacts,
    Money,
    NodeUse,
    Packing,
    Risk,
    RiskItem,
    Sizing,
    Spread,
    WorkloadUse,
)
from planner.report.assemble import assemble
from planner.report.report import Report
from planner.request import new_request
from tests.planner.team import NOW, out_of_memory

GIB = 2**30


def risk(check: str = "single_replica", total: int = 1, examined: int = 4, severity: Any = "medium") -> Risk:
    items = [RiskItem(resource=f"shop/Deployment/web-{n}", detail="serves web") for n in range(total)]
    return Risk(
        check=check,
        severity=severity,
        title=f"Risk {check}",
        why="It will hurt.",
        advice="Do something.",
        total=total,
        examined=examined,
        items=items,
    )


def capacity() -> CapacityFacts:
    use = Spread(p50=0.1, p95=0.2, p99=0.3, peak=0.4)
    sizing = Sizing(
        resource="shop/Deployment/web",
        container="app",
        pods=2,
        cpu=use,
        memory=use,
        cpu_request=1,
        memory_request=GIB,
        cpu_request_advised=0.2,
        memory_request_advised=GIB // 2,
        memory_limit_advised=GIB,
        verdict="too_big",
    )
    nodes = [NodeUse(name=f"n{i}", cpu=4, memory=16 * GIB, cpu_used=1, memory_used=GIB) for i in range(3)]
    web = WorkloadUse(resource="shop/Deployment/web", pods=2, cpu=0.2, memory=GIB, memory_limit=2 * GIB, per_month=9.5)
    return CapacityFacts(
        observed_at=NOW,
        source="metrics.k8s.io",
        nodes=nodes,
        workloads=[web],
        sizing=[sizing],
        sizing_total=2,
        rule="p95 x 1.2",
        packing=Packing(nodes_now=3, nodes_needed=2, removable=["n2"]),
        money=Money(currency="EUR", nodes=300, idle=200, saved_by_packing=100),
    )


def diagnosed(*risks: Risk, causes: bool = True) -> Finding:
    health = HealthFacts(observed_at=NOW, version="v1.34.1", counts={"Pod": 3}, risks=list(risks))
    found = [out_of_memory()] if causes else []
    return Finding(specialist="diagnoser", root_causes=found, facts={HEALTH: health.model_dump(mode="json")})


def measured() -> Finding:
    return Finding(specialist="metrics", facts={CAPACITY: capacity().model_dump(mode="json")})


def report(*risks: Risk, causes: bool = True, language: Any = "en", **more: Any) -> Report:
    request = new_request("Health report", id="r1", language=language, cluster_id="prod")
    findings = {"diagnose": diagnosed(*risks, causes=causes), "measure": measured()}
    return assemble(more.pop("id", "one"), request, None, findings, created_at=NOW, **more)
