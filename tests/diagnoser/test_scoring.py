"""The scoring rules of scenarios."""

from __future__ import annotations

from typing import Any

import pytest

from agents.diagnoser.scoring import score
from agents.runtime.findings import RootCause

EXPECT: dict[str, Any] = {
    "healthy": False,
    "root_causes": [{"resource": "shop/Deployment/web", "fault": "oom_killed", "mentions": ["128 ?Mi"]}],
    "not_blamed": ["shop/Deployment/cart"],
}


def cause(resource: str = "shop/Deployment/web", fault: str = "oom_killed", words: str = "limit 128Mi") -> RootCause:
    return RootCause(resource=resource, fault=fault, explanation=words, confidence=0.9)


def test_the_right_answer_solves():
    found = score(EXPECT, [cause()])
    assert found.solved and found.precision == found.recall == 1 and not found.complaints


@pytest.mark.parametrize(
    "causes",
    [
        [],
        [cause(fault="crash_app_error")],
        [cause(words="too little memory")],
        [cause(), cause("shop/Deployment/cart")],
        [cause("shop/Service/web")],
    ],
)
def test_anything_else_does_not(causes: list[RootCause]):
    found = score(EXPECT, causes)
    assert not found.solved and found.complaints


def test_pods_and_replica_sets_count_as_their_workload():
    assert score(EXPECT, [cause("shop/Pod/web-7d9f8c6b5-x2x7k")]).solved
    assert score(EXPECT, [cause("shop/ReplicaSet/web-7d9f8c6b5")]).solved
    assert not score(EXPECT, [cause("lab/Pod/web-7d9f8c6b5-x2x7k")]).solved


def test_a_healthy_cluster_is_solved_by_silence():
    assert score({"healthy": True}, []).solved
    assert not score({"healthy": True}, [cause()]).solved


def test_what_the_answer_must_mention():
    expect = {**EXPECT, "answer_mentions": ["6379"]}
    assert score(expect, [cause()], "redis:6379").solved
    assert not score(expect, [cause()], "redis").solved
