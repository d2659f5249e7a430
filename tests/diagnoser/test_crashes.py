"""Containers that end by themselves: what is blamed, and for what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.cluster.secrets import SecretShape
from tests.diagnoser.cluster import (
    NOW,
    RUNNING,
    ago,
    answer,
    crashed,
    deployment,
    found,
    logs_of,
    obj,
    pod,
    service,
    snapshot,
)


def test_a_lowered_memory_limit_is_named_with_the_change_and_its_way_back():
    web = deployment(
        container={"resources": {"limits": {"memory": "128Mi"}}}, before={"resources": {"limits": {"memory": "512Mi"}}}
    )
    (cause,) = answer(snapshot(web, pod(web, crashed(137, "OOMKilled")))).root_causes
    assert (cause.resource, cause.fault) == ("shop/Deployment/web", "oom_killed")
    assert "128Mi" in cause.explanation and "512Mi" in cause.explanation
    assert any(c.field.endswith("limits.memory") and (c.before, c.after) == ("512Mi", "128Mi") for c in cause.changes)
    assert cause.remedies[0].arguments["limits"] == {"memory": "512Mi"}


def test_an_old_restart_of_a_running_container_is_history():
    web = deployment()
    last = {"exitCode": 137, "reason": "OOMKilled", "startedAt": ago(400), "finishedAt": ago(300)}
    state = {
        **RUNNING,
        "restartCount": 4,
        "state": {"running": {"startedAt": ago(299)}},
        "lastState": {"terminated": last},
    }
    assert found(snapshot(web, pod(web, state))) == []


def test_a_container_killed_every_few_minutes_counts_while_it_runs_in_between():
    web = deployment(container={"resources": {"limits": {"memory": "64Mi"}}})
    last = {"exitCode": 137, "reason": "OOMKilled", "startedAt": ago(20), "finishedAt": ago(6)}
    state = {**RUNNING, "restartCount": 4, "lastState": {"terminated": last}}
    assert found(snapshot(web, pod(web, state))) == [("shop/Deployment/web", "oom_killed")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("KeyError: 'SMTP_HOST'", "crash_missing_env"),
        ("FATAL: environment variable DATABASE_URL is not set", "crash_missing_env"),
        ("panic: required key TOKEN missing value", "crash_missing_env"),
        ("error: open /data/x: permission denied", "crash_permission"),
        ("OSError: [Errno 30] Read-only file system: '/tmp/cache'", "crash_permission"),
        ("Error: Cannot find module '/app/serve.js'", "crash_bad_command"),
        ("exec /usr/local/bin/web: exec format error", "image_arch_unsupported"),
        ("panic: runtime error: index out of range [3] with length 3", "crash_app_error"),
        ("fatal: no such host: lookup nowhere.example.org on 10.96.0.10:53: no such host", "dns_name_unresolvable"),
    ],
)
def test_the_last_words_of_a_program_name_the_fault(line: str, fault: str):
    web = deployment()
    made = pod(web, crashed())
    assert found(snapshot(web, made, logs=logs_of(made, f"info starting\n{line}\n"))) == [
        ("shop/Deployment/web", fault)
    ]


def test_a_command_that_is_not_there_is_told_from_an_application_error():
    web = deployment(container={"command": ["/bin/serv"]}, before={"command": ["/bin/serve"]})
    message = 'exec: "/bin/serv": stat /bin/serv: no such file or directory: unknown'
    (cause,) = answer(snapshot(web, pod(web, crashed(128, "StartError", message=message)))).root_causes
    assert cause.fault == "crash_bad_command" and "/bin/serv" in cause.explanation
    patch = cause.remedies[0].arguments["patch"]["spec"]["template"]["spec"]["containers"][0]
    assert patch["command"] == ["/bin/serve"]


def test_a_wrong_value_from_a_configmap_blames_the_configmap():
    web = deployment(container={"envFrom": [{"configMapRef": {"name": "settings"}}]})
    made = pod(web, crashed())
    settings = obj("ConfigMap", "settings", data={"POOL_SIZE": "many"})
    seen = snapshot(web, made, settings, logs=logs_of(made, 'fatal: environment variable POOL_SIZE is invalid: "many"'))
    assert found(seen) == [("shop/ConfigMap/settings", "crash_bad_config")]


def test_a_broken_file_blames_the_configmap_that_is_mounted_there():
    web = deployment(
        container={"volumeMounts": [{"name": "conf", "mountPath": "/etc/web"}]},
        volumes=[{"name": "conf", "configMap": {"name": "web-conf"}}],
    )
    made = pod(web, crashed())
    conf = obj("ConfigMap", "web-conf", data={"web.yaml": "a: ["})
    line = "fatal: error loading config /etc/web/web.yaml: yaml: line 1: did not find expected node content"
    assert found(snapshot(web, made, conf, logs=logs_of(made, line))) == [
        ("shop/ConfigMap/web-conf", "crash_bad_config")
    ]


def test_an_expired_certificate_blames_its_secret_and_says_until_when_it_was_valid():
    web = deployment(
        container={"volumeMounts": [{"name": "tls", "mountPath": "/tls"}]},
        volumes=[{"name": "tls", "secret": {"secretName": "web-tls"}}],
    )
    made = pod(web, crashed())
    until = NOW - timedelta(days=2)
    shape = SecretShape("shop", "web-tls", "kubernetes.io/tls", {"tls.crt": 9}, NOW - timedelta(days=90), until)
    seen = snapshot(
        web, made, logs=logs_of(made, "fatal: x509: certificate has expired or is not yet valid"),
        secrets={("shop", "web-tls"): shape},
    )  # fmt: skip
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == ("shop/Secret/web-tls", "crash_cert_expired")
    assert f"{until:%Y-%m-%d}" in cause.explanation


def test_a_full_volume_explains_the_database_and_everybody_who_needs_it():
    db = deployment(
        "db",
        container={"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "db-data"}}],
    )
    web = deployment(container={"env": [{"name": "DB", "value": "db:5432"}]})
    db_pod, web_pod = pod(db, crashed()), pod(web, crashed())
    claim = obj("PersistentVolumeClaim", "db-data", status={"phase": "Bound", "capacity": {"storage": "5Gi"}})
    logs = logs_of(db_pod, 'FATAL: could not write to file "/data/x": No space left on device')
    logs |= logs_of(web_pod, "fatal: dial tcp 10.96.0.9:5432: connect: connection refused")
    seen = snapshot(db, web, db_pod, web_pod, claim, service("db", 5432, 5432), logs=logs)
    (cause,) = answer(seen).root_causes
    assert (cause.resource, cause.fault) == ("shop/PersistentVolumeClaim/db-data", "volume_full")
    assert "5Gi" in cause.explanation and "shop/Deployment/web" in cause.chain


def test_two_independent_faults_are_both_named():
    one, two = deployment("one"), deployment("two", container={"resources": {"limits": {"memory": "1Gi"}}})
    one_pod = pod(one, crashed())
    seen = snapshot(
        one, two, one_pod, pod(two, crashed(137, "OOMKilled")), logs=logs_of(one_pod, "KeyError: 'API_TOKEN'")
    )
    assert set(found(seen)) == {("shop/Deployment/one", "crash_missing_env"), ("shop/Deployment/two", "oom_killed")}
