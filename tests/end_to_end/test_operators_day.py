"""The questions of an operator's day, in both languages, asked of one team on one cluster."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeteam.planner_client import PlannerClient
from tests.end_to_end.conftest import INCIDENT, team_on_the_incident

pytestmark = pytest.mark.xdist_group("operators_day")

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "loyalty", "namespace": "shop"},
    "spec": {"ports": [{"port": 8443, "targetPort": 8080, "protocol": "TCP"}], "selector": {"app": "loyalty"}},
}
DELETED = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "11111111-2222-3333-4444-555555555555",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/services/loyalty",
    "verb": "delete",
    "user": {"username": "dana@example.com"},
    "objectRef": {"resource": "services", "namespace": "shop", "name": "loyalty", "apiVersion": "v1"},
    "responseStatus": {"code": 200},
    "responseObject": SERVICE,
    "requestReceivedTimestamp": "2026-11-20T09:40:00.000000Z",
    "stageTimestamp": "2026-11-20T09:40:00.010000Z",
}
"""Somebody deleted a Service that nobody misses yet."""


def morning(folder: Path) -> Path:
    """The demo incident, with a node that somebody cordoned and forgot, and a deleted Service."""
    shutil.copytree(INCIDENT, folder)
    objects = list(yaml.safe_load_all((folder / "objects.yaml").read_text()))
    node = next(o for o in objects if o["kind"] == "Node" and o["metadata"]["name"] == "node-2")
    node["spec"]["unschedulable"] = True
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    with (folder / "audit.jsonl").open("a") as log:
        log.write(json.dumps(DELETED) + "\n")
    return folder


OOM_FIX = "set_resources shop/Deployment/checkout"
DAY: list[tuple[tuple[str, str], tuple[str, ...], tuple[str, ...]]] = [
    (("What is broken? Fix it.", "现在什么坏了？修好它。"), ("shop/Deployment/checkout", "128Mi"), (OOM_FIX,)),
    (
        ("Which applications used the most CPU in the last five minutes?", "最近五分钟哪些应用占用 CPU 最多？"),
        ("shop/Deployment/catalog", "metrics.k8s.io", "█"),
        (),
    ),
    (("Is the cluster healthy?", "集群健康吗？"), ("shop/Deployment/checkout", "oom_killed"), ()),
    (
        ("Are the nodes all right? Repair what is not.", "节点都正常吗？不正常的请修复。"),
        ("Node/node-2", "cordoned"),
        ("uncordon_node Node/node-2",),
    ),
    (("Which port did the deleted service have?", "被删除的那个 service 用的是什么端口？"), ("8443", "dana"), ()),
    (
        ("Is the sizing of the catalog application right?", "catalog 这个应用的资源规格合适吗？"),
        ("shop/Deployment/catalog", "512Mi", "618Mi"),
        (),
    ),
]
"""Each question in English and Chinese, what its answer has to say, and what it has to offer."""


async def asked(client: PlannerClient, question: str) -> tuple[str, set[str]]:
    """The answer, and the Actions that wait for approval, as `kind resource`."""
    request = await client.ask(question)
    async for event in client.events(request):
        if event.type == "input_required":
            break
    shown = await client.show(request)
    waiting: dict[str, Any] = shown["input_required"] or {}
    return shown["answer"], {f"{action['kind']} {action['resource']}" for action in waiting.get("actions", [])}


async def test_the_questions_of_an_operators_day_are_answered_in_both_languages(tmp_path: Path) -> None:
    async with (
        team_on_the_incident(morning(tmp_path / "cluster")) as (_, settings),
        PlannerClient(settings.url("planner"), "ann") as client,
    ):
        for questions, said, offered in DAY:
            for question in questions:
                answer, actions = await asked(client, question)
                assert [word for word in said if word not in answer] == [], f"{question}\n{answer}"
                assert (set(offered) <= actions) if offered else not actions, question
                assert any("\u4e00" <= letter <= "\u9fff" for letter in answer) == (question == questions[1]), answer
