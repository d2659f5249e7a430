"""The present state of what a question names."""

from __future__ import annotations

from agents.diagnoser.state import named_state
from tests.diagnoser.cluster import deployment, service, snapshot


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
