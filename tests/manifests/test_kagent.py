"""The Agents are what kagent 0.10 expects of agents that bring their own image."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.executor.agent import DEFINITION
from agents.runtime.settings import Settings, StoreSettings
from tests.manifests.built import SERVICES, SPECIALISTS, Object, needs_kubectl, objects_of, of_kind

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]
INJECTED = ("KAGENT_NAME", "KAGENT_NAMESPACE", "KAGENT_URL")


def agents(folder: str = "kagent") -> dict[str, Object]:
    return of_kind(objects_of(folder), "Agent")


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_an_agent_with_its_own_account(name: str) -> None:
    agent = agents()[name]
    made = agent["spec"]["byo"]["deployment"]
    assert agent["spec"]["type"] == "BYO" and agent["spec"]["description"]
    assert made["args"] == ["serve", name] and "cmd" not in made  # the image's entrypoint is the command
    assert made["serviceAccountName"] == name in of_kind(objects_of("kagent"), "ServiceAccount")
    assert made["labels"]["app.kubernetes.io/name"] == name


@pytest.mark.parametrize("name", SERVICES)
def test_agents_speak_as_kagent_reads_and_leave_its_variables_alone(name: str) -> None:
    env = {entry["name"]: entry.get("value") for entry in agents()[name]["spec"]["byo"]["deployment"]["env"]}
    assert env["KUBETEAM_SERVER__CARD_DIALECT"] == "0.3"
    assert not set(env) & set(INJECTED)


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_keep_clear_of_those_that_kagent_makes(name: str) -> None:
    made = agents()[name]["spec"]["byo"]["deployment"]
    paths = {mount["mountPath"] for mount in made["volumeMounts"]}
    assert not paths & {"/config", "/var/run/secrets/tokens"}
    assert {mount["name"] for mount in made["volumeMounts"]} == {volume["name"] for volume in made["volumes"]}


def test_the_settings_are_mounted_by_the_name_that_kustomize_gave_them() -> None:
    (settings,) = (name for name in of_kind(objects_of("kagent"), "ConfigMap") if name.startswith("team-"))
    for name in SERVICES:
        volumes = agents()[name]["spec"]["byo"]["deployment"]["volumes"]
        assert {v["configMap"]["name"] for v in volumes if "configMap" in v} == {settings}


def test_kagent_makes_the_workloads_so_ours_are_gone() -> None:
    assert not {"Deployment", "Service", "HorizontalPodAutoscaler"} & {obj["kind"] for obj in objects_of("kagent")}


def test_production_has_replicas_and_their_database() -> None:
    for name in SERVICES:
        made = agents("overlays/production")[name]["spec"]["byo"]["deployment"]
        assert made["replicas"] >= 2
        (store,) = [entry for entry in made["env"] if entry["name"] == "KUBETEAM_STORE__URL"]
        assert store["valueFrom"] == {"secretKeyRef": {"name": "store", "key": "url"}}


def test_the_declarative_planner_uses_the_specialists_and_asks_before_it_changes() -> None:
    tools = agents()["declarative-planner"]["spec"]["declarative"]["tools"]
    assert {tool["agent"]["name"] for tool in tools if tool["type"] == "Agent"} == set(SPECIALISTS) - {"executor"}
    (writing,) = [tool["mcpServer"] for tool in tools if tool["type"] == "McpServer"]
    assert set(writing["requireApproval"]) <= set(writing["toolNames"])
    assert writing["name"] in of_kind(objects_of("kagent"), "RemoteMCPServer")


async def test_every_write_of_the_executor_needs_a_yes_in_kagent_too(tmp_path: Path) -> None:
    tools = await DEFINITION.tools(Settings(store=StoreSettings(folder=tmp_path))).list_tools()
    writes = {tool.name for tool in tools if not (tool.annotations and tool.annotations.read_only_hint)}
    (server,) = [
        tool["mcpServer"]
        for tool in agents()["declarative-planner"]["spec"]["declarative"]["tools"]
        if tool["type"] == "McpServer"
    ]
    assert set(server["requireApproval"]) == writes
    assert set(server["toolNames"]) <= {tool.name for tool in tools}


@pytest.mark.parametrize("name", SPECIALISTS)
def test_each_specialists_tools_are_registered(name: str) -> None:
    server = of_kind(objects_of("kagent"), "RemoteMCPServer")[f"kubeteam-{name}"]
    assert server["spec"]["url"] == f"http://{name}.kubeteam:8080/mcp"
    assert server["spec"]["protocol"] == "STREAMABLE_HTTP"


def test_ack_mcp_server_speaks_sse() -> None:
    assert of_kind(objects_of("kagent"), "RemoteMCPServer")["ack-mcp-server"]["spec"]["protocol"] == "SSE"
