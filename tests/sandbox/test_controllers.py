"""A failure lasts as long as its cause, and ends with it: what the simulated controllers promise."""

from __future__ import annotations

from pathlib import Path

import pytest

import sandbox
from tests.sandbox.scenarios import Driven, Object, base, container_status, deployment, meta, write

INCIDENT = Path(sandbox.__file__).parent / "incidents" / "checkout-oom"
RUNNING = {"running": {"startedAt": "2026-11-20T09:00:00Z"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}


def ended(reason: str, code: int) -> Object:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": "2026-11-20T09:59:00Z"}}


def limit(memory: str) -> Object:
    return {"resources": {"limits": {"memory": memory}}}


def driven(folder: Path, *objects: Object) -> Driven:
    return Driven(write(folder, [*base(), *objects]))


@pytest.fixture
def starved(tmp_path: Path) -> Driven:
    statuses = container_status(BACK_OFF, ended("OOMKilled", 137))
    objects = deployment(limit("128Mi"), good=limit("512Mi"), phase="Running", containerStatuses=statuses)
    return driven(tmp_path, *objects)


@pytest.fixture
def crashing(tmp_path: Path) -> Driven:
    good = {"env": [{"name": "HOST", "value": "db"}]}
    statuses = container_status(BACK_OFF, ended("Error", 1))
    return driven(tmp_path, *deployment({}, good=good, phase="Running", containerStatuses=statuses))


def test_an_incident_left_alone_stays_as_it_was_captured() -> None:
    cluster = Driven(INCIDENT)
    before = cluster.everything()
    assert not cluster.controllers.has_work
    cluster.controllers.look_at_everything()
    cluster.controllers.settle()
    assert cluster.everything() == before


def test_the_incident_ends_when_the_limit_is_back() -> None:
    cluster = Driven(INCIDENT)
    container = {"name": "checkout", "resources": {"limits": {"memory": "512Mi"}}}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    cluster.patch("apps/v1", "deployments", "checkout", body)
    checkout = {name: ready for name, ready in cluster.pods().items() if name.startswith("checkout-")}
    assert list(checkout.values()) == [True, True, True]


class TestMemory:
    def test_a_limit_that_is_still_too_low_kills_again(self, starved: Driven) -> None:
        starved.patch_container(**limit("256Mi"))
        assert not any(starved.pods().values())
        assert starved.reasons() == {"CrashLoopBackOff"}

    def test_the_last_good_limit_is_enough(self, starved: Driven) -> None:
        starved.patch_container(**limit("512Mi"))
        assert list(starved.pods().values()) == [True]

    def test_a_deleted_pod_comes_back_as_broken_as_before(self, starved: Driven) -> None:
        starved.delete("v1", "pods", "web-new-1")
        assert list(starved.pods().values()) == [False]
        assert "web-new-1" not in starved.pods()

    def test_an_undone_repair_breaks_it_again(self, starved: Driven) -> None:
        starved.patch_container(**limit("512Mi"))
        starved.patch_container(**limit("128Mi"))
        # The rollout waits with the old pod up, because the new one never gets ready.
        assert sorted(starved.pods().values()) == [False, True]


class TestImages:
    @pytest.fixture
    def unpullable(self, tmp_path: Path) -> Driven:
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
        statuses = container_status(waiting, restarts=0)
        objects = deployment({"image": "web:2-tpyo"}, good={}, phase="Pending", containerStatuses=statuses)
        return driven(tmp_path, *objects)

    def test_a_corrected_image_runs(self, unpullable: Driven) -> None:
        unpullable.patch_container(image="web:2")
        assert list(unpullable.pods().values()) == [True]

    def test_another_change_does_not_make_it_pullable(self, unpullable: Driven) -> None:
        unpullable.patch_container(env=[{"name": "A", "value": "1"}])
        assert not any(unpullable.pods().values())
        assert unpullable.reasons() == {"ImagePullBackOff"}


class TestConfiguration:
    @pytest.fixture
    def secretless(self, tmp_path: Path) -> Driven:
        waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "db" not found'}}
        reference = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
        statuses = container_status(waiting, restarts=0)
        return driven(tmp_path, *deployment({"env": [reference]}, phase="Pending", containerStatuses=statuses))

    def test_a_missing_secret_that_appears_lets_the_same_pod_run(self, secretless: Driven) -> None:
        secretless.create("v1", "secrets", {"metadata": {"name": "db"}, "stringData": {"password": "x"}})
        assert secretless.pods() == {"web-new-1": True}

    def test_a_secret_without_the_key_is_no_repair(self, secretless: Driven) -> None:
        secretless.create("v1", "secrets", {"metadata": {"name": "db"}, "stringData": {"user": "x"}})
        assert secretless.pods() == {"web-new-1": False}

    def test_an_unrelated_secret_is_no_repair(self, secretless: Driven) -> None:
        secretless.create("v1", "secrets", {"metadata": {"name": "other"}})
        assert secretless.pods() == {"web-new-1": False}


class TestCrashes:
    def test_a_restart_without_a_change_crashes_with_the_same_exit(self, crashing: Driven) -> None:
        body = {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}}
        crashing.patch("apps/v1", "deployments", "web", body)
        assert not any(crashing.pods().values())
        pods = crashing.cluster.store.list(("", "pods"), "shop")
        ends = [pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] for pod in pods]
        assert set(ends) == {1}

    def test_a_change_beside_the_fault_is_no_repair(self, crashing: Driven) -> None:
        crashing.patch_container(**limit("1Gi"))
        assert not any(crashing.pods().values())

    def test_the_lost_variable_repairs_it(self, crashing: Driven) -> None:
        crashing.patch_container(env=[{"name": "HOST", "value": "other-db"}])
        assert list(crashing.pods().values()) == [True]

    def test_a_changed_network_policy_may_have_been_the_cause(self, crashing: Driven) -> None:
        policy = {"metadata": {"name": "allow"}, "spec": {"podSelector": {}, "egress": [{}]}}
        crashing.create("networking.k8s.io/v1", "networkpolicies", policy)
        assert crashing.pods() == {"web-new-1": True}

    def test_an_annotation_is_no_repair(self, crashing: Driven) -> None:
        crashing.patch("v1", "nodes", "n1", {"metadata": {"annotations": {"seen": "yes"}}}, namespace="")
        assert crashing.pods() == {"web-new-1": False}


class TestScheduling:
    def test_an_uncordoned_node_takes_waiting_pods(self, tmp_path: Path) -> None:
        objects = [*base(), *deployment({}, phase="Pending")]
        objects[1]["spec"]["unschedulable"] = True
        del objects[-1]["spec"]["nodeName"]
        cluster = Driven(write(tmp_path, objects))
        cluster.controllers.look_at_everything()
        cluster.controllers.settle()
        assert cluster.pods() == {"web-new-1": False}
        cluster.patch("v1", "nodes", "n1", {"spec": {"unschedulable": None}}, namespace="")
        assert cluster.pods() == {"web-new-1": True}

    def test_a_quota_refuses_pods_until_it_is_raised(self, tmp_path: Path) -> None:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("q", namespace="shop")}
        objects = deployment({}, phase="Running", containerStatuses=container_status(RUNNING))
        objects[-1]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        cluster = driven(tmp_path, {**quota, "spec": {"hard": {"pods": "1"}}}, *objects)
        cluster.patch("apps/v1", "deployments", "web", {"spec": {"replicas": 3}})
        assert len(cluster.pods()) == 1
        cluster.patch("v1", "resourcequotas", "q", {"spec": {"hard": {"pods": "5"}}})
        assert list(cluster.pods().values()) == [True, True, True]


class TestServices:
    def test_endpoints_follow_the_selector(self, crashing: Driven) -> None:
        crashing.patch_container(env=[{"name": "HOST", "value": "db"}])
        service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "wbe"}, "ports": [{"port": 80}]}}
        crashing.create("v1", "services", service)
        slices = lambda: crashing.cluster.store.list(("discovery.k8s.io", "endpointslices"), "shop")  # noqa: E731
        assert slices()[0]["endpoints"] == []
        crashing.patch("v1", "services", "web", {"spec": {"selector": {"app": "web"}}})
        assert [item["conditions"]["ready"] for item in slices()[0]["endpoints"]] == [True]


def test_a_stateful_set_makes_its_pods_in_order_with_their_claims(tmp_path: Path) -> None:
    cluster = driven(tmp_path)
    storage = {"metadata": {"name": "fast"}, "provisioner": "example.com/disk"}
    cluster.create("storage.k8s.io/v1", "storageclasses", storage, namespace="")
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "fast",
    }
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    spec = {
        "replicas": 2,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    cluster.create("apps/v1", "statefulsets", {"metadata": {"name": "db"}, "spec": spec})
    assert cluster.pods() == {"db-0": True, "db-1": True}
    claims = cluster.cluster.store.list(("", "persistentvolumeclaims"), "shop")
    assert [item["status"]["phase"] for item in claims] == ["Bound", "Bound"]


def test_a_job_runs_to_its_end(tmp_path: Path) -> None:
    cluster = driven(tmp_path)
    pod = {"restartPolicy": "Never", "containers": [{"name": "once", "image": "once:1"}]}
    cluster.create("batch/v1", "jobs", {"metadata": {"name": "once"}, "spec": {"template": {"spec": pod}}})
    job = cluster.cluster.store.list(("batch", "jobs"), "shop")[0]
    assert job["status"]["succeeded"] == 1


def test_a_daemon_runs_on_every_node(tmp_path: Path) -> None:
    cluster = driven(tmp_path)
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "d", "image": "d:1"}]}}
    spec = {"selector": {"matchLabels": {"app": "d"}}, "template": template}
    cluster.create("apps/v1", "daemonsets", {"metadata": {"name": "d"}, "spec": spec})
    assert list(cluster.pods().values()) == [True]
