"""Faults of operation: what somebody scaled, paused, suspended, deleted or limited, and nodes that fail."""

from __future__ import annotations

from typing import Any

import pytest

from agents.cluster.usage import Amount, Usage
from agents.diagnoser.cron import complaint
from tests.diagnoser.cluster import (
    NOW,
    RUNNING,
    UNREADY,
    ago,
    answer,
    crashed,
    deployment,
    event,
    found,
    logs_of,
    node,
    obj,
    owner,
    pending,
    pod,
    service,
    snapshot,
    waiting,
)


def scaled_down(name: str = "web", **metadata: Any) -> list[dict[str, Any]]:
    made = deployment(name, replicas=0)
    made[0]["metadata"] |= metadata
    return made


def test_a_wanted_workload_at_zero_is_the_cause_and_says_how_many_there_were() -> None:
    web = scaled_down()
    told = event(web[0], "ScalingReplicaSet", "Scaled down replica set web-1 from 4 to 0", kind="Normal")
    cause = answer(snapshot(web, service("web"), told)).root_causes[0]
    assert (cause.fault, cause.remedies[0].arguments) == ("scaled_to_zero", {"replicas": 4})


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"team/note": "parked on purpose until spring"}},
        {"labels": {"scaledobject.keda.sh/name": "web"}},
    ],
)
def test_zero_replicas_by_design_are_no_fault(metadata: dict[str, Any]) -> None:
    assert found(snapshot(scaled_down(**metadata), service("web"))) == []


def test_an_old_version_at_zero_is_no_fault_when_the_new_one_runs() -> None:
    new = deployment("shop-v2")
    assert found(snapshot(scaled_down("shop-v1"), service("shop-v1"), new, pod(new, RUNNING))) == []


def test_a_paused_rollout_counts_only_while_something_waits_for_it() -> None:
    web = deployment()
    web[0]["spec"]["paused"] = True
    assert found(snapshot(web, pod(web, RUNNING))) == []
    web[0]["spec"]["template"]["spec"]["containers"] = [{"name": "web", "image": "web:3"}]
    assert found(snapshot(web, pod(web, RUNNING))) == [("shop/Deployment/web", "rollout_paused")]


def test_recreate_waits_for_a_pod_that_takes_hours_to_end() -> None:
    web = deployment(before={})
    web[0]["spec"]["strategy"] = {"type": "Recreate"}
    old = pod(web, RUNNING)
    old["metadata"] |= {"deletionTimestamp": ago(-100), "deletionGracePeriodSeconds": 7200}
    cause = answer(snapshot(web, old)).root_causes[0]
    assert cause.fault == "rollout_stuck"
    assert "7200" in cause.explanation
    dead = node()
    dead["status"]["conditions"] = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
    assert found(snapshot(web, old, dead)) == [("Node/node-1", "node_not_ready")]


def stateful(partition: int) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    status = {
        "currentRevision": "db-1",
        "updateRevision": "db-2",
        "updatedReplicas": 1,
        "readyReplicas": 3,
        "replicas": 3,
    }
    return obj("StatefulSet", "db", spec={"replicas": 3, "updateStrategy": strategy}, status=status)


def test_a_partition_holds_a_stateful_set_back() -> None:
    assert found(snapshot(stateful(2))) == [("shop/StatefulSet/db", "rollout_stuck")]
    assert found(snapshot(stateful(0))) == []


def job(reason: str = "BackoffLimitExceeded", **spec: Any) -> dict[str, Any]:
    state = {"type": "Failed", "status": "True", "reason": reason, "message": "gave up", "lastTransitionTime": ago(20)}
    return obj("Job", "load", spec={"backoffLimit": 2, **spec}, status={"failed": 3, "conditions": [state]})


def job_pod(parent: dict[str, Any], ended: dict[str, Any]) -> dict[str, Any]:
    status = {"name": "load", "restartCount": 0, "state": {"terminated": ended}}
    return obj(
        "Pod",
        "load-a",
        metadata={"ownerReferences": owner(parent)},
        spec={"restartPolicy": "Never", "containers": [{"name": "load", "image": "load:1"}]},
        status={"phase": "Failed", "containerStatuses": [status]},
    )


def test_a_job_that_gave_up_is_named_with_what_its_log_says() -> None:
    failed = job()
    made = job_pod(failed, {"exitCode": 1, "reason": "Error", "finishedAt": ago(21)})
    cause = answer(snapshot(failed, made, logs=logs_of(made, "ERROR row 17: checksum invalid"))).root_causes[0]
    assert (cause.resource, cause.fault) == ("shop/Job/load", "job_failed")
    assert "row 17" in cause.explanation and "BackoffLimitExceeded" in cause.explanation


def test_a_deeper_cause_in_its_pods_explains_a_failed_job() -> None:
    failed = job()
    made = job_pod(failed, {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(21)})
    assert found(snapshot(failed, made)) == [("shop/Job/load", "oom_killed")]


def cron(**spec: Any) -> dict[str, Any]:
    return obj("CronJob", "nightly", spec={"schedule": "0 3 * * *", **spec}, status={"lastScheduleTime": ago(9000)})


def test_suspended_and_impossible_cron_jobs_are_told_apart() -> None:
    assert found(snapshot(cron())) == []
    assert found(snapshot(cron(suspend=True))) == [("shop/CronJob/nightly", "cronjob_suspended")]
    assert found(snapshot(cron(schedule="0 4 31 2 *"))) == [("shop/CronJob/nightly", "cronjob_bad_schedule")]
    assert found(snapshot(cron(timeZone="Mars/Olympus"))) == [("shop/CronJob/nightly", "cronjob_bad_schedule")]


@pytest.mark.parametrize(
    "schedule", ["*/5 * * * *", "0 0 29 2 *", "0 9-17/2 * JAN-MAR mon-fri", "@daily", "@every 90m", "0 0 31 2 1"]
)
def test_schedules_that_come_are_not_complained_about(schedule: str) -> None:
    assert complaint(schedule) == ""


@pytest.mark.parametrize(
    "schedule", ["0 25 * * *", "* * * *", "0 0 31 4,6 *", "@fortnightly", "0 0 * * 7", "5-1 * * * *"]
)
def test_schedules_that_never_come_are(schedule: str) -> None:
    assert complaint(schedule)


def deleted(kind: str, name: str, finalizers: list[str], **fields: Any) -> dict[str, Any]:
    made = obj(kind, name, metadata={"deletionTimestamp": ago(300), "finalizers": finalizers}, **fields)
    return made | {"apiVersion": "store.example.com/v1"}


def test_a_namespace_waits_for_the_object_whose_finalizer_stays() -> None:
    space = obj("Namespace", "shop", "", metadata={"deletionTimestamp": ago(300)}, spec={"finalizers": ["kubernetes"]})
    bucket = deleted("Bucket", "photos", ["store.example.com/clean"])
    seen = snapshot(bucket)
    seen.objects = [*(o for o in seen.objects if o["kind"] != "Namespace"), space]
    assert found(seen) == [("shop/Bucket/photos", "finalizer_stuck")]


def test_an_operator_at_zero_explains_finalizers_that_nobody_removes() -> None:
    operator = scaled_down("store-operator")
    told = event(operator[0], "ScalingReplicaSet", "Scaled down replica set s from 1 to 0", kind="Normal")
    bucket = deleted("Bucket", "photos", ["store.example.com/clean"])
    assert found(snapshot(operator, told, bucket)) == [("shop/Deployment/store-operator", "scaled_to_zero")]


def test_a_lost_node_explains_its_pods_and_pressure_its_evictions() -> None:
    web = deployment()
    lost = node()
    lost["status"]["conditions"] = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
    assert found(snapshot(web, pod(web, UNREADY), lost)) == [("Node/node-1", "node_not_ready")]
    full = node(taints=[{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}])
    full["status"]["conditions"].append({"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"})
    message = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."
    assert found(snapshot(web, pending(web, message), full)) == [("Node/node-1", "node_pressure")]


def test_a_node_full_of_pods_or_without_addresses_is_blamed() -> None:
    web = deployment()
    small = node()
    small["status"]["allocatable"]["pods"] = "1"
    waits = pending(web, "0/1 nodes are available: 1 Too many pods.")
    assert found(snapshot(web, pod(web, RUNNING, "b"), waits, small)) == [("Node/node-1", "node_pod_limit")]
    starting = pod(web, waiting("ContainerCreating"))
    told = event(starting, "FailedCreatePodSandBox", "no IP addresses available in range set: 10.1.0.1-10.1.0.6")
    assert found(snapshot(web, starting, told)) == [("Node/node-1", "node_pod_limit")]


def test_a_pod_at_its_cpu_limit_is_throttled_only_when_it_is_slow() -> None:
    web = deployment(container={"resources": {"limits": {"cpu": "200m"}}})
    made = pod(web, RUNNING)
    usage = Usage(
        observed_at=NOW, nodes={}, pods={f"shop/{made['metadata']['name']}": {"web": Amount(cpu=0.2, memory=1.0)}}
    )
    slow = {"logs": logs_of(made, "WARN request took 4200 ms"), "usage": usage}
    assert found(snapshot(web, made, **slow)) == [("shop/Deployment/web", "cpu_throttled")]
    assert found(snapshot(web, made, usage=usage, logs=logs_of(made, "INFO request took 12 ms"))) == []


def test_preemption_blames_the_workload_that_pushes_others_out() -> None:
    batch, web = deployment("batch"), deployment(container={"resources": {"requests": {"cpu": "3"}}})
    winner = pod(batch, RUNNING, spec={"priority": 9000, "priorityClassName": "urgent"})
    winner["spec"]["containers"] = [{"name": "batch", "resources": {"requests": {"cpu": "3"}}}]
    message = f"Preempted by pod {winner['metadata']['uid']} on node node-1"
    gone = pod(web, RUNNING, "gone")
    told = event(gone, "Preempted", message.replace(winner["metadata"]["uid"], "0" * 36), kind="Normal")
    winner["metadata"]["uid"] = "0" * 36
    waits = pending(web, "0/1 nodes are available: 1 Insufficient cpu. preemption: no victims found.")
    assert found(snapshot(batch, web, winner, waits, told)) == [("shop/Deployment/batch", "priority_preempted")]


def test_oom_of_a_template_without_fault_is_the_mutating_webhooks() -> None:
    web = deployment(container={"resources": {"limits": {"memory": "1Gi"}}})
    made = pod(web, crashed(137, "OOMKilled"))
    made["spec"] = {**made["spec"], "containers": [{"name": "web", "resources": {"limits": {"memory": "64Mi"}}}]}
    rules = [{"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"]}]
    hook = {
        "name": "trim.example.com",
        "rules": rules,
        "clientConfig": {"service": {"name": "trim", "namespace": "ops"}},
    }
    config = obj("MutatingWebhookConfiguration", "trim", "", webhooks=[hook])
    assert found(snapshot(web, made, config)) == [("MutatingWebhookConfiguration/trim", "admission_mutated_badly")]
    made["spec"] = {**made["spec"], "containers": [{"name": "web", "resources": {"limits": {"memory": "1024Mi"}}}]}
    assert found(snapshot(web, made, config)) == [("shop/Deployment/web", "oom_killed")]


def test_nothing_is_stale_that_has_restarted_since_or_is_mounted_as_a_whole() -> None:
    changed = [{"manager": "kubectl-edit", "time": ago(60), "fieldsV1": {"f:data": {"f:RATE": {}}}}]
    settings = obj("ConfigMap", "settings", data={"RATE": "2"}, metadata={"managedFields": changed})
    web = deployment(container={"envFrom": [{"configMapRef": {"name": "settings"}}]})
    old = {"ready": True, "state": {"running": {"startedAt": ago(90)}}}
    assert found(snapshot(web, pod(web, old), settings)) == [("shop/Deployment/web", "config_stale")]
    assert found(snapshot(web, pod(web, RUNNING), settings)) == []
    mounted = deployment(
        container={"volumeMounts": [{"name": "v", "mountPath": "/etc/s"}]},
        volumes=[{"name": "v", "configMap": {"name": "settings"}}],
    )
    assert found(snapshot(mounted, pod(mounted, old), settings)) == []
