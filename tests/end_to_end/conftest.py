"""One team of five processes on the demo incident, shared by the tests of a module's run."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
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
async def team_on_the_incident(
    folder: Path = INCIDENT, **overrides: Any
) -> AsyncGenerator[tuple[team.RunningTeam, Settings]]:
    """Five processes on the embedded cluster with the demo incident, or another one."""
    base = load_settings(**overrides)
    with embedded_cluster(base, folder) as settings, temporary_store(settings) as temporary:
        free = team.on_free_ports(temporary)
        async with team.as_processes(free, free.store.folder / "logs") as running:
            yield running, free


@asynccontextmanager
async def started_again(name: str, settings: Settings) -> AsyncGenerator[None]:
    """A service that was killed, as its supervisor would bring it back: same port, same store."""
    process = multiprocessing.get_context("forkserver").Process(target=team.serve_service, args=(name, settings))
    process.start()
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(300):
                with suppress(httpx.TransportError):
                    if (await http.get(f"{settings.url(name)}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError(f"{name} did not come back")
        yield
    finally:
        process.terminate()
        process.join(10)


@pytest.fixture(scope="session")
def running_team() -> Generator[tuple[team.RunningTeam, Settings]]:
    """The shared team. Tests that kill or stop a service start their own."""
    with asyncio.Runner() as runner:
        started = team_on_the_incident()
        yield runner.run(started.__aenter__())
        runner.run(started.__aexit__(None, None, None))
