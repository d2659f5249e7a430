"""How many nodes would do: first-fit decreasing with headroom, over the nodes that there are. Pure.

A heuristic that never promises too much: it only empties nodes that exist, and says what it takes for granted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.cluster.resources import Owners, Resource
from agents.cluster.usage import Amount, amount_of
from agents.metrics.placement import ZONE, apart, has_volume_claim, is_open, labels_of, may_run
from agents.runtime.findings import Language
from agents.runtime.report_facts import Packing

HEADROOM = 0.15
"""Share of each node that stays free for rollouts, bursts and the loss of a pod's node."""

Obj = dict[str, Any]
Requests = Callable[[Obj], Amount]
"""What a pod asks for: as it is, or as advised."""

_ASSUMED: dict[Language, tuple[str, ...]] = {
    "en": (
        "each node keeps {headroom} % of its CPU and memory free, and its DaemonSet and static pods",
        "no node holds more than half of a workload's replicas",
        "taints, node selectors, required node affinity and anti-affinity by host name are honoured; "
        "other spread rules and host ports are not",
        "pods with a volume claim stay in their zone",
        "nodes that are not ready, cordoned or kept by a taint are left as they are",
    ),
    "zh": (
        "每个节点保留 {headroom}% 的 CPU 和内存空闲，并保留其 DaemonSet 和静态 Pod",
        "任何节点承载的副本不超过该工作负载的一半",
        "遵守污点、节点选择器、必需的节点亲和性和按主机名的反亲和性；不考虑其他分布规则和主机端口",
        "带有存储卷声明的 Pod 留在原可用区",
        "未就绪、已封锁或被污点保留的节点保持不变",
    ),
}


@dataclass
class _Bin:
    """One node while it is filled."""

    node: Obj
    name: str
    cpu: float
    memory: float
    places: int
    held: Counter[Resource] = field(default_factory=Counter[Resource])

    def takes(self, item: _Item, share: int) -> bool:
        most = 1 if item.apart else share
        return (
            self.places > 0
            and item.cpu <= self.cpu + 1e-9
            and item.memory <= self.memory
            and self.held[item.owner] < most
            and (not item.zone or labels_of(self.node).get(ZONE, "") == item.zone)
            and may_run(item.pod, self.node)
        )

    def add(self, item: _Item) -> None:
        self.cpu -= item.cpu
        self.memory -= item.memory
        self.places -= 1
        self.held[item.owner] += 1


@dataclass(frozen=True)
class _Item:
    """One pod that may move."""

    pod: Obj
    owner: Resource
    cpu: float
    memory: float
    apart: bool
    zone: str


def requested(pod: Obj) -> Amount:
    """What the scheduler reserves: the sum of containers, or the largest init container when that is more."""
    spec = pod.get("spec") or {}
    total = sum((_asked(c) for c in spec.get("containers") or []), Amount()) + amount_of(spec.get("overhead"))
    for container in spec.get("initContainers") or []:
        own = _asked(container)
        total = (
            total + own
            if container.get("restartPolicy") == "Always"
            else Amount(max(total.cpu, own.cpu), max(total.memory, own.memory))
        )
    return total


def pack(
    nodes: Sequence[Obj], pods: Sequence[Obj], owners: Owners, language: Language, advised: Requests | None = None
) -> Packing | None:
    """The packing by present requests and, when `advised` is given, by advised ones. None without open nodes."""
    open_nodes = [node for node in nodes if is_open(node)]
    if not open_nodes:
        return None
    used, left = _fill(open_nodes, pods, owners, requested)
    resized = None
    if advised is not None:
        fewer, over = _fill(open_nodes, pods, owners, advised)
        resized = len(fewer) if not over else None
    # A heuristic that needs every node, or cannot even place what runs now, has nothing to say against today.
    kept = {name_of(node) for node in open_nodes} if left else used
    return Packing(
        nodes_now=len(open_nodes),
        nodes_needed=len(kept),
        nodes_if_resized=resized,
        removable=sorted(name_of(node) for node in open_nodes if name_of(node) not in kept),
        fixed=sorted(name_of(node) for node in nodes if not is_open(node)),
        unplaced=sorted(str(Resource.of(item.pod)) for item in left)[:20],
        headroom_percent=round(HEADROOM * 100),
        assumptions=[line.format(headroom=round(HEADROOM * 100)) for line in _ASSUMED[language]],
    )


def name_of(obj: Obj) -> str:
    """metadata.name."""
    return str((obj.get("metadata") or {}).get("name") or "")


def _fill(
    nodes: Sequence[Obj], pods: Sequence[Obj], owners: Owners, requests: Requests
) -> tuple[set[str], list[_Item]]:
    """Names of the nodes that are used, and the pods that fit nowhere."""
    staying = [pod for pod in pods if _stays(pod, owners)]
    names = {name_of(node) for node in nodes}
    zones = {name_of(node): labels_of(node).get(ZONE, "") for node in nodes}
    moving = [
        p for p in pods if not _stays(p, owners) and ((p.get("spec") or {}).get("nodeName") or "") in names | {""}
    ]
    items = sorted((_item(pod, owners, requests, zones) for pod in moving), key=_size(nodes), reverse=True)
    replicas = Counter(item.owner for item in items)
    closed = sorted((_bin(node, staying, requests) for node in nodes), key=lambda b: (-b.cpu, -b.memory, b.name))
    opened: list[_Bin] = []
    left: list[_Item] = []
    for item in items:
        share = -(-replicas[item.owner] // 2)
        target = next((one for one in opened if one.takes(item, share)), None)
        if target is None:
            target = next((one for one in closed if one.takes(item, share)), None)
            if target is None:
                left.append(item)
                continue
            closed.remove(target)
            opened.append(target)
        target.add(item)
    return {one.name for one in opened}, left


def _bin(node: Obj, staying: Iterable[Obj], requests: Requests) -> _Bin:
    name = name_of(node)
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    room = amount_of(allocatable)
    own = [pod for pod in staying if (pod.get("spec") or {}).get("nodeName") == name]
    held = sum((requests(pod) for pod in own), Amount())
    return _Bin(
        node,
        name,
        float(room.cpu) * (1 - HEADROOM) - float(held.cpu),
        room.memory * (1 - HEADROOM) - held.memory,
        int(allocatable.get("pods") or 110) - len(own),
    )


def _item(pod: Obj, owners: Owners, requests: Requests, zones: dict[str, str]) -> _Item:
    amount = requests(pod)
    zone = zones.get((pod.get("spec") or {}).get("nodeName") or "", "") if has_volume_claim(pod) else ""
    return _Item(pod, owners.top(pod), float(amount.cpu), float(amount.memory), apart(pod), zone)


def _size(nodes: Sequence[Obj]) -> Callable[[_Item], tuple[float, str]]:
    """The dominant share of the average node; names break ties, so that the same cluster packs the same way."""
    rooms = [amount_of((node.get("status") or {}).get("allocatable")) for node in nodes]
    cpu = sum(float(room.cpu) for room in rooms) / len(rooms) or 1
    memory = sum(room.memory for room in rooms) / len(rooms) or 1
    return lambda item: (max(item.cpu / cpu, item.memory / memory), str(Resource.of(item.pod)))


def _stays(pod: Obj, owners: Owners) -> bool:
    """DaemonSet pods and static pods go with their node."""
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    return owners.top(pod).kind in ("DaemonSet", "Node") or "kubernetes.io/config.mirror" in annotations


def _asked(container: Obj) -> Amount:
    resources = container.get("resources") or {}
    return amount_of({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
