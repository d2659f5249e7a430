"""A small cluster of its own for every test: a sandbox starts in a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from sandbox import Sandbox

FOLDER = Path(__file__).parent / "cluster"
NAMESPACE = "shop"


@pytest.fixture
def frozen() -> Iterator[Sandbox]:
    with Sandbox(FOLDER, frozen=True) as sandbox:
        yield sandbox


@pytest.fixture
def live() -> Iterator[Sandbox]:
    with Sandbox(FOLDER) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox, token: str | None = None) -> client.ApiClient:
    """A client that verifies the sandbox's certificate; with another token than the administrator's if given."""
    settings = client.Configuration()
    config.load_kube_config(str(sandbox.kubeconfig), client_configuration=settings)
    if token is not None:
        settings.api_key = dict.fromkeys(settings.api_key, f"Bearer {token}")
        settings.refresh_api_key_hook = None
    settings.retries = False
    return client.ApiClient(settings)


@pytest.fixture
def api(frozen: Sandbox) -> client.ApiClient:
    return client_of(frozen)
