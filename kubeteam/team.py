"""A running team: planner and specialists as processes of their own, or all in this process."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from agents.runtime.logs import configure_logs
from agents.runtime.settings import BUILT_IN, Settings
from kubeteam.exits import Complaint

START_SECONDS = 60
STOP_SECONDS = 10
PATIENCE_SECONDS = 8
PRELOAD = [
    "planner.service",
    "agents.runtime.service",
    "agents.runtime.specialist",
    *(f"agents.{name}.agent" for name in BUILT_IN),
]
"""What services import, loaded once before they are forked."""


@dataclass(frozen=True)
class RunningTeam:
    """Where the planner is, and the services' processes when they have their own."""

    url: str
    processes: Mapping[str, BaseProcess] = field(default_factory=dict[str, BaseProcess])


def on_free_ports(settings: Settings) -> Settings:
    """The same team on ports that are free now, for a team that lives for one question."""
    names = ["planner", *settings.members()]
    sockets = [socket.socket() for _ in names]
    try:
        for one in sockets:
            one.bind((settings.server.host, 0))
        ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    finally:
        for one in sockets:
            one.close()
    agents = {
        name: settings.agent(name).model_copy(update={"port": port})
        for name, port in ports.items()
        if settings.agent(name).url is None
    }
    return settings.model_copy(update={"agents": {**settings.agents, **agents}})


def served_here(settings: Settings) -> list[str]:
    """The services that this team starts: the planner, and every member that no URL says runs elsewhere."""
    return ["planner", *(name for name in settings.members() if settings.agent(name).url is None)]


@asynccontextmanager
async def in_one_process(settings: Settings) -> AsyncGenerator[RunningTeam]:
    """Serves the whole team on this event loop."""
    from agents.runtime.serve import serving
    from kubeteam.services import build

    apps = [(build(name, settings), settings.server.host, settings.port(name)) for name in served_here(settings)]
    async with serving(apps):
        yield RunningTeam(settings.url("planner"))


@asynccontextmanager
async def as_processes(settings: Settings, folder: Path) -> AsyncGenerator[RunningTeam]:
    """Starts one process per service and waits until all are ready.

    `folder` gets one log file per service. The processes are forked from one that has imported the libraries already,
    so five services start in the time of one. Raises Complaint with the end of the log when a service does not start.
    """
    nursery = multiprocessing.get_context("forkserver")
    nursery.set_forkserver_preload(PRELOAD)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    watched, held = nursery.Pipe(duplex=False)
    services = {
        name: nursery.Process(
            target=_serve_as_child, args=(name, settings, _log(folder, name), watched), name=f"kubeteam {name}"
        )
        for name in served_here(settings)
    }
    for process in services.values():
        process.start()
    try:
        await asyncio.gather(*(_until_ready(name, process, settings, folder) for name, process in services.items()))
        yield RunningTeam(settings.url("planner"), services)
    finally:
        await asyncio.gather(*(asyncio.to_thread(_stop, process) for process in services.values()))
        held.close()
        watched.close()


def _serve_as_child(name: str, settings: Settings, log: Path, parent: Connection) -> None:
    """Serves one service in a session of its own, until its parent stops it or is gone."""
    os.setsid()  # Ctrl-C in the terminal reaches only the parent, which stops its services in order
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    serve_service(name, settings)


def _end_with(parent: Connection) -> None:
    """Ends this process when the other end of the pipe is gone: a killed parent leaves no services behind."""
    with suppress(EOFError):
        parent.recv()
    os.kill(os.getpid(), signal.SIGTERM)


def serve_service(name: str, settings: Settings, *, conformance: bool = False) -> None:
    """Serves one service in this process until a signal ends it; for `conformance`, with a scripted agent in it."""
    from agents.runtime.serve import run
    from kubeteam.services import build, build_scripted

    configure_logs(logging.INFO, service=name)
    app = build_scripted(name, settings) if conformance else build(name, settings)
    run([(app, settings.server.host, settings.port(name))])


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


async def _until_ready(name: str, process: BaseProcess, settings: Settings, folder: Path) -> None:
    """Returns when the service is ready, or lives without being ready (tools of others may be down): one member less
    must not keep the team from starting."""
    url = f"http://{settings.server.host}:{settings.port(name)}"
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=url, timeout=5) as http:
        while process.exitcode is None and time.monotonic() - began < START_SECONDS:
            with suppress(httpx.TransportError):
                answer = await http.get("/readyz")
                if answer.status_code == 200:
                    return
                if time.monotonic() - began > PATIENCE_SECONDS and name != "planner":
                    sys.stderr.write(f"kubeteam: {name} runs but is not ready: {answer.text[:300]}\n")
                    return
            await asyncio.sleep(0.1)
    log = _log(folder, name)
    tail = log.read_text(errors="replace")[-1500:] if log.exists() else "(nothing was logged)"
    raise Complaint(f"the {name} service did not start; the end of {log}:\n{tail}")


def _stop(process: BaseProcess) -> None:
    process.terminate()
    process.join(STOP_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
