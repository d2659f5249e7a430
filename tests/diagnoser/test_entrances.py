"""What leads into the cluster: Ingresses, Gateways and routes, and the certificates they show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.cluster.secrets import SecretShape
from tests.diagnoser.cluster import NOW, RUNNING, answer, deployment, found, obj, pod, service, snapshot

INGRESS = "shop/Ingress/web"
NGINX = obj("IngressClass", "nginx", "", spec={"controller": "k8s.io/ingress-nginx"})


def ingress(name: str = "web", port: Any = 80, **spec: Any) -> dict[str, Any]:
    number = {"name": port} if isinstance(port, str) else {"number": port}
    path = {"path": "/", "backend": {"service": {"name": name, "port": number}}}
    rules = [{"host": "web.example.com", "http": {"paths": [path]}}]
    return obj("Ingress", "web", spec={"ingressClassName": "nginx", "rules": rules, **spec})


def served(*objects: Any, **more: Any) -> Any:
    web = deployment(container={"ports": [{"containerPort": 8080}]})
    return snapshot(web, pod(web, RUNNING), service("web"), NGINX, *objects, **more)


@pytest.mark.parametrize(
    ("made", "fault", "told"),
    [
        (ingress(ingressClassName="public"), "ingress_class_missing", "public"),
        (ingress(ingressClassName=None), "ingress_class_missing", "ingressClassName"),
        (ingress("webb"), "ingress_backend_wrong", "webb"),
        (ingress(port=8080), "ingress_backend_wrong", "8080"),
        (ingress(port="https"), "ingress_backend_wrong", "https"),
        (ingress(tls=[{"secretName": "web-tls"}]), "ingress_tls_missing", "web-tls"),
    ],
)
def test_an_ingress_is_blamed_for_what_it_names(made: dict[str, Any], fault: str, told: str):
    (cause,) = answer(served(made)).root_causes
    assert (cause.resource, cause.fault) == (INGRESS, fault) and told in cause.explanation


def test_a_backend_whose_service_went_away_misses_the_service():
    web = deployment()
    assert found(snapshot(web, pod(web, RUNNING), NGINX, ingress())) == [(INGRESS, "service_missing")]


def test_an_ingress_that_works_is_left_alone():
    default = obj(
        "IngressClass", "nginx", "", metadata={"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    )
    assert found(served(ingress())) == []
    assert found(served(default, ingress(ingressClassName=None))) == []
    taken = ingress(ingressClassName=None)
    taken["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    assert found(served(taken)) == []


def _shape(days: int = 30, **more: Any) -> Any:
    shape = SecretShape(
        "shop",
        "web-tls",
        "kubernetes.io/tls",
        {"tls.crt": 900, "tls.key": 200},
        NOW - timedelta(days=90),
        NOW + timedelta(days=days),
    )
    return {("shop", "web-tls"): shape if not more else SecretShape("shop", "web-tls", "kubernetes.io/tls", **more)}


def test_the_certificate_of_an_ingress_must_be_one_and_be_valid():
    tls, secret = ingress(tls=[{"secretName": "web-tls"}]), obj("Secret", "web-tls", type="kubernetes.io/tls")
    broken = _shape(lengths={"tls.crt": 4, "tls.key": 4}, certificate_error="tls.crt holds no PEM certificate")
    assert found(served(tls, secret, secrets=_shape())) == []
    assert found(served(tls, secret, secrets=broken)) == [(INGRESS, "ingress_tls_missing")]
    assert found(served(tls, secret, secrets=_shape(lengths={"cert": 900}))) == [(INGRESS, "ingress_tls_missing")]
    assert found(served(tls, secret, secrets=_shape(-1))) == [("shop/Secret/web-tls", "crash_cert_expired")]


def gateway(allowed: Any = "All", **listener: Any) -> list[dict[str, Any]]:
    rules = {"namespaces": allowed if isinstance(allowed, dict) else {"from": allowed}}
    spec = {
        "gatewayClassName": "edge",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": rules, **listener}],
    }
    return [obj("GatewayClass", "edge", ""), obj("Gateway", "edge", "infra", spec=spec), obj("Namespace", "infra", "")]


def route(
    backend: str = "web", port: int = 80, conditions: Any = (), parent: Any = None, **more: Any
) -> dict[str, Any]:
    reference = {"name": "edge", "namespace": "infra", **(parent or {})}
    spec = {
        "hostnames": ["web.example.com"],
        "parentRefs": [reference],
        "rules": [{"backendRefs": [{"name": backend, "port": port, **more}]}],
    }
    told = [{"type": t, "status": "False", "reason": r, "message": m} for t, r, m in conditions]
    return obj("HTTPRoute", "web", spec=spec, status={"parents": [{"parentRef": reference, "conditions": told}]})


@pytest.mark.parametrize(
    ("edge", "made", "told"),
    [
        (gateway(), route("webb"), "webb"),
        (gateway(), route(port=8080), "8080"),
        (gateway("Same"), route(), "shop"),
        (gateway({"from": "Selector", "selector": {"matchLabels": {"open": "yes"}}}), route(), "open=yes"),
        (gateway(hostname="*.example.org"), route(), "example.org"),
        (gateway(), route(parent={"sectionName": "https"}), "https"),
        (gateway(), route(parent={"name": "egde"}), "egde"),
        (gateway(), route("hook", namespace="infra"), "hook"),
        (gateway(), route(conditions=[("ResolvedRefs", "InvalidKind", "kind Bucket")]), "InvalidKind"),
    ],
)
def test_a_route_is_blamed_for_what_does_not_fit(edge: list[Any], made: dict[str, Any], told: str):
    (cause,) = answer(served(edge, made)).root_causes
    assert (cause.resource, cause.fault) == ("shop/HTTPRoute/web", "gateway_route_broken") and told in cause.explanation


def test_a_route_to_another_namespace_needs_a_grant_there():
    hook = service("hook", selector={"app": "hook"})
    hook["metadata"]["namespace"] = "infra"
    grant = obj(
        "ReferenceGrant",
        "shop",
        "infra",
        spec={"from": [{"kind": "HTTPRoute", "namespace": "shop"}], "to": [{"kind": "Service"}]},
    )
    made = route("hook", namespace="infra")
    assert found(served(gateway(), made, hook)) == [("shop/HTTPRoute/web", "gateway_route_broken")]
    assert found(served(gateway(), made, hook, grant)) == []


def test_a_gateway_without_its_certificate_explains_its_routes():
    tls = gateway(tls={"certificateRefs": [{"name": "edge-tls"}]})
    waiting = route(conditions=[("Accepted", "NoReadyListeners", "no listener is ready")])
    (cause,) = answer(served(tls, waiting)).root_causes
    assert (cause.resource, cause.fault) == ("infra/Gateway/edge", "gateway_route_broken")
    assert "edge-tls" in cause.explanation and "shop/HTTPRoute/web" in cause.chain


def test_routes_that_work_are_left_alone():
    assert found(served(gateway(hostname="*.example.com"), route())) == []
