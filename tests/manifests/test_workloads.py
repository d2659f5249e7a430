"""What every pod of the team promises: no privileges, known sizes, probes, and a home that can be drained."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from agents.runtime.settings import Settings
from tests.manifests.built import MANIFESTS, SERVICES, Object, needs_kubectl, objects_of, of_kind

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]


def deployments(folder: str = "base") -> dict[str, Object]:
    return of_kind(objects_of(folder), "Deployment")


def pods(folder: str) -> list[tuple[str, Object, Object]]:
    """Name, pod settings and container settings of every workload: Deployments, and Agents that kagent runs."""
    found = [
        (name, made["spec"]["template"]["spec"], box)
        for name, made in deployments(folder).items()
        for box in made["spec"]["template"]["spec"]["containers"]
    ]
    for name, agent in of_kind(objects_of(folder), "Agent").items():
        if agent["spec"]["type"] == "BYO":
            made = agent["spec"]["byo"]["deployment"]
            found.append((name, {**made, "securityContext": made["podSecurityContext"]}, made))
    return found


FOLDERS = ("base", "kagent", "overlays/local", "overlays/production", "overlays/ack")


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_container_has_privileges(folder: str) -> None:
    found = pods(folder)
    assert {name for name, _, _ in found} == set(SERVICES)
    for name, pod, box in found:
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] >= 1000, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert box["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


@pytest.mark.parametrize("folder", FOLDERS)
def test_sizes_are_known_and_no_tag_floats(folder: str) -> None:
    for name, _, box in pods(folder):
        assert box["resources"]["requests"].keys() >= {"cpu", "memory"}, name
        assert "memory" in box["resources"]["limits"], name
        assert box["image"].partition(":")[2] not in ("", "latest"), name


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_planner_and_executor_have_the_key_of_approvals(folder: str) -> None:
    for name, pod, box in pods(folder):
        secret = any((volume.get("secret") or {}).get("secretName") == "approvals" for volume in pod["volumes"])
        variable = any(entry["name"] == "KUBETEAM_APPROVALS__KEY_FILE" for entry in box["env"])
        assert secret == variable == (name in ("planner", "executor")), name
        for volume in pod["volumes"]:
            assert (volume.get("secret") or {}).get("defaultMode", 0) & 0o007 == 0, "others must not read the key"


def test_every_container_tells_how_it_is() -> None:
    for name, _, box in pods("base"):
        assert [box[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")] == [
            "/healthz",
            "/healthz",
            "/readyz",
        ], name


def test_pods_spread_over_nodes() -> None:
    for name, made in deployments().items():
        (spread,) = made["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname", name
        assert spread["labelSelector"]["matchLabels"].items() <= made["spec"]["template"]["metadata"]["labels"].items()


def test_budgets_select_their_deployment_and_let_nodes_be_drained() -> None:
    budgets = of_kind(objects_of("base"), "PodDisruptionBudget")
    assert set(budgets) == set(SERVICES)
    for name, budget in budgets.items():
        labels = deployments()[name]["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert budget["spec"]["maxUnavailable"] == 1


def test_autoscalers_have_a_deployment_and_leave_single_stores_alone() -> None:
    scalers = of_kind(objects_of("base"), "HorizontalPodAutoscaler")
    assert set(scalers) == set(SERVICES)
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments()
        assert scaler["spec"]["maxReplicas"] == (1 if name in ("planner", "executor") else 3)
        assert "replicas" not in deployments()[name]["spec"], "a fixed number would fight the autoscaler"


def test_services_select_their_pods() -> None:
    for name, service in of_kind(objects_of("base"), "Service").items():
        labels = deployments()[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert service["spec"]["ports"][0]["port"] == 8080


@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("team.yaml")), ids=lambda path: path.parent.name)
def test_the_settings_are_settings(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBETEAM_CONFIG", str(path))
    settings = Settings()
    assert yaml.safe_load(path.read_text())["server"]["host"] == "0.0.0.0"
    for name in SERVICES:
        assert settings.port(name) == 8080 and settings.url(name) == f"http://{name}:8080"
