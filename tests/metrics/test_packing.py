"""Sizes follow the rule that is said; packing empties only nodes that can be emptied."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.cluster.resources import Owners, Resource
from agents.cluster.usage import Amount
from agents.metrics.measure import Box
from agents.metrics.packing import pack
from agents.metrics.rightsizing import sizings
from agents.runtime.report_facts import Packing, Spread

GIB = 2**30


def node(name: str, **spec: Any) -> dict[str, Any]:
    status = {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}}
    labels = spec.pop("labels", {})
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec, "status": {**status, **ready}}


def pod(name: str, on: str, cpu: str = "500m", **spec: Any) -> dict[str, Any]:
    container = {"name": "app", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    metadata = {"name": name, "namespace": "web", "uid": name}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": on, "containers": [container], **spec}}


def packed(nodes: list[dict[str, Any]], pods: list[dict[str, Any]]) -> Packing:
    found = pack(nodes, pods, Owners(pods), "en")
    assert found is not None
    return found


def test_nodes_that_are_not_needed_are_named() -> None:
    nodes = [node(f"n{i}") for i in range(5)]
    found = packed(nodes, [pod(f"p{i}", f"n{i}") for i in range(5)])
    assert found.nodes_now == 5 and found.nodes_needed == 1 and len(found.removable) == 4


def test_headroom_stays_free() -> None:
    nodes = [node("n1"), node("n2")]
    assert packed(nodes, [pod("p1", "n1", "1700m"), pod("p2", "n2", "1700m")]).nodes_needed == 1
    assert packed(nodes, [pod("p1", "n1", "1800m"), pod("p2", "n2", "1700m")]).nodes_needed == 2


def test_selectors_taints_and_cordons_are_honoured() -> None:
    nodes = [node("n1"), node("n2", labels={"disk": "ssd"}), node("n3", unschedulable=True)]
    found = packed(nodes, [pod("p1", "n1"), pod("p2", "n2", nodeSelector={"disk": "ssd"}), pod("p3", "n3")])
    assert found.fixed == ["n3"] and found.nodes_now == 2
    assert "n2" not in found.removable
    kept = [{"key": "gpu", "effect": "NoSchedule"}]
    assert packed([node("n1"), node("n2", taints=kept)], [pod("p1", "n1")]).fixed == ["n2"]


def test_without_an_open_node_there_is_nothing_to_say() -> None:
    assert pack([node("n1", unschedulable=True)], [], Owners([]), "en") is None


def test_a_pod_that_fits_nowhere_keeps_every_node() -> None:
    found = packed([node("n1"), node("n2")], [pod("p1", "n1"), pod("p2", "", "9")])
    assert found.nodes_needed == 2 and found.removable == [] and found.unplaced == ["web/Pod/p2"]


def box(used: int, last_exit: str | None = None, **limits: Any) -> Box:
    asked = {"cpu": "1", "memory": "1Gi"}
    return Box(Resource("Pod", "p", "web"), "app", Amount(Decimal("0.1"), used), asked, limits, 0, last_exit)


def test_requests_follow_the_busiest_pod_and_keep_to_steps() -> None:
    (row,) = sizings(Resource("Deployment", "web", "web"), [box(100 * 2**20), box(200 * 2**20)], {}, "en")
    assert row.memory_request_advised == 260 * 2**20 and row.memory_limit_advised == 300 * 2**20
    assert row.cpu_request_advised == 0.13 and row.cpu_limit_advised is None
    assert row.verdict == "too_big"


def test_history_takes_percentiles_and_not_the_moment() -> None:
    past = Spread(p50=0.1, p95=0.2, p99=0.5, peak=2.0), Spread(p50=GIB, p95=GIB, p99=GIB, peak=2 * GIB)
    (row,) = sizings(Resource("Deployment", "web", "web"), [box(1)], {("web", "p", "app"): past}, "en")
    assert row.cpu_request_advised == 0.24
    assert row.memory_limit_advised == 3 * GIB


def test_a_container_killed_at_its_limit_gets_at_least_twice_that() -> None:
    killed = box(60 * 2**20, "OOMKilled (exit code 137)", memory="128Mi")
    (row,) = sizings(Resource("Deployment", "web", "web"), [killed], {}, "en")
    assert row.memory_limit_advised == 256 * 2**20 and "128Mi" in row.notes[0]
