"""What operators do with kubectl, done with kubectl, while the simulated controllers run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Sandbox

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed; see kubernetes.io")
Kubectl = Callable[..., str]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "web:1"}]}}
"""
MISSPELT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: bad, namespace: shop}
dataa: {x: "1"}
"""


@pytest.fixture
def kubectl(live: Sandbox, tmp_path: Path) -> Kubectl:
    def run(*arguments: str, code: int = 0, stdin: str = "") -> str:
        environment = {"KUBECONFIG": str(live.kubeconfig), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [str(shutil.which("kubectl")), "-n", "shop", *arguments],
            env=environment, input=stdin, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("version", "Server Version: v1.34.1"),
        ("api-resources", "customresourcedefinitions"),
        ("api-versions", "apps/v1"),
        ("get pods", "CrashLoopBackOff"),
        ("get pods -o wide", "NODE"),
        ("get pods -o json", '"kind": "List"'),
        ("get deploy,svc,endpointslices,ev -A", "deployment.apps/cart"),
        ("get nodes", "ROLES"),
        ("get pods -l app=cart", "cart-abc-2"),
        ("get pods --field-selector spec.nodeName=n1", "cart-abc-1"),
        ("describe pod cart-abc-3", "Back-off restarting failed container"),
        ("describe deploy cart", "Replicas:"),
        ("describe node n1", "Allocatable:"),
        ("events --for pod/cart-abc-3", "BackOff"),
        ("logs cart-abc-3 --tail=5", "listening"),
        ("logs cart-abc-3 --previous", "listening"),
        ("explain deployment.spec.replicas", "DESCRIPTION"),
        ("top pods", "127Mi"),
        ("top nodes", "410m"),
        ("cordon n1", "cordoned"),
        ("label pod cart-abc-1 x=y", "labeled"),
        ("annotate deploy cart note=hi", "annotated"),
        ("auth can-i delete pods", "yes"),
        ("auth can-i --list", "Resources"),
        ("auth can-i get pods --as system:serviceaccount:shop:viewer", "yes"),
        ("create configmap cmx --from-literal=a=b", "created"),
        ("exec cart-abc-1 -- echo hi", "hi"),
        ("set image deploy/cart app=shop:1.5", "image updated"),
        ("expose deploy cart --port 81 --name cart-too", "exposed"),
        ("run once --image busybox", "created"),
    ],
)
def test_a_command_works(kubectl: Kubectl, command: str, expected: str) -> None:
    assert expected in kubectl(*command.split())


def test_apply_creates_changes_and_leaves_alone(kubectl: Kubectl) -> None:
    changed = DEPLOYMENT.replace("web:1", "web:2")
    assert "created" in kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "configured" in kubectl("apply", "-f", "-", stdin=changed)
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=changed)
    assert "web:1" in kubectl("diff", "-f", "-", stdin=DEPLOYMENT, code=1)
    assert "configured" in kubectl("apply", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT)
    applied = kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=DEPLOYMENT)
    assert "serverside-applied" in applied


def test_a_misspelt_field_is_refused_by_name(kubectl: Kubectl) -> None:
    assert 'unknown field "dataa"' in kubectl("apply", "-f", "-", stdin=MISSPELT, code=1)


def test_a_rollout_finishes_and_can_be_undone(kubectl: Kubectl) -> None:
    kubectl("set", "resources", "deploy/cart", "--limits=memory=256Mi")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/cart", "--timeout=10s")
    kubectl("set", "image", "deploy/cart", "app=shop:1.5")
    kubectl("rollout", "restart", "deploy/cart")
    kubectl("rollout", "status", "deploy/cart", "--timeout=10s")
    assert kubectl("rollout", "history", "deploy/cart").count("<none>") >= 3
    assert "rolled back" in kubectl("rollout", "undo", "deploy/cart", "--to-revision=2")
    kubectl("rollout", "status", "deploy/cart", "--timeout=10s")
    assert kubectl("get", "deploy", "cart", "-o", "jsonpath={.spec.template.spec.containers[0].image}") == "shop:1.4"
    assert "condition met" in kubectl("wait", "--for=condition=Available", "deploy/cart", "--timeout=5s")


def test_a_scaled_deployment_gets_its_pods(kubectl: Kubectl) -> None:
    kubectl("set", "resources", "deploy/cart", "--limits=memory=256Mi")
    kubectl("scale", "deploy/cart", "--replicas=4")
    kubectl("rollout", "status", "deploy/cart", "--timeout=10s")
    assert kubectl("get", "deploy", "cart", "-o", "jsonpath={.status.readyReplicas}") == "4"


def test_a_deleted_pod_is_replaced(kubectl: Kubectl) -> None:
    assert "deleted" in kubectl("delete", "pod", "cart-abc-1", "--wait=true", "--timeout=6s")
    kubectl("wait", "--for=jsonpath={.status.replicas}=3", "rs/cart-abc", "--timeout=5s")
    assert "cart-abc-1 " not in kubectl("get", "pods")


def test_a_drained_node_is_empty_and_can_be_used_again(kubectl: Kubectl) -> None:
    drained = kubectl("drain", "n2", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=10s")
    assert "drained" in drained
    assert "No resources" in kubectl("get", "pods", "--field-selector", "spec.nodeName=n2")
    assert "uncordoned" in kubectl("uncordon", "n2")
