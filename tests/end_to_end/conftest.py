"""One team of five processes on the demo incident, shared by the tests of a module's run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.runtime.settings import Settings, load_settings
from kubeteam import team
from kubeteam.target import embedded_cluster, temporary_store

ROOT = Path(__file__).parent.parent.parent
INCIDENT = ROOT / "sandbox/incidents/checkout-oom"
QUESTION = "Customers get errors when they check out. What is wrong and what changed?"


def kubeteam(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a person would."""
    command = [sys.executable, "-m", "kubeteam", *arguments]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KUBETEAM_")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=clean | (env or {}), cwd=ROOT, check=False
    )


@asynccontextmanager
async def team_on_the_incident(**overrides: Any) -> AsyncGenerator[tuple[team.RunningTeam, Settings]]:
    """Five processes on the embedded cluster with the demo incident."""
    base = load_settings(**overrides)
    with embedded_cluster(base, INCIDENT) as settings, temporary_store(settings) as temporary:
        free = team.on_free_ports(temporary)
        async with team.as_processes(free, free.store.folder / "logs") as running:
            yield running, free


@pytest.fixture(scope="session")
def running_team() -> Generator[tuple[team.RunningTeam, Settings]]:
    """The shared team. Tests that kill or stop a service start their own."""
    with asyncio.Runner() as runner:
        started = team_on_the_incident()
        yield runner.run(started.__aenter__())
        runner.run(started.__aexit__(None, None, None))
