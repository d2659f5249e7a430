"""Resources have one name, and pods lead to the workload that people know."""

from __future__ import annotations

from typing import Any

import pytest

from agents.cluster.kinds import BUILT_IN, CATALOGUE
from agents.cluster.resources import Owners, Resource, pod_owner_by_name


def thing(kind: str, name: str, owner: tuple[str, str] | None = None, **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "web", "labels": labels}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"kind": kind, "metadata": metadata}


@pytest.mark.parametrize("text", ["web/Deployment/api", "Node/node-2"])
def test_names_go_there_and_back(text: str) -> None:
    assert str(Resource.parse(text)) == text


def test_short_names_are_understood() -> None:
    assert str(Resource.parse("web/deploy/api")) == "web/Deployment/api"
    assert str(Resource.parse("acme/Widget/a")) == "acme/Widget/a"


@pytest.mark.parametrize("text", ["api", "a/b/c/d", "//", ""])
def test_what_names_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="names no resource"):
        Resource.parse(text)


def test_a_pod_belongs_to_its_deployment_even_when_the_replica_set_is_gone() -> None:
    pod = thing("Pod", "api-abc123-x", ("ReplicaSet", "api-abc123"), **{"pod-template-hash": "abc123"})
    replica_set = thing("ReplicaSet", "api-abc123", ("Deployment", "api"))
    assert str(Owners([pod, replica_set]).top(pod)) == "web/Deployment/api"
    assert str(Owners([pod]).top(pod)) == "web/Deployment/api"


def test_the_way_up_ends_at_the_workload() -> None:
    deployment = thing("Deployment", "db", ("Database", "main"))
    job = thing("Job", "nightly-1", ("CronJob", "nightly"))
    assert str(Owners([]).top(deployment)) == "web/Deployment/db"
    assert str(Owners([]).top(job)) == "web/CronJob/nightly"
    assert str(Owners([]).top(thing("Pod", "alone"))) == "web/Pod/alone"
    assert str(Owners([]).top(thing("Pod", "etcd-node-1", ("Node", "node-1")))) == "web/Pod/etcd-node-1"


def test_owners_in_a_circle_end() -> None:
    one, two = thing("Job", "a", ("Job", "b")), thing("Job", "b", ("Job", "a"))
    assert Owners([one, two]).top(one).kind == "Job"


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("api-5d4f8b7c9d-x2x7k", "api"),
        ("queue-0", "queue"),
        ("kube-proxy-zb2cd", "kube-proxy"),
        ("x", "x"),
        ("web-cache", "web-cache"),
    ],
)
def test_a_pods_name_tells_its_workload(pod: str, owner: str) -> None:
    assert pod_owner_by_name(pod) == owner


@pytest.mark.parametrize(
    "name", ["Pod", "pods", "po", "PODS", "v1/Pod", "deploy", "deployments.apps", "apps/Deployment"]
)
def test_a_kind_has_many_names(name: str) -> None:
    assert CATALOGUE.get(name).name in ("Pod", "Deployment")


def test_every_kind_is_found_by_all_of_its_names() -> None:
    for kind in BUILT_IN:
        for name in (f"{kind.group}/{kind.name}", f"{kind.api_version}/{kind.name}", kind.plural, *kind.short):
            assert CATALOGUE.get(name) is kind, name
