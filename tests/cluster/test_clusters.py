"""Which cluster is meant is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.cluster.clusters import Clusters
from agents.cluster.errors import AmbiguousCluster, NoCluster, UnknownCluster
from agents.runtime.settings import KubernetesSettings
from tests.cluster.fake_api import FakeApi, serving


async def test_the_only_cluster_needs_no_name(tmp_path: Path) -> None:
    async with serving(FakeApi(), tmp_path, ("prod",)) as clusters:
        assert (await clusters.get()).id == "prod"
        assert await clusters.get("prod") is await clusters.get()


async def test_several_clusters_must_be_told_apart(tmp_path: Path) -> None:
    async with serving(FakeApi(), tmp_path, ("prod", "test")) as clusters:
        with pytest.raises(AmbiguousCluster, match="prod, test"):
            await clusters.get()
        with pytest.raises(UnknownCluster, match=r"'dev'.*prod, test"):
            await clusters.get("dev")
        assert (await clusters.get("test")).id == "test"


@pytest.mark.parametrize("content", ["", "[]", "contexts: 5", "{", "apiVersion: v1"])
def test_a_broken_kubeconfig_is_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken"
    path.write_text(content)
    with pytest.raises(NoCluster, match="broken"):
        Clusters(KubernetesSettings(kubeconfig=path)).default()


def test_a_missing_kubeconfig_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="nowhere"):
        Clusters(KubernetesSettings(kubeconfig=tmp_path / "nowhere")).ids()


def test_without_anything_there_is_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    clusters = Clusters(KubernetesSettings())
    with pytest.raises(NoCluster, match="no cluster is configured"):
        clusters.ids()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert clusters.ids() == ["in-cluster"]
