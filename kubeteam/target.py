"""What a team works on: a kubeconfig, or the embedded cluster with a scenario."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agents.runtime.settings import Settings
from kubeteam.exits import USAGE, Complaint


@contextmanager
def settings_for(settings: Settings, *, sandbox: Path | None, kubeconfig: Path | None) -> Generator[Settings]:
    """The settings, pointed at the target; the embedded cluster lives as long as the context.

    Raises Complaint (usage) when both are given, a path is not there, or the scenario is broken.
    """
    if sandbox and kubeconfig:
        raise Complaint("give --sandbox or --kubeconfig, not both", USAGE)
    if kubeconfig:
        if not kubeconfig.is_file():
            raise Complaint(f"--kubeconfig: no such file: {kubeconfig}", USAGE)
        yield _with_cluster(settings, kubeconfig, None)
    elif sandbox:
        with embedded_cluster(settings, sandbox) as pointed:
            yield pointed
    else:
        yield settings


@contextmanager
def embedded_cluster(settings: Settings, folder: Path, frozen: bool = False) -> Generator[Settings]:
    """Serves a scenario folder and yields settings that point at it."""
    from sandbox import Sandbox, ScenarioError

    cluster = Sandbox(folder, frozen=frozen)
    try:
        cluster.start()
    except ScenarioError as error:
        raise Complaint(str(error), USAGE) from error
    try:
        yield _with_logs(_with_cluster(settings, cluster.kubeconfig, cluster.audit_log), cluster.controlplane)
    finally:
        cluster.stop()


@contextmanager
def temporary_store(settings: Settings) -> Generator[Settings]:
    """The settings with a store that is gone afterwards, for a team that lives for one question."""
    with tempfile.TemporaryDirectory(prefix="kubeteam-") as folder:
        store = settings.store.model_copy(update={"folder": Path(folder), "url": None})
        yield settings.model_copy(update={"store": store})


def _with_logs(settings: Settings, controlplane: Path | None) -> Settings:
    """The scenario's control plane logs, which its pods may not serve: a managed control plane has none."""
    if controlplane is None:
        return settings
    source = settings.controlplane.model_copy(update={"path": controlplane})
    return settings.model_copy(update={"controlplane": source})


def _with_cluster(settings: Settings, kubeconfig: Path, audit_log: Path | None) -> Settings:
    kubernetes = settings.kubernetes.model_copy(update={"kubeconfig": kubeconfig})
    nowhere = {"loki": None, "webhook": None}
    audit = settings.audit.model_copy(update={"path": audit_log, **nowhere}) if audit_log else settings.audit
    return settings.model_copy(update={"kubernetes": kubernetes, "audit": audit})
