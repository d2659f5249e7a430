"""A small cluster in trouble, with an audit log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from agents.auditor.tools import build_tools
from agents.runtime.settings import Settings
from tests.cluster.fake_api import FakeApi, serving

NOW = datetime.now(UTC)
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "billing", "namespace": "web"},
    "spec": {"selector": {"app": "billing"}, "ports": [{"name": "http", "port": 7443, "targetPort": 9000}]},
}


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def audited(minutes: float, verb: str, resource: str, name: str, user: str = "ann@example.com", **more: Any) -> str:
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"{minutes}-{verb}-{name}",
        "stage": "ResponseComplete",
        "verb": verb,
        "requestURI": f"/{resource}/{name}",
        "user": {"username": user},
        "objectRef": {"resource": resource, "namespace": "web", "name": name},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": ago(minutes),
        **more,
    }
    return json.dumps(event)


def warning(pod: str, reason: str, message: str, count: int = 30, minutes: float = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{pod}.{reason}", "namespace": "web"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": count,
        "lastTimestamp": ago(minutes),
        "involvedObject": {"kind": "Pod", "name": pod, "namespace": "web"},
    }


def pod(name: str, replica_set: str) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": replica_set, "controller": True}
    labels = {"pod-template-hash": replica_set.rpartition("-")[2]}
    return {
        "metadata": {"name": name, "namespace": "web", "ownerReferences": [owner], "labels": labels},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"containerStatuses": [{"name": "app", "ready": False, "restartCount": 7}]},
    }


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    pods = pod("ledger-5d4f8b7c9d-x2x7k", "ledger-5d4f8b7c9d"), pod("ledger-5d4f8b7c9d-zb2cd", "ledger-5d4f8b7c9d")
    for place in ("", "/namespaces/web"):
        api.objects(f"/api/v1{place}/events", warning(pods[0]["metadata"]["name"], "BackOff", "Back-off restarting"))
        api.objects(f"/api/v1{place}/pods", *pods)
        api.objects(f"/apis/apps/v1{place}/replicasets")
        api.objects(f"/apis/batch/v1{place}/jobs")
    for found in pods:
        text = "\n".join([f"{ago(i)} tick {i}" for i in range(300)] + ["password=Sw0rdf1sh-9931", "FATAL: no license"])
        api.answers[f"GET /api/v1/namespaces/web/pods/{found['metadata']['name']}/log"] = (200, text + "\n")
        api.answers[f"GET /api/v1/namespaces/web/pods/{found['metadata']['name']}"] = (200, found)
    return api


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "ledger:2"}]}}}}
    path = tmp_path / "audit.jsonl"
    lines = [
        audited(3000, "create", "services", "billing", requestObject=SERVICE),
        audited(90, "patch", "deployments", "ledger", requestObject=patch, user="bob@example.com"),
        audited(50, "delete", "services", "billing"),
        audited(40, "create", "pods", "x", user="system:serviceaccount:kube-system:replicaset-controller"),
        audited(
            20, "patch", "configmaps", "colors", requestObject={"data": {"color": "blue", "apiToken": "Sw0rdf1sh-9931"}}
        ),
        audited(10, "get", "secrets", "db", user="eve@example.com"),
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
async def server(api: FakeApi, audit_log: Path, tmp_path: Path) -> AsyncIterator[MCPServer[Any]]:
    async with serving(api, tmp_path):
        settings = Settings.model_validate(
            {"kubernetes": {"kubeconfig": tmp_path / "kubeconfig"}, "audit": {"path": audit_log}}
        )
        tools = build_tools(settings)
        async with tools.settings.lifespan(tools):  # type: ignore[misc]
            yield tools
