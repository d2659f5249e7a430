"""Each risk check speaks of what is at risk, of nothing else, and not at all of what it could not see."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.cluster.secrets import SecretShape
from agents.cluster.usage import Amount, Usage
from agents.diagnoser.risks import CHECKS, health_facts
from agents.diagnoser.risks.wording import words_of
from agents.diagnoser.snapshot import Snapshot
from tests.diagnoser.cluster import NOW, RUNNING, deployment, node, obj, pod, service, snapshot

PROBE = {"httpGet": {"path": "/", "port": 80}}
CAREFUL: dict[str, Any] = {
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    "readinessProbe": PROBE,
    "livenessProbe": PROBE,
}


def found(seen: Snapshot) -> dict[str, list[str]]:
    """Resources by check."""
    return {risk.check: [item.resource for item in risk.items] for risk in health_facts(seen, "en").risks}


def budget(name: str = "web", **status: Any) -> dict[str, Any]:
    return obj("PodDisruptionBudget", name, spec={"selector": {"matchLabels": {"app": name}}}, status=status)


def test_a_careful_workload_is_no_risk() -> None:
    assert found(snapshot(deployment("web", CAREFUL, replicas=2), service("web"), budget())) == {}


def test_what_a_workload_lacks_is_named() -> None:
    risks = found(snapshot(deployment("web", {"image": "web"}), service("web")))
    for check in ("single_replica", "no_requests", "no_memory_limit", "no_readiness_probe", "no_liveness_probe"):
        assert risks[check] == ["shop/Deployment/web"], check
    assert risks["floating_image"] == ["shop/Deployment/web"]


def test_a_limit_counts_as_a_request_and_a_digest_as_a_version() -> None:
    container = {"image": "registry:5000/web@sha256:ab", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    risks = found(snapshot(deployment("web", container)))
    assert "no_requests" not in risks and "floating_image" not in risks and "no_memory_limit" not in risks


def test_system_workloads_and_those_scaled_to_zero_are_left_out() -> None:
    system = deployment("agent")
    system[0]["metadata"]["namespace"] = "kube-system"
    assert found(snapshot(system, deployment("off", replicas=0))) == {}


def test_a_budget_that_never_lets_a_pod_go_is_a_risk() -> None:
    stuck = budget(expectedPods=2, currentHealthy=2, disruptionsAllowed=0)
    assert found(snapshot(stuck))["blocking_budget"] == ["shop/PodDisruptionBudget/web"]
    assert found(snapshot(budget(expectedPods=2, currentHealthy=2, disruptionsAllowed=1))) == {}


@pytest.mark.parametrize(("days", "risky"), [(10, True), (29, True), (60, False)])
def test_certificates_that_end_soon_are_a_risk(days: int, risky: bool) -> None:
    shape = SecretShape("shop", "tls", "kubernetes.io/tls", not_after=NOW + timedelta(days=days))
    risks = found(snapshot(secrets={("shop", "tls"): shape}))
    assert ("expiring_certificate" in risks) is risky


def test_a_certificate_that_cert_manager_will_renew_needs_nobody() -> None:
    def certificate(ready: str) -> dict[str, Any]:
        after, renewal = (NOW + timedelta(days=d) for d in (20, 5))
        status = {"notAfter": after.isoformat(), "renewalTime": renewal.isoformat()}
        return obj("Certificate", "web", status={**status, "conditions": [{"type": "Ready", "status": ready}]})

    assert found(snapshot(certificate("True"))) == {}
    assert found(snapshot(certificate("False")))["expiring_certificate"] == ["shop/Certificate/web"]


def test_an_api_that_is_removed_soon_is_named_with_who_writes_it() -> None:
    worker = node()
    worker["status"]["nodeInfo"] = {"kubeletVersion": "v1.24.3"}
    written = {"managedFields": [{"apiVersion": "policy/v1beta1", "manager": "deployer"}]}
    facts = health_facts(snapshot(worker, obj("PodDisruptionBudget", "old", metadata=written)), "en")
    (risk,) = [risk for risk in facts.risks if risk.check == "deprecated_api"]
    assert risk.items[0].resource == "shop/PodDisruptionBudget/old"
    assert risk.items[0].detail == "policy/v1beta1 is gone in 1.25, written by deployer"


def test_dns_on_one_of_two_nodes_is_a_high_risk() -> None:
    parent = deployment("coredns", CAREFUL, replicas=2)
    pods = [pod(parent, RUNNING, suffix) for suffix in "ab"]
    for one in (*parent, *pods):
        one["metadata"]["namespace"] = "kube-system"
    for one in pods:
        one["metadata"]["labels"] = {"k8s-app": "kube-dns"}
    risks = found(snapshot(parent, pods, node("node-1"), node("node-2")))
    assert risks == {"dns_in_one_place": ["kube-system/Deployment/coredns"]}


def test_fullness_is_seen_in_containers_and_nodes() -> None:
    parent = deployment("web", CAREFUL, replicas=2)
    one = pod(parent, RUNNING)
    name = one["metadata"]["name"]
    used = Amount(Decimal("0.01"), 120 * 2**20)
    usage = Usage(NOW, nodes={"node-1": Amount(Decimal(1), 15 * 2**30)}, pods={f"shop/{name}": {"web": used}})
    risks = found(snapshot(parent, one, node(), usage=usage))
    assert risks["near_memory_limit"] == ["shop/Deployment/web"]
    assert risks["node_nearly_full"] == ["Node/node-1"]


def test_what_could_not_be_seen_is_neither_a_risk_nor_fine() -> None:
    facts = health_facts(snapshot(deployment("web", CAREFUL, replicas=2), unreadable={"Service": "forbidden"}), "en")
    title = words_of("no_readiness_probe", "en").title
    assert any(line.startswith(title) and "forbidden" in line for line in facts.unchecked)
    assert title not in facts.clean


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_has_words_in_both_languages(check: str) -> None:
    for language in ("en", "zh"):
        words = words_of(check, language)  # type: ignore[arg-type]
        assert words.title and words.why and words.advice
