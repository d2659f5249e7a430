"""Which source of audit events and of control plane logs a cluster has, by the settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from agents.auditor.audit_store import AuditStore
from agents.auditor.intake import webhooks_of
from agents.cluster.audit import AuditFiles, AuditSource
from agents.cluster.audit_loki import AuditLoki
from agents.cluster.loki import LokiClient
from agents.runtime.settings import LogSourceSettings, LokiSettings, Settings

NO_AUDIT = (
    "no audit log is configured for this cluster: set audit.path to an audit.k8s.io/v1 file or folder, audit.loki to a "
    "Loki that has it, or audit.webhook to receive it from the API server"
)


class Sources:
    """Opens each source once; `lifespan` closes them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = AuditStore(settings.store) if webhooks_of(settings.audit) else None
        self._lokis: dict[int, LokiClient] = {}

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Keeps the sources while anybody is inside."""
        async with AsyncExitStack() as stack:
            if self._store is not None:
                await stack.enter_async_context(self._store.lifespan())
            yield
            for loki in self._lokis.values():
                await loki.endpoint.close()

    def audit(self, cluster_id: str) -> AuditSource:
        """Where a cluster's audit events are. Raises ValueError when nobody was told."""
        settings = self._settings.audit
        found = settings.of(cluster_id)
        if found.path is not None:
            return AuditFiles(found.path)
        if found.loki is not None:
            return AuditLoki(self._loki(found.loki))
        if found.webhook is not None and self._store is not None:
            return self._store.at(cluster_id if cluster_id in settings.clusters else "")
        raise ValueError(NO_AUDIT)

    def control_plane(self, cluster_id: str) -> tuple[LogSourceSettings, LokiClient | None]:
        """Where a cluster's control plane logs are, beside the pods of kube-system."""
        found = self._settings.controlplane.of(cluster_id)
        return found, self._loki(found.loki) if found.loki else None

    def _loki(self, settings: LokiSettings) -> LokiClient:
        # By the settings' place and not by their URL: tenants of one server differ only in headers.
        return self._lokis.setdefault(id(settings), LokiClient(settings))
