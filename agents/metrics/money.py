"""What nodes and workloads cost by a price table. Pure. A month has 730 hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.runtime.report_facts import Money, NodeUse, Packing, WorkloadUse
from agents.runtime.settings import PriceSettings

HOURS = 730
GIB = 2**30


def priced_node(node: NodeUse, prices: PriceSettings) -> NodeUse:
    """The node with its price per month: of its instance type, else by CPU and memory, else none."""
    hourly = prices.instances.get(node.instance_type)
    if hourly is None and prices.cpu_hour is not None:
        hourly = node.cpu * prices.cpu_hour + node.memory / GIB * (prices.gib_hour or 0)
    return node if hourly is None else node.model_copy(update={"per_month": round(hourly * HOURS, 2)})


class Rates:
    """Price per core and per GiB and month, over all priced nodes."""

    def __init__(self, nodes: Sequence[NodeUse], prices: PriceSettings) -> None:
        priced = [node for node in nodes if node.per_month is not None]
        self.total = sum(node.per_month or 0 for node in priced)
        cores, gib = sum(node.cpu for node in priced), sum(node.memory for node in priced) / GIB
        by_cpu = cores * (prices.cpu_hour or 0)
        by_memory = gib * (prices.gib_hour or 0)
        # Without both rates nobody can say what part of an instance's price is its CPU: half is.
        share = by_cpu / (by_cpu + by_memory) if prices.cpu_hour and prices.gib_hour and by_cpu + by_memory else 0.5
        self.core = self.total * share / cores if cores else 0
        self.gib = self.total * (1 - share) / gib if gib else 0

    def of(self, cpu: float | None, memory: float | None) -> float:
        """What so much CPU and memory costs per month."""
        return (cpu or 0) * self.core + (memory or 0) / GIB * self.gib


def priced_workloads(rows: Iterable[WorkloadUse], rates: Rates) -> list[WorkloadUse]:
    """Each workload with what its requests cost; what is used beyond them is somebody else's share of the node."""
    return [
        row.model_copy(update={"per_month": round(rates.of(row.cpu_request, row.memory_request), 2)}) for row in rows
    ]


def money(nodes: Sequence[NodeUse], prices: PriceSettings, packing: Packing | None) -> Money | None:
    """The bill. None when no node has a price."""
    priced = [node for node in nodes if node.per_month is not None]
    if not priced:
        return None
    rates = Rates(priced, prices)
    idle = sum(
        rates.of(max(0, node.cpu - node.cpu_requested), max(0, node.memory - node.memory_requested)) for node in priced
    )
    removable = set(packing.removable) if packing else set[str]()
    return Money(
        currency=prices.currency,
        nodes=round(rates.total, 2),
        idle=round(idle, 2),
        saved_by_packing=round(sum(node.per_month or 0 for node in priced if node.name in removable), 2),
        unpriced=[node.name for node in nodes if node.per_month is None],
        basis=f"{prices.currency} {rates.core:.2f}/core, {prices.currency} {rates.gib:.2f}/GiB",
    )
