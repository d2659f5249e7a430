"""The embedded cluster with the team's base installed on it, by kubectl."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox import Sandbox
from tests.manifests.built import text_of

INCIDENT = Path(__file__).parents[2] / "sandbox" / "incidents" / "checkout-oom"


def kubectl(sandbox: Sandbox, *arguments: str, stdin: str = "") -> str:
    """What kubectl prints as the cluster's administrator; it must succeed."""
    environment = {"KUBECONFIG": str(sandbox.kubeconfig), "HOME": str(sandbox.directory), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [str(shutil.which("kubectl")), *arguments],
        env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kubeconfig_of(sandbox: Sandbox, account: str, folder: Path, namespace: str = "kubeteam") -> Path:
    """A kubeconfig with a token of a service account, and nothing else."""
    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": sandbox.token_for(namespace, account)}
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def installed() -> Iterator[Sandbox]:
    """The demo incident, with the whole base applied to it; no controller moves anything."""
    with Sandbox(INCIDENT, frozen=True) as sandbox:
        kubectl(sandbox, "apply", "-f", "-", stdin=text_of("base"))
        yield sandbox


@pytest.fixture
def living() -> Iterator[Sandbox]:
    """The same, with controllers."""
    with Sandbox(INCIDENT) as sandbox:
        kubectl(sandbox, "apply", "-f", "-", stdin=text_of("base"))
        yield sandbox
