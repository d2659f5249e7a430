"""analyze_capacity: utilisation of nodes and workloads, right-sizing, packing and cost of one cluster, at one look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from agents.cluster.cluster import ClusterReader
from agents.cluster.endpoint import SourceError
from agents.cluster.prometheus import PrometheusClient
from agents.cluster.redaction import redact
from agents.cluster.resources import Resource
from agents.cluster.usage import Amount, amount_of
from agents.metrics.history import spreads, window
from agents.metrics.measure import Measured, boxes_of, measure, summed
from agents.metrics.money import Rates, money, priced_node, priced_workloads
from agents.metrics.packing import Obj, Requests, name_of, pack, requested
from agents.metrics.placement import ZONE, is_open, labels_of
from agents.metrics.rightsizing import HISTORY, MOMENT, Spreads, sizings, urgency
from agents.runtime.findings import Language
from agents.runtime.report_facts import CapacityFacts, NodeUse, Sizing, WorkloadUse
from agents.runtime.settings import PriceSettings

MAX_WORKLOADS = 100
MAX_SIZING = 100
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_SYSTEM = "kube-system"


async def analyze_capacity(
    cluster: ClusterReader,
    *,
    history: PrometheusClient | None = None,
    prices: PriceSettings | None = None,
    language: Language = "en",
) -> CapacityFacts:
    """Reads and computes. Without Prometheus the percentiles are over pods at one moment, and the facts say so."""
    measured = await measure(cluster, nodes=True)
    past, problem = await _history(history)
    facts = await asyncio.to_thread(capacity_of, measured, past, prices, language)
    problems = [redact(text) for text in (measured.problem, problem) if text]
    over = window(history.sizing) if history is not None and past else ""
    rule = (HISTORY if past else MOMENT).words(language, over)
    source = "prometheus" if past else facts.source
    changes = {"source": source, "point_in_time": not past, "window": over, "rule": rule}
    return facts.model_copy(update={**changes, "problem": "; ".join(problems) or None})


async def _history(client: PrometheusClient | None) -> tuple[Spreads, str | None]:
    if client is None:
        return {}, None
    try:
        return await spreads(client), None
    except SourceError as error:
        return {}, str(error)


def capacity_of(measured: Measured, past: Spreads, prices: PriceSettings | None, language: Language) -> CapacityFacts:
    """The pure part."""
    by_owner: dict[Resource, list[Obj]] = {}
    for pod in measured.pods:
        by_owner.setdefault(measured.owners.top(pod), []).append(pod)
    nodes = [_node(node, measured) for node in measured.nodes]
    workloads = [_workload(owner, pods, measured) for owner, pods in by_owner.items()]
    sizing = [
        row
        for owner, pods in by_owner.items()
        if owner.namespace != _SYSTEM
        for row in sizings(owner, [box for pod in pods for box in boxes_of(pod, measured.usage)], past, language)
    ]
    advised = _advised(sizing, measured) if sizing else None
    packing = pack(measured.nodes, measured.pods, measured.owners, language, advised)
    bill = None
    if prices is not None:
        nodes = [priced_node(node, prices) for node in nodes]
        workloads = priced_workloads(workloads, Rates(nodes, prices))
        bill = money(nodes, prices, packing)
    workloads.sort(key=lambda row: (-_bigness(row), row.resource))
    sizing.sort(key=lambda row: (urgency(row), row.resource, row.container))
    return CapacityFacts(
        observed_at=measured.observed_at,
        source="metrics.k8s.io",
        nodes=nodes,
        workloads=workloads[:MAX_WORKLOADS],
        workloads_total=len(workloads),
        sizing=sizing[:MAX_SIZING],
        sizing_total=len(sizing),
        packing=packing,
        money=bill,
    )


def _node(node: Obj, measured: Measured) -> NodeUse:
    name, status = name_of(node), node.get("status") or {}
    allocatable = status.get("allocatable") or {}
    room = amount_of(allocatable)
    own = [pod for pod in measured.pods if (pod.get("spec") or {}).get("nodeName") == name]
    asked = sum((requested(pod) for pod in own), Amount())
    used = measured.usage.nodes.get(name) if measured.usage else None
    return NodeUse(
        name=name,
        instance_type=labels_of(node).get(INSTANCE_TYPE, ""),
        zone=labels_of(node).get(ZONE, ""),
        cpu=float(room.cpu),
        memory=room.memory,
        cpu_requested=float(asked.cpu),
        memory_requested=asked.memory,
        cpu_used=float(used.cpu) if used else None,
        memory_used=used.memory if used else None,
        pods=len(own),
        pods_room=int(allocatable.get("pods") or 0),
        schedulable=is_open(node),
    )


def _workload(owner: Resource, pods: list[Obj], measured: Measured) -> WorkloadUse:
    row = summed(str(owner), pods, measured.usage)
    names = ("cpu", "memory", "cpu_request", "cpu_limit", "memory_request", "memory_limit", "memory_percent")
    return WorkloadUse(resource=row.resource, pods=row.pods, **{name: getattr(row, name) for name in names})


def _advised(sizing: list[Sizing], measured: Measured) -> Requests:
    """What a pod would ask for after right-sizing; a container that was not measured keeps what it has."""
    rows: Mapping[tuple[str, str], Sizing] = {(row.resource, row.container): row for row in sizing}

    def amount(pod: Obj) -> Amount:
        owner = str(measured.owners.top(pod))
        containers = (pod.get("spec") or {}).get("containers") or []
        found = [rows.get((owner, container["name"])) for container in containers]
        if not any(found):
            return requested(pod)
        total = Amount()
        for container, row in zip(containers, found, strict=True):
            own = requested({"spec": {"containers": [container]}})
            cpu = own.cpu if row is None else Decimal(str(row.cpu_request_advised))
            total += Amount(cpu, own.memory if row is None else row.memory_request_advised)
        return total

    return amount


def _bigness(row: WorkloadUse) -> float:
    """Cores and, four GiB to a core, memory: whichever of request and use is larger."""
    cpu = max(row.cpu or 0, row.cpu_request or 0)
    return cpu + max(row.memory or 0, row.memory_request or 0) / 2**32
