"""Images, configuration, scheduling, quota: pods that never run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diagnoser.cluster import (
    RUNNING,
    answer,
    deployment,
    event,
    found,
    node,
    obj,
    pending,
    pod,
    snapshot,
    waiting,
)  # fmt: skip

WEB = "shop/Deployment/web"


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("failed to resolve reference: web:9: not found", "image_not_found"),
        ("failed to pull: 401 Unauthorized", "image_pull_unauthorized"),
        ("no match for platform in manifest: not found", "image_arch_unsupported"),
    ],
)
def test_an_image_that_cannot_be_pulled(message: str, fault: str):
    web = deployment(container={"image": "web:9"}, before={"image": "web:8"})
    (cause,) = answer(snapshot(web, pod(web, waiting("ImagePullBackOff", message)))).root_causes
    assert (cause.resource, cause.fault) == (WEB, fault)
    assert "web:9" in cause.explanation


def test_refused_credentials_blame_the_pull_secret_that_exists():
    web = deployment(imagePullSecrets=[{"name": "registry"}])
    broken = pod(web, waiting("ImagePullBackOff", "401 Unauthorized"))
    assert found(snapshot(web, broken, obj("Secret", "registry"))) == [
        ("shop/Secret/registry", "image_pull_unauthorized")
    ]
    assert found(snapshot(web, broken)) == [(WEB, "image_pull_unauthorized")]


def test_a_missing_secret_names_the_one_that_was_probably_meant():
    reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web-db", "key": "password"}}}
    web = deployment(container={"env": [reference]})
    broken = pod(web, waiting("CreateContainerConfigError", 'secret "web-db" not found'))
    (cause,) = answer(snapshot(web, broken, obj("Secret", "web-db-1"))).root_causes
    assert (cause.resource, cause.fault) == (WEB, "secret_missing")
    assert "web-db" in cause.explanation and "web-db-1" in cause.explanation


def test_a_key_that_vanished_under_running_pods_blames_the_configmap():
    web = deployment()
    message = "couldn't find key color in ConfigMap shop/settings"
    broken = pod(web, waiting("CreateContainerConfigError", message))
    settings = obj("ConfigMap", "settings", data={"colour": "red"})
    assert found(snapshot(web, broken, settings)) == [(WEB, "configmap_key_missing")]
    older = pod(web, RUNNING, "b")
    for made in (broken, older):
        made["metadata"]["labels"] = {"app": "web", "pod-template-hash": "1"}
    assert found(snapshot(web, broken, older, settings)) == [("shop/ConfigMap/settings", "configmap_key_missing")]


def _requesting(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": requests}}


def test_a_request_that_no_node_can_hold():
    web = deployment(container=_requesting(memory="48Gi"))
    (cause,) = answer(snapshot(web, pending(web, "0/1 nodes are available: 1 Insufficient memory."))).root_causes
    assert (cause.resource, cause.fault) == (WEB, "pending_insufficient_resources")
    assert "48Gi" in cause.explanation and "16Gi" in cause.explanation


def test_a_cordoned_node_that_would_have_room_is_to_blame():
    web = deployment(container=_requesting(memory="10Gi"))
    full = node("node-2", memory="8Gi")
    seen = snapshot(web, pending(web, "0/2 nodes are available"), node(unschedulable=True), full)
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == ("Node/node-1", "pending_cordoned")
    assert cause.remedies[0].kind == "uncordon_node"


def test_a_cordoned_node_with_nothing_pending_is_no_fault():
    web = deployment()
    assert found(snapshot(web, pod(web, RUNNING), node(unschedulable=True))) == []


def test_a_taint_on_the_only_node_that_is_selected():
    web = deployment(nodeSelector={"pool": "gpu"})
    gpu = node("gpu-1", labels={"pool": "gpu"}, taints=[{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}])
    (cause,) = answer(snapshot(web, pending(web, "0/2 nodes are available"), node(), gpu)).root_causes
    assert (cause.resource, cause.fault) == (WEB, "pending_taint")
    tolerations = cause.remedies[0].arguments["patch"]["spec"]["template"]["spec"]["tolerations"]
    assert tolerations[-1] == {"key": "dedicated", "value": "gpu", "effect": "NoSchedule", "operator": "Equal"}


def test_a_selector_that_no_node_satisfies():
    web = deployment(nodeSelector={"disk": "nvme"})
    seen = snapshot(web, pending(web, "0/1 nodes are available"), node(labels={"disk": "ssd"}))
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == (WEB, "pending_node_selector")
    assert "disk=nvme" in cause.explanation and "disk=ssd" in cause.explanation


def test_scheduling_gates_are_named():
    web = deployment()
    made = pending(web, "Scheduling is blocked", schedulingGates=[{"name": "example.com/wait"}])
    (cause,) = answer(snapshot(web, made)).root_causes
    assert cause.fault == "pending_scheduling_gated" and "example.com/wait" in cause.explanation


def _refused(message: str, *more: Any) -> Any:
    web = deployment(replicas=3)
    web[-1]["status"] = {
        "replicas": 1,
        "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}],
    }
    return snapshot(web, pod(web, RUNNING), *more)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "exceeded quota: team, requested: limits.memory=1Gi, used: limits.memory=8Gi, limited: limits.memory=8Gi",
            ("shop/ResourceQuota/team", "quota_exceeded"),
        ),
        ("failed quota: team: must specify limits.memory for: web", (WEB, "quota_requires_limits")),
        ("maximum memory usage per Container is 1Gi, but limit is 2Gi", (WEB, "limit_range_violated")),
        ('violates PodSecurity "restricted:latest": runAsNonRoot != true', (WEB, "pod_security_violation")),
        ('error looking up service account shop/w: serviceaccount "w" not found', (WEB, "service_account_missing")),
    ],
)
def test_pods_that_the_api_refuses(message: str, cause: tuple[str, str]):
    assert found(_refused(f'pods "web-2-x" is forbidden: {message}')) == [cause]


def test_a_refusal_that_was_overcome_is_history():
    web = deployment(replicas=1)
    old = event(web[-1], "FailedCreate", "exceeded quota: team, requested: pods=1, used: pods=9, limited: pods=9")
    assert found(snapshot(web, pod(web, RUNNING), old)) == []


def test_a_claim_without_its_storage_class_explains_the_pending_pod():
    web = deployment(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    claim = obj("PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}, status={"phase": "Pending"})
    seen = snapshot(web, pending(web, "pod has unbound immediate PersistentVolumeClaims"), claim)
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == ("shop/PersistentVolumeClaim/data", "pvc_storage_class_missing")
    assert "fast" in cause.explanation


def test_a_claim_that_waits_for_its_first_consumer_is_no_fault():
    claim = obj("PersistentVolumeClaim", "data", spec={"storageClassName": "late"}, status={"phase": "Pending"})
    late = obj("StorageClass", "late", "", volumeBindingMode="WaitForFirstConsumer")
    assert found(snapshot(claim, late)) == []


def test_what_may_not_be_listed_is_not_called_missing():
    web = deployment(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    made = pending(web, "0/1 nodes are available: 1 Insufficient cpu.")
    hidden = snapshot(web, made, unreadable={"PersistentVolumeClaim": "forbidden"})
    assert ("shop/Deployment/web", "pvc_missing") not in found(hidden)
    assert any("PersistentVolumeClaim" in line for line in answer(hidden).missing)
