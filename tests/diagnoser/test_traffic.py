"""Network policies and traffic policies: which of them stands between a caller that complains and its target."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diagnoser.cluster import (
    RUNNING,
    UNREADY,
    answer,
    crashed,
    deployment,
    found,
    logs_of,
    node,
    obj,
    pod,
    service,
)
from tests.diagnoser.cluster import snapshot as cluster

API = {"ports": [{"containerPort": 8080, "name": "http"}]}
TIMEOUT = "ERROR api unavailable: dial tcp 10.96.0.9:80: i/o timeout\n"


def policy(
    name: str, kind: str = "Ingress", rules: list[dict[str, Any]] | None = None, **selector: str
) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": {"matchLabels": selector} if selector else {}, "policyTypes": [kind]}
    if rules is not None:
        spec[kind.lower()] = rules
    return obj("NetworkPolicy", name, spec=spec)


def pair(*policies: dict[str, Any], line: str = TIMEOUT, status: Any = RUNNING, env: str = "http://api") -> Any:
    """`web` calls Service `api` and complains of it twice."""
    web, api = deployment(container={"env": [{"name": "API_URL", "value": env}]}), deployment("api", container=API)
    caller = pod(web, status)
    called = pod(api, RUNNING)
    called["status"]["podIP"] = "10.244.0.7"
    return cluster(web, caller, api, called, service("api"), *policies, logs=logs_of(caller, line * 3))


FROM_WEB = {"podSelector": {"matchLabels": {"app": "web"}}}
TCP = {"port": 8080, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("policies", "blamed"),
    [
        ([policy("deny")], "deny"),
        ([policy("deny"), policy("api", rules=[{"from": [FROM_WEB], "ports": [{"port": 9090}]}], app="api")], "api"),
        ([policy("api", rules=[{"from": [{"podSelector": {"matchLabels": {"app": "web2"}}}]}], app="api")], "api"),
        ([policy("api", rules=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}]}], app="api")], "api"),
        ([policy("api", rules=[{"from": [FROM_WEB], "ports": [{"port": 8080, "protocol": "UDP"}]}], app="api")], "api"),
    ],
)
def test_the_policy_that_was_meant_to_let_the_caller_in_is_blamed(policies: list[Any], blamed: str):
    (cause,) = answer(pair(*policies)).root_causes
    assert (cause.resource, cause.fault) == (f"shop/NetworkPolicy/{blamed}", "network_policy_blocks_ingress")
    assert "8080" in cause.explanation and "app=web" in cause.explanation and cause.remedies


def test_a_caller_that_crashes_or_is_not_ready_for_it_is_a_victim():
    for status in (crashed(), UNREADY):
        assert found(pair(policy("deny"), status=status)) == [
            ("shop/NetworkPolicy/deny", "network_policy_blocks_ingress")
        ]


@pytest.mark.parametrize(
    "policies",
    [
        [policy("api", rules=[{"from": [FROM_WEB], "ports": [TCP]}], app="api"), policy("deny")],
        [policy("api", rules=[{}], app="api")],
        [policy("other", app="other")],
        [policy("api", rules=[{"from": [FROM_WEB], "ports": [{"port": 8000, "endPort": 8100}]}], app="api")],
    ],
)
def test_policies_that_let_the_caller_in_are_innocent(policies: list[Any]):
    assert found(pair(*policies)) == []


def test_a_refusal_is_no_work_of_a_policy():
    assert found(pair(policy("deny"), line="ERROR dial tcp 10.96.0.9:80: connect: connection refused\n")) == []


def test_timeouts_that_ended_long_ago_are_history():
    old = "2030-01-02T09:00:00Z ERROR dial tcp 10.96.0.9:80: i/o timeout\n2030-01-02T11:59:00Z INFO request 200\n"
    assert found(pair(policy("deny"), line=old)) == []


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.9.0/24"]}}]}, "10.0.9.25:587"),
        ({"to": [{"ipBlock": {"cidr": "10.0.9.25/32"}}], "ports": [{"port": 25}]}, "10.0.9.25:587"),
        ({"to": [{"namespaceSelector": {}}]}, "10.0.9.25:587"),
        ({"ports": [{"port": 443}]}, "relay.example.com:587"),
    ],
)
def test_what_leaves_the_cluster_is_judged_by_address_and_port(rule: dict[str, Any], line: str):
    (cause,) = answer(
        pair(policy("out", "Egress", [rule]), line=f"ERROR mail: connection timed out: {line}\n")
    ).root_causes
    assert (cause.resource, cause.fault) == ("shop/NetworkPolicy/out", "network_policy_blocks_egress")
    assert "587" in cause.explanation


def test_dns_over_tcp_alone_is_not_enough():
    dns = {"ports": [{"port": 53, "protocol": "TCP"}]}
    line = "ERROR lookup api on 10.96.0.10:53: read udp 10.244.0.5:41211->10.96.0.10:53: i/o timeout\n"
    (cause,) = answer(pair(policy("out", "Egress", [dns]), line=line)).root_causes
    assert cause.fault == "network_policy_blocks_egress" and "DNS" in cause.explanation
    both = [*dns["ports"], {"port": 53, "protocol": "UDP"}]
    assert found(pair(policy("out", "Egress", [{"ports": both}]), line=line)) == []


def _local(field: str, line: str, **spec: Any) -> Any:
    web, api = deployment(), deployment("api", container=API)
    caller = pod(web, RUNNING, spec={"nodeName": "node-2"})
    local = service("api")
    local["spec"] |= {field: "Local", **spec}
    two = node("node-2")
    two["status"]["addresses"] = [{"type": "InternalIP", "address": "10.0.1.11"}]
    return cluster(web, caller, api, pod(api, RUNNING), local, node(), two, logs=logs_of(caller, line * 2))


def test_a_local_service_fails_only_on_nodes_without_a_pod_of_it():
    (cause,) = answer(_local("internalTrafficPolicy", TIMEOUT)).root_causes
    assert (cause.resource, cause.fault) == ("shop/Service/api", "service_internal_traffic_policy")
    assert "internalTrafficPolicy: Local" in cause.explanation and "node-2" in cause.explanation
    assert cause.remedies[0].arguments["patch"] == {"spec": {"internalTrafficPolicy": "Cluster"}}


def test_a_node_port_with_a_local_policy_drops_what_arrives_at_the_wrong_node():
    ports = [{"port": 80, "targetPort": 8080, "nodePort": 31000}]
    seen = _local(
        "externalTrafficPolicy", "ERROR probe of 10.0.1.11:31000: i/o timeout\n", ports=ports, type="NodePort"
    )
    assert found(seen) == [("shop/Service/api", "service_internal_traffic_policy")]
    quiet = _local("externalTrafficPolicy", "INFO request 200\n", ports=ports, type="NodePort")
    assert found(quiet) == []


def test_a_service_that_selects_another_program_too_selects_too_much():
    web, admin = deployment(container=API), deployment("web-admin", container=API)
    for part in (*web, *admin):
        part["spec"]["template"]["metadata"]["labels"] = {**part["spec"]["template"]["metadata"]["labels"], "team": "x"}
    broad = service("web", selector={"team": "x"})
    (cause,) = answer(cluster(web, admin, pod(web, RUNNING), pod(admin, RUNNING), broad)).root_causes
    assert (cause.resource, cause.fault) == ("shop/Service/web", "service_selector_too_broad")
    assert "web-admin" in cause.explanation and "team=x" in cause.explanation


def test_a_canary_behind_the_same_service_is_intended():
    web, canary = deployment(container=API), deployment("web-canary", container={**API, "image": "web:3"})
    for part in (*web, *canary):
        part["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    assert found(cluster(web, canary, pod(web, RUNNING), pod(canary, RUNNING), service("web"))) == []
