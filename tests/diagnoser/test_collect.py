"""Reading clusters and folders into Snapshots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.cluster.errors import ClusterError, Forbidden, NotFound, Unavailable
from agents.cluster.kinds import BUILT_IN, Kind
from agents.cluster.secrets import SecretShape
from agents.cluster.usage import Usage
from agents.diagnoser.collect import collect
from agents.diagnoser.engine import diagnose
from agents.diagnoser.folder import FolderError, FolderReader
from agents.diagnoser.snapshot import LogKey
from tests.diagnoser.cluster import NOW, crashed, deployment, node, obj, pod


class FakeCluster:
    """A cluster in memory; `broken` maps a kind to the error that listing it raises."""

    id = "fake"

    def __init__(self, objects: list[dict[str, Any]], broken: dict[str, ClusterError] | None = None) -> None:
        self.objects, self.broken = objects, broken or {}
        self.lists: list[str] = []
        self.read_logs: list[str] = []

    async def list(self, kind: Any, *_: Any, **__: Any) -> list[dict[str, Any]]:
        self.lists.append(kind.name)
        if kind.name in self.broken:
            raise self.broken[kind.name]
        return [o for o in self.objects if o["kind"] == kind.name]

    async def get(self, kind: Any, name: str, namespace: str | None = None) -> dict[str, Any]:
        raise NotFound(name, status=404)

    async def logs(self, namespace: str, pod: str, container: str | None = None, **_: Any) -> str:
        self.read_logs.append(pod)
        return "KeyError: 'API_TOKEN'"

    async def usage(self) -> Usage:
        raise Unavailable("fake", "no metrics")

    async def version(self) -> dict[str, Any]:
        return {}

    async def custom_kinds(self) -> list[Kind]:
        return []

    async def secret_shape(self, namespace: str, name: str) -> SecretShape:
        raise NotFound(name, status=404)


def broken_web() -> list[dict[str, Any]]:
    web = deployment()
    return [*web, pod(web, crashed()), node()]


async def test_every_kind_is_listed_once_and_only_suspects_logs_are_needed():
    cluster = FakeCluster(broken_web())
    snapshot = await collect(cluster, now=NOW)
    assert len(cluster.lists) == len(set(cluster.lists))
    assert set(cluster.read_logs) == {"web-1-a"}
    assert [c.fault for c in diagnose(snapshot).root_causes] == ["crash_missing_env"]


async def test_a_kind_that_may_not_be_listed_is_named_and_the_rest_is_read():
    cluster = FakeCluster(broken_web(), {"Service": Forbidden("Service", "no"), "Node": Forbidden("Node", "no")})
    found = diagnose(await collect(cluster, now=NOW))
    assert [c.fault for c in found.root_causes] == ["crash_missing_env"]
    assert "Node, Service" in found.missing[0] and "forbidden" in found.missing[0]


async def test_a_cluster_that_goes_away_half_way_gives_a_partial_answer_that_says_so():
    cluster = FakeCluster(broken_web(), {"Event": Unavailable("fake", "connection lost")})
    found = diagnose(await collect(cluster, now=NOW))
    assert [c.fault for c in found.root_causes] == ["crash_missing_env"]
    assert "partial" in found.missing[0] and "connection lost" in found.missing[0]


async def test_a_cluster_that_never_answers_is_an_error():
    down = {kind.name: Unavailable("fake", "down") for kind in BUILT_IN}
    with pytest.raises(Unavailable):
        await collect(FakeCluster([], down), now=NOW)


async def test_a_scenario_folder_is_read_with_its_own_present(tmp_path: Path):
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(broken_web()))
    (tmp_path / "scenario.yaml").write_text("captured_at: 2030-01-02T12:00:00Z\ncluster: {name: x, version: v1.34.1}\n")
    (tmp_path / "usage.yaml").write_text("nodes: {node-1: {cpu: 500m, memory: 1Gi}}\npods: {}\n")
    log = tmp_path / "logs" / "shop" / "web-1-a" / "web.log"
    log.parent.mkdir(parents=True)
    log.write_text("KeyError: 'API_TOKEN'\n")
    reader = FolderReader(tmp_path)
    assert reader.now == NOW
    snapshot = await collect(reader, now=reader.now)
    assert snapshot.logs[LogKey("shop", "web-1-a", "web")] == "KeyError: 'API_TOKEN'"
    assert snapshot.usage is not None and snapshot.usage.nodes["node-1"].memory == 2**30
    assert [c.resource for c in diagnose(snapshot).root_causes] == ["shop/Deployment/web"]


@pytest.mark.parametrize("suffix", ["json", "yaml"])
async def test_a_cluster_info_dump_is_read_and_what_it_lacks_is_named(tmp_path: Path, suffix: str):
    shop = tmp_path / "shop"
    (shop / "web-1-a").mkdir(parents=True)
    write = json.dumps if suffix == "json" else yaml.safe_dump
    by_file = {"pods": "Pod", "deployments": "Deployment", "replicasets": "ReplicaSet"}
    for file, kind in by_file.items():
        members = [{k: v for k, v in o.items() if k != "kind"} for o in broken_web() if o["kind"] == kind]
        listed = {"kind": f"{kind}List", "apiVersion": "v1", "items": members}
        (shop / f"{file}.{suffix}").write_text(write(listed))
    (shop / "web-1-a" / "logs.txt").write_text(
        "==== START logs for container web of pod shop/web-1-a ====\nKeyError: 'API_TOKEN'\n"
        "==== END logs for container web of pod shop/web-1-a ====\n"
    )
    reader = FolderReader(tmp_path)
    found = diagnose(await collect(reader, now=NOW))
    assert [(c.resource, c.fault) for c in found.root_causes] == [("shop/Deployment/web", "crash_missing_env")]
    assert any("ConfigMap" in line for line in found.missing)


def test_a_folder_without_objects_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(FolderError, match=tmp_path.name):
        FolderReader(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path):
    (tmp_path / "objects.yaml").write_text("a: [")
    with pytest.raises(FolderError, match=r"objects\.yaml"):
        FolderReader(tmp_path)


async def test_secrets_are_never_part_of_a_snapshot(tmp_path: Path):
    secret = obj("Secret", "db", apiVersion="v1", data={"password": "c2VjcmV0"}, type="Opaque")
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all([secret, node()]))
    snapshot = await collect(FolderReader(tmp_path), now=NOW)
    assert "c2VjcmV0" not in str(snapshot.objects)
