"""Probes, Services, permissions, name resolution: pods that run and still do not work."""

from __future__ import annotations

from typing import Any

from tests.diagnoser.cluster import (
    RUNNING,
    UNREADY,
    answer,
    crashed,
    deployment,
    event,
    found,
    logs_of,
    obj,
    pod,
    service,
    snapshot,
)  # fmt: skip

WEB = "shop/Deployment/web"
DNS_TIMEOUT = "error: lookup db on 10.96.0.10:53: read udp 10.244.1.5:40000->10.96.0.10:53: i/o timeout"


def _probed(kind: str, port: int, path: str = "/healthz") -> dict[str, Any]:
    return {"ports": [{"containerPort": 8080, "name": "http"}], kind: {"httpGet": {"path": path, "port": port}}}


def _killed(container: dict[str, Any], failure: str) -> Any:
    web = deployment(container=container)
    made = pod(web, crashed(143))
    return snapshot(
        web,
        made,
        event(made, "Unhealthy", f"Liveness probe failed: {failure}"),
        event(made, "Killing", "Container web failed liveness probe, will be restarted", kind="Normal"),
    )


def test_a_liveness_probe_on_a_port_that_nobody_serves_is_misconfigured():
    failure = 'Get "http://10.0.0.1:9090/healthz": dial tcp 10.0.0.1:9090: connect: connection refused'
    (cause,) = answer(_killed(_probed("livenessProbe", 9090), failure)).root_causes
    assert (cause.resource, cause.fault) == (WEB, "probe_liveness_misconfigured") and "9090" in cause.explanation


def test_a_liveness_probe_on_a_path_that_is_not_there_is_misconfigured():
    assert found(_killed(_probed("livenessProbe", 8080), "HTTP probe failed with statuscode: 404")) == [
        (WEB, "probe_liveness_misconfigured")
    ]


def test_a_liveness_probe_that_times_out_on_the_right_port_is_too_impatient():
    failure = 'Get "http://10.0.0.1:8080/healthz": context deadline exceeded'
    assert found(_killed(_probed("livenessProbe", 8080), failure)) == [(WEB, "probe_liveness_too_aggressive")]


def test_readiness_tells_a_wrong_probe_from_an_application_that_is_not_ready():
    web = deployment(container=_probed("readinessProbe", 8080))
    made = pod(web, UNREADY)
    wrong = event(made, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")
    right = event(made, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    assert found(snapshot(web, made, wrong)) == [(WEB, "probe_readiness_misconfigured")]
    assert found(snapshot(web, made, right)) == [(WEB, "readiness_failing")]


def test_single_probe_failures_of_a_ready_pod_are_noise():
    web = deployment(container=_probed("readinessProbe", 8080))
    made = pod(web, RUNNING)
    noise = event(made, "Unhealthy", "Readiness probe failed: context deadline exceeded", count=2)
    assert found(snapshot(web, made, noise)) == []


def test_a_selector_of_yesterday_is_blamed_on_the_service():
    web = deployment()
    seen = snapshot(web, pod(web, RUNNING), service("web", selector={"app": "web-api"}))
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == ("shop/Service/web", "service_selector_mismatch")
    assert "app=web-api" in cause.explanation and "app=web" in cause.explanation
    assert cause.remedies[0].arguments["patch"] == {"spec": {"selector": {"app": "web"}}}


def test_a_forgotten_service_that_nobody_uses_is_left_alone():
    web = deployment()
    assert found(snapshot(web, pod(web, RUNNING), service("legacy-importer", selector={"tier": "old"}))) == []


def test_a_target_port_that_no_container_serves():
    web = deployment(container={"ports": [{"containerPort": 8080, "name": "http"}]})
    named = service("web", target="grpc")
    assert found(snapshot(web, pod(web, RUNNING), named)) == [("shop/Service/web", "service_port_mismatch")]
    assert found(snapshot(web, pod(web, RUNNING), service("web", target="http"))) == []


def _watcher(verbs: list[str]) -> Any:
    web = deployment(serviceAccountName="watcher")
    made = pod(web, RUNNING)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}
    binding = obj(
        "RoleBinding",
        "watcher",
        roleRef={"kind": "Role", "name": "watcher"},
        subjects=[{"kind": "ServiceAccount", "name": "watcher", "namespace": "shop"}],
    )
    line = (
        'error: configmaps is forbidden: User "system:serviceaccount:shop:watcher" cannot list resource "configmaps" '
        'in API group "" in the namespace "shop"'
    )
    return snapshot(web, made, obj("Role", "watcher", rules=[rule]), binding, logs=logs_of(made, line))


def test_a_refused_request_blames_the_role_that_lacks_the_verb():
    (cause,) = answer(_watcher(["get"])).root_causes
    assert (cause.resource, cause.fault) == ("shop/Role/watcher", "rbac_denied")
    assert "configmaps" in cause.explanation and "list" in cause.explanation


def test_a_refusal_that_the_present_role_would_allow_is_history():
    assert found(_watcher(["get", "list"])) == []


def test_a_policy_that_forgets_dns_explains_pods_that_cannot_resolve_names():
    web = deployment(container=_probed("readinessProbe", 8080))
    made = pod(web, UNREADY)
    policy = obj(
        "NetworkPolicy",
        "only-db",
        spec={
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"ports": [{"port": 5432}], "to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}],
        },
    )
    (cause,) = answer(snapshot(web, made, policy, logs=logs_of(made, DNS_TIMEOUT))).root_causes
    assert (cause.resource, cause.fault) == ("shop/NetworkPolicy/only-db", "network_policy_blocks_egress")
    assert "DNS" in cause.explanation
    assert found(snapshot(web, made, logs=logs_of(made, DNS_TIMEOUT))) != [("shop/NetworkPolicy/only-db", cause.fault)]


def test_a_pod_that_asks_the_nodes_resolver_cannot_know_cluster_names():
    web, db = deployment(dnsPolicy="Default"), deployment("db")
    made = pod(web, crashed())
    line = "fatal: lookup db.shop.svc.cluster.local on 192.168.0.1:53: no such host"
    seen = snapshot(web, made, db, pod(db, RUNNING), service("db"), logs=logs_of(made, line))
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == (WEB, "dns_policy_wrong") and "Default" in cause.explanation


def test_an_unrelated_fault_is_put_aside_only_when_the_question_names_something_else():
    web, other = deployment(container={"resources": {"limits": {"memory": "1Gi"}}}), deployment("other")
    for part in other:
        part["metadata"]["namespace"] = "lab"
        part["metadata"]["uid"] += "-lab"
    other[1]["metadata"]["ownerReferences"][0]["uid"] = other[0]["metadata"]["uid"]
    stray = pod(other, crashed())
    stray["metadata"]["namespace"] = "lab"
    seen = snapshot(web, other, pod(web, crashed(137, "OOMKilled")), stray, logs=logs_of(stray, "KeyError: 'API_KEY'"))
    general = answer(seen, "Is anything broken?")
    assert len(general.root_causes) == 2
    pointed = answer(seen, "Why does web fail in shop?")
    assert [c.resource for c in pointed.root_causes] == [WEB]
    assert pointed.elsewhere == ["lab/Deployment/other: crash_missing_env"]
