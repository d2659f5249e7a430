"""Names that do not resolve: whose fault it is, from a slip in one workload to a cluster without DNS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diagnoser.cluster import (
    RUNNING,
    answer,
    crashed,
    deployment,
    found,
    logs_of,
    obj,
    pod,
    service,
    snapshot,
    waiting,
)

WEB = "shop/Deployment/web"
COREDNS = "kube-system/Deployment/coredns"
CONFIG = "kube-system/ConfigMap/coredns"
COREFILE = """.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    forward . /etc/resolv.conf
    cache 30
}
"""


def system(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for part in parts:
        part["metadata"] |= {"namespace": "kube-system", "uid": f"{part['metadata']['uid']}-system"}
    if len(parts) > 1:
        parts[1]["metadata"]["ownerReferences"][0]["uid"] = parts[0]["metadata"]["uid"]
    return parts


def dns(status: Any = RUNNING, corefile: str = COREFILE, replicas: int = 1) -> tuple[list[dict[str, Any]], Any]:
    """CoreDNS with its Service and Corefile, and its pod."""
    server = system(deployment("coredns", replicas=replicas))
    for part in server:
        part["spec"]["template"]["metadata"]["labels"] = {"k8s-app": "kube-dns"}
    made = pod(server, status)
    made["metadata"]["namespace"] = "kube-system"
    name = service("kube-dns", 53, 53, {"k8s-app": "kube-dns"})
    name["spec"]["clusterIP"] = "10.96.0.10"
    config = obj("ConfigMap", "coredns", data={"Corefile": corefile})
    rest = system([name])[0], system([config])[0]
    return [*server, *rest, *([made] if replicas else [])], made


def asking(line: str, status: Any = RUNNING, **spec: Any) -> tuple[list[dict[str, Any]], dict[Any, str]]:
    web = deployment(container={"env": [{"name": "DB", "value": "db:5432"}]}, **spec)
    made = pod(web, status)
    return [*web, made], logs_of(made, f"ERROR {line}\n" * 3)


def missing(host: str) -> str:
    return f"dial tcp: lookup {host} on 10.96.0.10:53: no such host"


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("paymets.shop.svc.cluster.local", "dns_name_unresolvable"),
        ("payments.lab", "dns_name_unresolvable"),
        ("pay-gw", "service_missing"),
        ("inventory.shop.svc", "service_missing"),
        ("api.carier.example.com", "dns_name_unresolvable"),
    ],
)
def test_a_host_that_does_not_exist_is_the_fault_of_who_asks(host: str, fault: str):
    callers, logs = asking(missing(host))
    rest = [obj("Namespace", "lab", ""), *deployment("payments"), service("payments")]
    payments = pod(rest[1:3], RUNNING)
    for status in (RUNNING, crashed()):
        callers, logs = asking(missing(host), status)
        (cause,) = answer(snapshot(dns()[0], callers, rest, payments, logs=logs)).root_causes
        assert (cause.resource, cause.fault) == (WEB, fault) and host in cause.explanation


def test_a_name_that_failed_once_or_is_optional_is_no_fault():
    callers, logs = asking(missing("pay"))
    once = {key: log.splitlines()[0] for key, log in logs.items()}
    assert found(snapshot(dns()[0], callers, logs=once)) == []
    callers, logs = asking(f"otel exporter: {missing('otel-collector')}, dropping spans")
    assert found(snapshot(dns()[0], callers, logs=logs)) == []
    callers, logs = asking("could not resolve placeholder title in template")
    assert found(snapshot(dns()[0], callers, logs=logs)) == []


TIMEOUT = "dial tcp: lookup db on 10.96.0.10:53: read udp 10.244.0.5:41211->10.96.0.10:53: i/o timeout"


def test_cluster_dns_that_was_scaled_to_zero_explains_crashing_callers():
    callers, logs = asking(TIMEOUT, crashed())
    (cause,) = answer(snapshot(dns(replicas=0)[0], callers, logs=logs)).root_causes
    assert (cause.resource, cause.fault) == (COREDNS, "coredns_broken") and "0" in cause.explanation
    assert (cause.remedies[0].kind, cause.remedies[0].resource) == ("scale_workload", COREDNS)


@pytest.mark.parametrize(
    "line",
    [
        "/etc/coredns/Corefile:7 - Error during parsing: Unknown directive 'forwrd'",
        'plugin/loop: Loop (127.0.0.1:38827 -> :53) detected for zone ".", see https://coredns.io/plugins/loop',
    ],
)
def test_a_corefile_that_coredns_does_not_take_is_blamed(line: str):
    objects, server = dns(crashed())
    callers, logs = asking(TIMEOUT)
    (cause,) = answer(snapshot(objects, callers, logs={**logs, **logs_of(server, line)})).root_causes
    assert (cause.resource, cause.fault) == (CONFIG, "coredns_broken") and line in cause.explanation


@pytest.mark.parametrize("status", [crashed(137, "OOMKilled"), waiting("ImagePullBackOff", "Back-off pulling image")])
def test_a_coredns_that_does_not_run_is_blamed_with_its_reason(status: Any):
    objects, _ = dns(status)
    callers, logs = asking(TIMEOUT)
    (cause,) = answer(snapshot(objects, callers, logs=logs)).root_causes
    assert (cause.resource, cause.fault) == (COREDNS, "coredns_broken")
    assert "OOMKilled" in cause.explanation or "ImagePullBackOff" in cause.explanation


@pytest.mark.parametrize(
    "corefile", [COREFILE.replace("cluster.local", "cluster.locl"), COREFILE.replace("kubernetes", "# kubernetes")]
)
def test_a_corefile_without_the_clusters_names_is_blamed(corefile: str):
    db = deployment("db")
    callers, logs = asking(missing("db.shop.svc.cluster.local"))
    seen = snapshot(dns(corefile=corefile)[0], callers, db, pod(db, RUNNING), service("db"), logs=logs)
    assert found(seen) == [(CONFIG, "coredns_broken")]


def test_an_upstream_that_does_not_answer_is_the_corefiles_fault():
    objects, server = dns(corefile=COREFILE.replace("/etc/resolv.conf", "10.9.9.9"))
    said = "[ERROR] plugin/errors: 2 api.example.com. A: read udp 10.244.0.2:4000->10.9.9.9:53: i/o timeout"
    callers, logs = asking("lookup api.example.com on 10.96.0.10:53: server misbehaving", crashed())
    (cause,) = answer(snapshot(objects, callers, logs={**logs, **logs_of(server, said)})).root_causes
    assert (cause.resource, cause.fault) == (CONFIG, "coredns_broken") and "10.9.9.9" in cause.explanation


@pytest.mark.parametrize(
    ("host", "spec"),
    [
        ("db", {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"], "searches": ["example.com"]}}),
        ("db.shop", {"dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}}),
        ("db", {"hostNetwork": True}),
    ],
)
def test_a_short_name_needs_the_clusters_search_domains(host: str, spec: dict[str, Any]):
    db = deployment("db")
    callers, logs = asking(missing(host), **spec)
    (cause,) = answer(snapshot(dns()[0], callers, db, pod(db, RUNNING), service("db"), logs=logs)).root_causes
    assert (cause.resource, cause.fault) == (WEB, "dns_policy_wrong")
