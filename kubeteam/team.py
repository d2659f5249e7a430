"""A running team: planner and specialists as processes of their own, or all in this process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import httpx

from agents.runtime.settings import Settings
from kubeteam.exits import Complaint

START_SECONDS = 60
STOP_SECONDS = 10


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
async def in_one_process(settings: Settings) -> AsyncGenerator[str]:
    """Serves the whole team on this event loop and yields the planner's URL."""
    from agents.runtime.serve import serving
    from kubeteam.services import build

    apps = [(build(name, settings), settings.server.host, settings.port(name)) for name in served_here(settings)]
    async with serving(apps):
        yield settings.url("planner")


@asynccontextmanager
async def as_processes(settings: Settings, folder: Path) -> AsyncGenerator[str]:
    """Starts one process per service, waits until all are ready, and yields the planner's URL.

    `folder` gets one log file per service. Raises Complaint with the end of the log when a service does not start.
    """
    services = {name: await _start(name, settings, folder) for name in served_here(settings)}
    try:
        await asyncio.gather(*(_until_ready(name, process, settings, folder) for name, process in services.items()))
        yield settings.url("planner")
    finally:
        await asyncio.gather(*(_stop(process) for process in services.values()))


def environment(settings: Settings) -> dict[str, str]:
    """What a service's process must know to have exactly these settings, whatever team.yaml says."""
    sections: dict[str, Any] = settings.model_dump(mode="json", exclude_unset=False)
    reveal(settings, sections)
    return {f"KUBETEAM_{name.upper()}": json.dumps(value) for name, value in sections.items()}


def reveal(model: Any, dumped: Any) -> None:
    """Puts secrets back into a JSON dump of settings, where pydantic wrote asterisks."""
    for name, value in list(model.__dict__.items() if hasattr(model, "__dict__") else model.items()):
        if hasattr(value, "get_secret_value"):
            dumped[name] = value.get_secret_value()
        elif isinstance(value, dict) or hasattr(value, "model_fields_set"):
            reveal(value, dumped[name])


async def _start(name: str, settings: Settings, folder: Path) -> asyncio.subprocess.Process:
    env = {**_without_settings(os.environ), **environment(settings)}
    with _open_log(folder, name) as log:
        return await _spawn(name, env, log)


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in env.items() if not key.startswith("KUBETEAM_") or key == "KUBETEAM_CONFIG"}


async def _spawn(name: str, env: dict[str, str], log: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kubeteam", "serve", name, env=env, stdout=log, stderr=log, start_new_session=True
    )


def _open_log(folder: Path, name: str) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return _log(folder, name).open("wb")


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


async def _until_ready(name: str, process: asyncio.subprocess.Process, settings: Settings, folder: Path) -> None:
    url = f"http://{settings.server.host}:{settings.port(name)}/readyz"
    async with httpx.AsyncClient(timeout=5) as http:
        for _ in range(START_SECONDS * 10):
            if process.returncode is not None:
                break
            with suppress(httpx.TransportError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    tail = _log(folder, name).read_text(errors="replace")[-1500:]
    raise Complaint(f"the {name} service did not start; the end of {_log(folder, name)}:\n{tail}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
