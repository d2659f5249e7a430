"""Every flow that the team needs is let through, and nothing else."""

from __future__ import annotations

import pytest

from tests.manifests.built import SERVICES, SPECIALISTS, needs_kubectl, objects_of
from tests.manifests.network import Peer, allowed, member

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]

API_SERVER = Peer(outside=True)
DNS = Peer(namespace="kube-system", labels={"k8s-app": "kube-dns"})
CLIENT = Peer(namespace="people", namespace_labels={"kubeteam.dev/client": "true"})
STRANGER = Peer(namespace="elsewhere", labels={"app.kubernetes.io/name": "planner"})
PROMETHEUS = Peer(namespace="monitoring", namespace_labels={"kubeteam.dev/prometheus": "true"})
GATEWAY = Peer(namespace="envoy-gateway-system")
MCP = Peer(namespace="tools", namespace_labels={"kubeteam.dev/mcp-servers": "true"})
COLLECTOR = Peer(namespace="tracing", namespace_labels={"kubeteam.dev/opentelemetry": "true"})
KAGENT = Peer(namespace="kagent", labels={"app": "kagent"})
DECLARATIVE = Peer(labels={"app": "kagent", "kagent": "declarative-planner"})


def policies(folder: str) -> list[dict]:
    return [obj for obj in objects_of(folder) if obj["kind"] == "NetworkPolicy"]


def under_kagent(name: str) -> Peer:
    """A pod of the team with the labels that kagent adds."""
    return Peer(labels={**member(name).labels, "app": "kagent", "kagent": name})


@pytest.mark.parametrize("name", SPECIALISTS)
def test_the_planner_reaches_each_specialist_and_none_reaches_the_planner(name: str) -> None:
    base = policies("base")
    assert allowed(base, member("planner"), member(name), 8080)
    assert not allowed(base, member(name), member("planner"), 8080)
    assert not allowed(base, member("planner"), member(name), 22)


@pytest.mark.parametrize("name", SPECIALISTS)
def test_specialists_reach_the_api_server_the_tools_and_not_each_other(name: str) -> None:
    base = policies("base")
    assert allowed(base, member(name), API_SERVER, 6443) and allowed(base, member(name), API_SERVER, 443)
    assert allowed(base, member(name), MCP, 8000)
    assert not any(allowed(base, member(name), member(other), 8080) for other in SPECIALISTS if other != name)
    assert not allowed(base, member(name), STRANGER, 8080)


def test_the_planner_reaches_no_api_server() -> None:
    assert not allowed(policies("base"), member("planner"), API_SERVER, 6443)
    assert not allowed(policies("base"), member("planner"), API_SERVER, 443)


@pytest.mark.parametrize("name", SERVICES)
def test_everybody_resolves_names_and_reaches_the_model_gateway(name: str) -> None:
    base = policies("base")
    assert allowed(base, member(name), DNS, 53, "UDP") and allowed(base, member(name), DNS, 53)
    assert allowed(base, member(name), GATEWAY, 80)
    assert not allowed(base, member(name), DNS, 8080)


@pytest.mark.parametrize("name", SERVICES)
def test_clients_are_let_in_from_labelled_namespaces_alone(name: str) -> None:
    base = policies("base")
    assert allowed(base, CLIENT, member(name), 8080)
    assert not allowed(base, STRANGER, member(name), 8080)
    assert not allowed(base, Peer(outside=True), member(name), 8080)


def test_prometheus_is_asked_by_those_who_need_it_and_scrapes_with_the_component_only() -> None:
    base = policies("base")
    assert [n for n in SERVICES if allowed(base, member(n), PROMETHEUS, 9090)] == ["metrics", "auditor", "diagnoser"]
    assert not allowed(base, PROMETHEUS, member("planner"), 8080)
    assert all(allowed(policies("overlays/production"), PROMETHEUS, member(n), 8080) for n in SERVICES)


def test_traces_reach_a_collector_with_the_component_only() -> None:
    production = policies("overlays/production")
    assert all(allowed(production, member(n), COLLECTOR, 4318) for n in SERVICES)
    assert not any(allowed(policies("base"), member(n), COLLECTOR, 4318) for n in SERVICES)
    assert not any(allowed(production, member(n), STRANGER, 4318) for n in SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_kagent_talks_to_its_agents_and_they_report_to_its_controller(name: str) -> None:
    kagent, here = policies("kagent"), under_kagent(name)
    assert allowed(kagent, KAGENT, here, 8080)
    assert allowed(kagent, here, KAGENT, 8083)
    assert allowed(kagent, DECLARATIVE, here, 8080)
    assert not allowed(kagent, STRANGER, here, 8080)
    others = [other for other in SERVICES if other != name]
    reached = [other for other in others if allowed(kagent, here, under_kagent(other), 8080)]
    assert reached == (others if name == "planner" else [])


def test_the_database_is_reachable_in_production_alone() -> None:
    database = Peer(outside=True)
    assert all(allowed(policies("overlays/production"), member(n), database, 5432) for n in SERVICES)
    assert not any(allowed(policies("base"), member(n), database, 5432) for n in SERVICES)
