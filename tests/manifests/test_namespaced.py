"""The variant for one namespace: rights there and nowhere else, and a team that works with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.diagnoser.tools import build_tools as diagnoser_tools
from agents.metrics.tools import build_tools as metrics_tools
from agents.runtime.settings import KubernetesSettings, Settings
from agents.runtime.tools import Tool, in_process_tools
from sandbox import Sandbox
from tests.manifests.built import SERVICES, SPECIALISTS, needs_kubectl, objects_of, of_kind, text_of
from tests.manifests.conftest import INCIDENT, kubeconfig_of, kubectl
from tests.manifests.rights import granted

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]
FOLDER = "overlays/namespaced"


def test_there_is_no_right_on_the_cluster() -> None:
    objects = objects_of(FOLDER)
    assert not of_kind(objects, "ClusterRole") and not of_kind(objects, "ClusterRoleBinding")
    bindings = of_kind(objects, "RoleBinding")
    assert {binding["roleRef"]["name"] for binding in bindings.values()} == set(of_kind(objects, "Role"))
    for obj in (*bindings.values(), *of_kind(objects, "Role").values()):
        assert obj["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize("name", SPECIALISTS)
def test_the_rights_are_a_part_of_those_of_the_base(name: str) -> None:
    assert set() < granted(objects_of(FOLDER), name) <= granted(objects_of("base"), name)


def test_every_service_knows_where_to_look() -> None:
    assert of_kind(objects_of(FOLDER), "ConfigMap")["watched"]["data"]["namespaces"] == '["shop"]'
    for name in SERVICES:
        (box,) = of_kind(objects_of(FOLDER), "Deployment")[name]["spec"]["template"]["spec"]["containers"]
        (entry,) = [entry for entry in box["env"] if entry["name"] == "KUBETEAM_KUBERNETES__NAMESPACES"]
        assert entry["valueFrom"]["configMapKeyRef"] == {"name": "watched", "key": "namespaces"}


def test_the_variable_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBETEAM_KUBERNETES__NAMESPACES", '["shop"]')
    assert Settings().kubernetes.namespaces == ["shop"]


async def test_the_incident_is_found_with_these_rights_alone(tmp_path: Path) -> None:
    with Sandbox(INCIDENT, frozen=True) as sandbox:
        kubectl(sandbox, "apply", "-f", "-", stdin=text_of(FOLDER))
        diagnoser = await tools_of(sandbox, "diagnoser", diagnoser_tools, tmp_path)
        found = await diagnoser["find_root_causes"].call({"question": "What is wrong in the shop?"})
        causes = [(cause["resource"], cause["fault"]) for cause in found["root_causes"]]
        assert causes == [("shop/Deployment/checkout", "oom_killed")]
        assert any("Node" in line and "forbidden" in line for line in found["missing"])
        metrics = await tools_of(sandbox, "metrics", metrics_tools, tmp_path)
        used = await metrics["top_resources"].call({"group_by": "pods"})
        assert used["problem"] is None
        assert {row["resource"].partition("/")[0] for row in used["consumers"]} == {"shop"}


async def tools_of(sandbox: Sandbox, account: str, build, folder: Path) -> dict[str, Tool]:
    kubernetes = KubernetesSettings(kubeconfig=kubeconfig_of(sandbox, account, folder), namespaces=["shop"])
    return {tool.info.name: tool for tool in await in_process_tools(build(Settings(kubernetes=kubernetes)))}
