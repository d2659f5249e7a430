"""The clusters that are configured: kubeconfig contexts, or the one we run in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from kubernetes.aio import config as kubeconfig
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from agents.cluster.cluster import Cluster
from agents.cluster.connection import Connection
from agents.cluster.errors import AmbiguousCluster, NoCluster, UnknownCluster
from agents.runtime.settings import KubernetesSettings

IN_CLUSTER = "in-cluster"
"""The id of the cluster whose pods we run in."""


class Clusters:
    """Opens each configured cluster once. Close it, or use `lifespan`, to close the connections."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._open: dict[str, Cluster] = {}
        self._opening = asyncio.Lock()
        self._users = 0

    def ids(self) -> list[str]:
        """The ids, in the kubeconfig's order. Raises NoCluster when nothing is configured."""
        path = self._kubeconfig()
        if path is None:
            if "KUBERNETES_SERVICE_HOST" in os.environ:
                return [IN_CLUSTER]
            raise NoCluster("no cluster is configured: there is no kubeconfig, and this process runs in no cluster")
        return contexts_of(path)

    def default(self) -> str:
        """The only cluster's id. Raises AmbiguousCluster when there are several."""
        ids = self.ids()
        if not ids:
            raise NoCluster(f"the kubeconfig {self._kubeconfig()} has no contexts")
        if len(ids) > 1:
            raise AmbiguousCluster(ids)
        return ids[0]

    async def get(self, cluster_id: str | None = None) -> Cluster:
        """The cluster of that id, or the only one. Raises AmbiguousCluster, UnknownCluster or NoCluster."""
        name = cluster_id or self.default()
        async with self._opening:
            if name not in self._open:
                self._open[name] = await self._connect(name)
            return self._open[name]

    async def close(self) -> None:
        """Closes every open cluster's connections; they open anew when used again."""
        await asyncio.gather(*(cluster.close() for cluster in self._open.values()))

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Keeps connections while anybody is inside: an MCP server enters it once for each transport it serves."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self.close()

    async def _connect(self, name: str) -> Cluster:
        ids = self.ids()
        if name not in ids:
            raise UnknownCluster(name, ids)
        configuration = Configuration()
        path = self._kubeconfig()
        try:
            if path is None:
                kubeconfig.load_incluster_config(client_configuration=configuration)
            else:
                loader = await kubeconfig.load_kube_config(
                    config_file=path, context=name, client_configuration=configuration, persist_config=False
                )
                _renew_exec_credentials(configuration, loader)
        except (kubeconfig.ConfigException, OSError, ValueError) as error:
            raise NoCluster(f"cluster {name!r} cannot be used: {error}") from error
        connection = Connection(name, configuration, self._settings.request_timeout_seconds)
        return Cluster(name, connection, self._settings.page_size, self._settings.namespaces)

    def _kubeconfig(self) -> str | None:
        """The path (several, joined as in $KUBECONFIG, are merged), or None to use the in-cluster configuration."""
        if self._settings.kubeconfig is not None:
            path = self._settings.kubeconfig.expanduser()
            if not path.is_file():
                raise NoCluster(f"there is no kubeconfig at {path} (kubernetes.kubeconfig)")
            return str(path)
        if named := os.environ.get("KUBECONFIG"):
            return named
        usual = Path.home() / ".kube" / "config"
        return str(usual) if usual.is_file() else None


def contexts_of(path: str) -> list[str]:
    """The names of a kubeconfig's contexts. Raises NoCluster when the file cannot be used.

    The client's own function refuses a file without a current context, which needs none when contexts are named.
    """
    try:
        merged = KubeConfigMerger(path).config
        return [] if merged is None else [str(context["name"]) for context in merged["contexts"].value]
    except (kubeconfig.ConfigException, yaml.YAMLError, KeyError, TypeError, AttributeError, OSError) as error:
        raise NoCluster(f"the kubeconfig {path} cannot be used: {error}") from error


def _renew_exec_credentials(configuration: Configuration, loader: KubeConfigLoader) -> None:
    """Credentials from an exec plugin expire; ask the plugin again when they have."""

    async def renew(current: Configuration) -> None:
        await loader.load_from_exec_plugin()  # returns at once while the credentials are valid
        current.api_key["BearerToken"] = loader.token

    if hasattr(loader, "exec_plugin_expiry") and hasattr(loader, "token"):
        configuration.refresh_api_key_hook = renew  # pyright: ignore[reportAttributeAccessIssue]  # untyped: None
