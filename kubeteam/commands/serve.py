"""`kubeteam serve NAME` and `kubeteam up`: run one service, or the team."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from agents.runtime.settings import Settings, load_settings
from kubeteam import team


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(up)


def serve(
    name: Annotated[str, typer.Argument(help="planner, metrics, auditor, diagnoser, executor, or one of team.yaml.")],
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: agents.NAME.port.")] = None,
    conformance: Annotated[
        bool, typer.Option("--conformance", help="A scripted agent for the public A2A compatibility kit, same server.")
    ] = False,
) -> None:
    """Serve one member of the team in this process: A2A at /, MCP at /mcp, /healthz, /readyz, /metrics."""
    settings = load_settings()
    if port is not None:
        agents = {**settings.agents, name: settings.agent(name).model_copy(update={"port": port})}
        settings = settings.model_copy(update={"agents": agents})
    if host is not None:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update={"host": host})})
    team.serve_service(name, settings, conformance=conformance)


def up(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Clusters to work on; default: as kubectl finds them.")
    ] = None,
    sandbox: Annotated[Path | None, typer.Option(help="Work on the embedded cluster with this scenario.")] = None,
    single_process: Annotated[bool, typer.Option(help="All services in one process, for laptops.")] = False,
) -> None:
    """Run the whole team until Ctrl-C: the planner and each specialist as a process of its own."""
    from kubeteam.target import settings_for

    with settings_for(load_settings(), sandbox=sandbox, kubeconfig=kubeconfig) as settings:
        asyncio.run(_up(settings, single_process))


async def _up(settings: Settings, single_process: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    logs = settings.store.folder.expanduser() / "logs"
    running = team.in_one_process(settings) if single_process else team.as_processes(settings, logs)
    async with running as started:
        url = started.url
        print(f"The team is ready.\n  {'planner':12} {url}  (page and HTTP; API: {url}/docs)")
        for name in settings.members():
            print(f"  {name:12} {settings.url(name)}  (MCP: {settings.url(name)}/mcp)")
        print(f"Logs: {logs}" if not single_process else "All in this process.", "Stop with Ctrl-C.", flush=True)
        await stop.wait()
