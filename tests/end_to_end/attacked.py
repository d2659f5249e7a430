"""A team of processes that can be killed, paused and started again: every service twice, members behind one address."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from agents.runtime.settings import AgentSettings, Settings, load_settings
from kubeteam import team
from kubeteam.target import embedded_cluster
from tests.end_to_end.conftest import INCIDENT
from tests.end_to_end.front import front

MEMBERS = ("diagnoser", "executor")


@dataclass
class Service:
    """One process of the team, and how to start it again."""

    name: str
    settings: Settings
    log: Path
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port(self.name)}"

    def start(self) -> None:
        nursery = multiprocessing.get_context("forkserver")
        nursery.set_forkserver_preload(team.PRELOAD)
        self.process = nursery.Process(target=_serve, args=(self.name, self.settings, self.log), daemon=True)
        self.process.start()

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.send(number)
        if self.process is not None:
            await asyncio.to_thread(self.process.join, 20)

    async def ready(self) -> None:
        async with httpx.AsyncClient(timeout=2) as http, asyncio.timeout(60):
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get(f"{self.url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)


def _serve(name: str, settings: Settings, log: Path) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    team.serve_service(name, settings)


@dataclass
class Attacked:
    """The team, what its planners are configured with, and where the cluster is."""

    services: list[Service]
    settings: Settings

    @property
    def planners(self) -> list[Service]:
        return [service for service in self.services if service.name == "planner"]


@asynccontextmanager
async def team_under_attack(store_url: str, folder: Path, replicas: int = 2) -> AsyncGenerator[Attacked]:
    """Planners, diagnosers and executors as processes on one database, on the embedded cluster."""
    base = load_settings(
        store={"url": store_url, "folder": folder, "lease_seconds": 2},
        limits={"subtask_deadline_seconds": 60, "request_deadline_seconds": 90},
        approvals={"rollout_seconds": 5},
        server={"shutdown_grace_seconds": 0.5},
        agents={"metrics": {"enabled": False}, "auditor": {"enabled": False}},
    )
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(embedded_cluster(base, INCIDENT))
        quick = settings.kubernetes.model_copy(update={"request_timeout_seconds": 10})
        settings = settings.model_copy(update={"kubernetes": quick})
        fronts = team.on_free_ports(settings)
        lives = [_behind(fronts, team.on_free_ports(settings)) for _ in range(replicas)]
        for name in MEMBERS:
            await stack.enter_async_context(front(fronts.port(name), [own.port(name) for own in lives]))
        services = [
            Service(name, _published(name, own, fronts), folder / f"{name}-{number}.log")
            for number, own in enumerate(lives)
            for name in ("planner", *MEMBERS)
        ]
        stack.push_async_callback(_end_all, services)
        for service in services:
            service.start()
        await asyncio.gather(*(service.ready() for service in services))
        yield Attacked(services, lives[0])


def _behind(fronts: Settings, own: Settings) -> Settings:
    """A replica's settings: it listens on ports of its own, and everybody knows the members by their common address."""
    members = {name: AgentSettings(port=own.port(name), url=fronts.url(name)) for name in MEMBERS}
    return own.model_copy(update={"agents": {**own.agents, **members}})


def _published(name: str, own: Settings, fronts: Settings) -> Settings:
    """A member's card names the common address, so that every call may end at another replica."""
    if name not in MEMBERS:
        return own
    return own.model_copy(update={"server": own.server.model_copy(update={"public_url": fronts.url(name)})})


async def _end_all(services: list[Service]) -> None:
    for service in services:
        service.send(signal.SIGCONT)
    await asyncio.gather(*(service.end() for service in services))
