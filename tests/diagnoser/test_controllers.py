"""Faults of what controllers and the API do: autoscalers, budgets, webhooks, operators, aggregated APIs, rights."""

from __future__ import annotations

from typing import Any

from tests.diagnoser.cluster import (
    RUNNING,
    ago,
    answer,
    deployment,
    event,
    found,
    node,
    obj,
    owner,
    pending,
    pod,
    service,
    snapshot,
    waiting,
)

NO_METRICS = "the server is currently unable to handle the request (get pods.metrics.k8s.io)"


def scaler(target: str = "web", current: int = 2, used: int = 50, **conditions: tuple[str, str, str]) -> dict[str, Any]:
    metric = {"type": "Resource", "resource": {"name": "cpu"}}
    states = [{"type": k, "status": s, "reason": r, "message": m} for k, (s, r, m) in conditions.items()]
    return obj(
        "HorizontalPodAutoscaler",
        "web",
        spec={
            "maxReplicas": 4,
            "scaleTargetRef": {"kind": "Deployment", "name": target},
            "metrics": [{**metric, "resource": {"name": "cpu", "target": {"averageUtilization": 60}}}],
        },
        status={
            "currentReplicas": current,
            "conditions": states,
            "currentMetrics": [{**metric, "resource": {"name": "cpu", "current": {"averageUtilization": used}}}],
        },
    )


def test_an_autoscaler_at_its_maximum_is_a_fault_only_over_target() -> None:
    web = deployment()
    limited = {"ScalingLimited": ("True", "TooManyReplicas", "more than the maximum")}
    hot = snapshot(web, pod(web, RUNNING), scaler(current=4, used=180, **limited))
    assert found(hot) == [("shop/HorizontalPodAutoscaler/web", "hpa_at_max")]
    assert found(snapshot(web, pod(web, RUNNING), scaler(current=4, used=61, **limited))) == []


def test_an_autoscaler_of_a_workload_that_is_gone_or_lacks_requests() -> None:
    web = deployment()
    assert found(snapshot(web, pod(web, RUNNING), scaler("old"))) == [
        ("shop/HorizontalPodAutoscaler/web", "hpa_target_missing")
    ]
    words = "missing request for cpu in container web of Pod web-1-a"
    lacking = scaler(ScalingActive=("False", "FailedGetResourceMetric", words))
    assert found(snapshot(web, pod(web, RUNNING), lacking)) == [("shop/Deployment/web", "hpa_no_requests")]


def api(reason: str = "MissingEndpoints", group: str = "metrics.k8s.io") -> dict[str, Any]:
    state = {"type": "Available", "status": "False", "reason": reason, "message": "no addresses"}
    spec = {"group": group, "service": {"name": "metrics", "namespace": "shop"}}
    return obj("APIService", f"v1.{group}", "", spec=spec, status={"conditions": [state]})


def test_the_workload_behind_the_metrics_api_explains_blind_autoscalers() -> None:
    web, metrics = deployment(), deployment("metrics", replicas=0)
    blind = scaler(ScalingActive=("False", "FailedGetResourceMetric", f"unable to fetch metrics: {NO_METRICS}"))
    seen = snapshot(web, pod(web, RUNNING), blind, api(), service("metrics"), metrics)
    assert found(seen) == [("shop/Deployment/metrics", "scaled_to_zero")]
    gone = snapshot(web, pod(web, RUNNING), blind, api("ServiceNotFound"))
    assert found(gone) == [("APIService/v1.metrics.k8s.io", "hpa_metrics_unavailable")]
    assert found(snapshot(api("ServiceNotFound", "wares.example.com"))) == [
        ("APIService/v1.wares.example.com", "apiservice_unavailable")
    ]


def test_a_budget_is_a_fault_only_when_somebody_wants_an_eviction() -> None:
    web = deployment()
    status = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    budget = obj("PodDisruptionBudget", "web", spec=spec, status=status)
    assert found(snapshot(web, pod(web, RUNNING), budget)) == []
    drained = node(unschedulable=True)
    assert found(snapshot(web, pod(web, RUNNING), budget, drained)) == [
        ("shop/PodDisruptionBudget/web", "pdb_blocks_eviction")
    ]


def webhook(policy: str = "Fail") -> dict[str, Any]:
    target = {"service": {"name": "guard", "namespace": "shop"}}
    hook = {"name": "guard.example.com", "failurePolicy": policy, "clientConfig": target}
    return obj("ValidatingWebhookConfiguration", "guard", "", webhooks=[hook])


def test_a_webhook_that_times_out_is_blamed_and_what_is_behind_it_when_that_is_broken() -> None:
    web, guard = deployment(), deployment("guard")
    words = 'Internal error occurred: failed calling webhook "guard.example.com": context deadline exceeded'
    told = event(web[-1], "FailedCreate", f"Error creating: {words}")
    web[-1]["status"] = {"replicas": 0}
    blamed = [("ValidatingWebhookConfiguration/guard", "admission_webhook_failing")]
    assert found(snapshot(web, told, webhook(), guard, pod(guard, RUNNING), service("guard"))) == blamed
    down = deployment("guard", replicas=0)
    assert found(snapshot(web, told, webhook(), down, service("guard"))) == [
        ("shop/Deployment/guard", "scaled_to_zero")
    ]


def test_a_webhook_whose_service_is_gone_is_a_fault_when_it_must_answer() -> None:
    cause = answer(snapshot(webhook())).root_causes[0]
    assert (cause.fault, cause.remedies[0].kind) == ("admission_webhook_failing", "delete_resource")
    assert found(snapshot(webhook("Ignore"))) == []


def custom(kind: str, name: str, reason: str, message: str, **spec: Any) -> dict[str, Any]:
    state = {"type": "Ready", "status": "False", "reason": reason, "message": message, "lastTransitionTime": ago(60)}
    return obj(kind, name, spec=spec, status={"conditions": [state]}) | {"apiVersion": "wares.example.com/v1"}


def without_secret() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    reference = {"name": "P", "valueFrom": {"secretKeyRef": {"name": "login", "key": "p"}}}
    web = deployment(container={"env": [reference]})
    return web, pod(web, waiting("CreateContainerConfigError", 'secret "login" not found'))


def test_a_rejected_custom_resource_explains_the_secret_that_it_does_not_make() -> None:
    web, stuck = without_secret()
    wish = custom("Wish", "smtp", "SecretSyncedError", "key kv/x does not exist", target={"name": "login"})
    cause = answer(snapshot(web, stuck, wish)).root_causes
    assert [(c.resource, c.fault) for c in cause] == [("shop/Wish/smtp", "custom_resource_rejected")]
    assert "kv/x" in cause[0].explanation and "shop/Deployment/web" in cause[0].chain


def test_custom_resources_under_way_or_made_for_another_are_not_blamed() -> None:
    assert found(snapshot(custom("Wish", "a", "Progressing", "creating pods"))) == []
    parent = custom("Wish", "a", "Failed", "order failed")
    child = custom("Order", "a-1", "Invalid", "no such domain")
    child["metadata"]["ownerReferences"] = owner(parent)
    causes = answer(snapshot(parent, child)).root_causes
    assert [c.resource for c in causes] == ["shop/Wish/a"]
    assert "no such domain" in causes[0].explanation


def test_a_right_that_a_controller_lacks_explains_the_secret_that_is_missing() -> None:
    web, stuck = without_secret()
    words = (
        'secrets is forbidden: User "system:serviceaccount:ops:weaver" cannot create resource "secrets" in API group ""'
    )
    wish = custom("Wish", "login", "CreateFailed", f'{words} in the namespace "shop"')
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    role = obj("ClusterRole", "weaver", "", rules=rules)
    account = {"kind": "ServiceAccount", "name": "weaver", "namespace": "ops"}
    reference = {"kind": "ClusterRole", "name": "weaver"}
    binding = obj("ClusterRoleBinding", "weaver", "", roleRef=reference, subjects=[account])
    told = event(wish, "CreateFailed", f'{words} in the namespace "shop"')
    assert found(snapshot(web, stuck, wish, role, binding, told)) == [("ClusterRole/weaver", "rbac_denied")]


def test_a_taint_of_passing_work_is_the_nodes_and_one_that_reserves_it_the_workloads() -> None:
    web = deployment(nodeSelector={"pool": "a"})
    waits = pending(web, "0/1 nodes are available: 1 node(s) had untolerated taint {x: y}.")
    left = node(labels={"pool": "a"}, taints=[{"key": "maintenance", "value": "disk", "effect": "NoSchedule"}])
    assert found(snapshot(web, waits, left)) == [("Node/node-1", "pending_taint")]
    own = node(labels={"pool": "a"}, taints=[{"key": "dedicated", "value": "ml", "effect": "NoSchedule"}])
    assert found(snapshot(web, waits, own)) == [("shop/Deployment/web", "pending_taint")]


def test_a_key_is_the_config_maps_when_the_template_had_worked_before() -> None:
    web = deployment()
    lost = {"type": "Available", "status": "False", "lastTransitionTime": ago(29)}
    web[0]["status"] = {"conditions": [lost]}
    settings = obj("ConfigMap", "settings", data={"other": "1"})
    words = "couldn't find key zone in ConfigMap shop/settings"
    stuck = pod(web, waiting("CreateContainerConfigError", words))
    web[-1]["metadata"]["creationTimestamp"] = ago(9000)
    assert found(snapshot(web, stuck, settings)) == [("shop/ConfigMap/settings", "configmap_key_missing")]
    web[-1]["metadata"]["creationTimestamp"] = ago(31)
    assert found(snapshot(web, stuck, settings)) == [("shop/Deployment/web", "configmap_key_missing")]
