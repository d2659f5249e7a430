"""The present state of what a question names."""

from __future__ import annotations

from typing import Literal

import pytest

from agents.diagnoser.compose import compose
from agents.diagnoser.state import Nodes, named_state, state_of_nodes
from agents.diagnoser.views import diagnosis_result
from agents.runtime.definition import ToolResult, Turn
from agents.runtime.findings import Finding, SubtaskInput
from tests.diagnoser.cluster import RUNNING, answer, deployment, node, pod, service, snapshot


def test_a_named_workload_is_told_with_its_image_and_its_replicas() -> None:
    web = deployment()
    name = web[0]["metadata"]["name"]
    told = " ".join(named_state(snapshot(*web), f"Which version of {name} is running?"))
    image = web[0]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image in told
    assert "ready" in told


def test_a_named_service_is_told_with_its_ports() -> None:
    assert "port 80 -> 8080" in " ".join(named_state(snapshot(service("shelf")), "shelf 的端口是多少？"))


def test_a_question_that_names_nothing_gets_no_state() -> None:
    assert named_state(snapshot(*deployment()), "Is everything all right?") == []


TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-20T09:00:00Z"}
NODES = (node(), node("node-2", unschedulable=True, taints=[TAINT]))


@pytest.mark.parametrize("question", ["Are the nodes all right?", "Is every node healthy?", "节点都正常吗？"])
def test_a_question_about_nodes_is_told_how_they_stand(question: str) -> None:
    assert state_of_nodes(snapshot(*NODES), question) == Nodes(
        total=2,
        ready=2,
        cordoned=["Node/node-2"],
        unusual=["`Node/node-2`: cordoned since 2026-11-20T09:00:00Z"],
    )


@pytest.mark.parametrize("question", ["Is the cluster healthy?", "Why is web pending on the nodes?", "web 怎么了"])
def test_a_question_about_something_else_is_not(question: str) -> None:
    assert state_of_nodes(snapshot(*deployment(), *NODES), question) is None


def test_a_node_that_is_not_ready_says_why() -> None:
    sick = node("node-3")
    sick["status"]["conditions"] = [
        {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"},
        {"type": "DiskPressure", "status": "True"},
    ]
    told = state_of_nodes(snapshot(sick), "nodes?")
    assert told is not None
    assert (told.ready, told.unusual) == (0, ["`Node/node-3`: not ready (NodeStatusUnknown), DiskPressure"])


def looked(wish: str, language: Literal["en", "zh"] = "en") -> Finding:
    question = "节点都正常吗？" if language == "zh" else "Are the nodes all right?"
    web = deployment()
    seen = snapshot(web, pod(web, RUNNING), *NODES)
    result = diagnosis_result(seen, answer(seen), question=question).model_dump(mode="json")
    subtask = SubtaskInput(question=question, language=language, inputs={"wish": wish})
    return compose(Turn(question, subtask, (ToolResult("find_root_causes", {}, result),)))


def test_a_forgotten_cordon_is_told_and_no_fault() -> None:
    finding = looked("nodes")
    assert "2 of 2 nodes are ready, 1 cordoned" in finding.text
    assert finding.evidence[0].query == "kubectl get nodes"
    assert finding.root_causes == [] and finding.actions == []
    assert "2 个节点中 2 个就绪" in looked("nodes", "zh").text


def test_a_forgotten_cordon_is_offered_to_be_lifted_when_somebody_wants_repaired_what_is_not_right() -> None:
    assert [(a.kind, a.resource) for a in looked("repair").actions] == [("uncordon_node", "Node/node-2")]
