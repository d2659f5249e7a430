"""Tokens, TLS and RBAC: a service account can do what its roles say, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import urllib3
from kubernetes import client
from kubernetes.client.rest import ApiException

from sandbox import Sandbox
from tests.sandbox.conftest import NAMESPACE, client_of
from tests.sandbox.scenarios import base, write


def code_of(sandbox: Sandbox, token: str, verb: str) -> int:
    api = client_of(sandbox, token)
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    calls = {
        "list pods": lambda: core.list_namespaced_pod(NAMESPACE),
        "list pods everywhere": lambda: core.list_pod_for_all_namespaces(),
        "read logs": lambda: core.read_namespaced_pod_log("cart-abc-3", NAMESPACE),
        "delete pod": lambda: core.delete_namespaced_pod("cart-abc-3", NAMESPACE),
        "read secret": lambda: core.list_namespaced_secret(NAMESPACE),
        "scale cart": lambda: apps.patch_namespaced_deployment_scale("cart", NAMESPACE, {"spec": {"replicas": 1}}),
        "patch cart": lambda: apps.patch_namespaced_deployment("cart", NAMESPACE, {"spec": {"replicas": 1}}),
    }
    try:
        calls[verb]()
    except ApiException as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("list pods", 200),
        ("read logs", 200),
        ("scale cart", 200),
        ("list pods everywhere", 403),
        ("delete pod", 403),
        ("read secret", 403),
        ("patch cart", 403),
    ],
)
def test_a_service_account_may_do_what_its_role_says(frozen: Sandbox, verb: str, code: int) -> None:
    assert code_of(frozen, frozen.token_for(NAMESPACE, "viewer"), verb) == code


def test_a_wrong_token_is_refused(frozen: Sandbox) -> None:
    assert code_of(frozen, "wrong", "list pods") == 401


def test_there_is_no_token_for_an_account_that_does_not_exist(frozen: Sandbox) -> None:
    with pytest.raises(LookupError, match="shop/nobody"):
        frozen.token_for(NAMESPACE, "nobody")


def test_nothing_is_served_without_a_token_but_documents(frozen: Sandbox) -> None:
    pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
    assert pool.request("GET", frozen.url + "/api/v1/pods").status == 403
    assert pool.request("GET", frozen.url + "/version").status == 200


def test_the_certificate_is_verified_by_the_kubeconfig_alone(frozen: Sandbox) -> None:
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib3.PoolManager(retries=False).request("GET", frozen.url + "/version", retries=urllib3.Retry(0))
    assert client.VersionApi(client_of(frozen)).get_code().git_version


def test_the_kubeconfig_is_private_and_names_the_cluster(frozen: Sandbox) -> None:
    assert stat.S_IMODE(frozen.kubeconfig.stat().st_mode) == 0o600
    assert f"current-context: {frozen.scenario.cluster_name}" in frozen.kubeconfig.read_text()


async def test_a_sandbox_is_an_async_context_manager_too(frozen: Sandbox) -> None:
    async with Sandbox(frozen.cluster.folder.path) as other:
        assert other.url != frozen.url


def test_a_cluster_without_usage_serves_no_metrics_api(tmp_path: Path) -> None:
    with Sandbox(write(tmp_path, base()), frozen=True) as sandbox, pytest.raises(ApiException) as caught:
        client.CustomObjectsApi(client_of(sandbox)).list_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes")
    assert caught.value.status == 404
