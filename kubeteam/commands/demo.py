"""`kubeteam demo`: an incident on the embedded cluster, from question to answer, in both languages."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path

import typer

from agents.runtime.settings import Settings
from kubeteam import team
from kubeteam.commands.ask import follow, show
from kubeteam.exits import Complaint
from kubeteam.planner_client import PlannerClient
from kubeteam.target import embedded_cluster, temporary_store

INCIDENT = "checkout-oom"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo() -> None:
    """Show the team at work: no cluster, no key, no network. Takes half a minute at most."""
    folder = Path(str(files("sandbox") / "incidents" / INCIDENT))
    with embedded_cluster(Settings(), folder) as settings, temporary_store(settings) as temporary:
        asyncio.run(_demo(team.on_free_ports(temporary), folder))


async def _demo(settings: Settings, folder: Path) -> None:
    from sandbox import read_scenario

    scenario = read_scenario(folder)
    print(f"The embedded cluster {scenario.cluster_name!r} has an incident. Starting five services ...", flush=True)
    running = team.as_processes(settings, settings.store.folder / "logs")
    async with running as started, PlannerClient(started.url) as planner:
        for question in scenario.questions.values():
            print(f"\n━━━ {question}\n", flush=True)
            result = await follow(planner, await planner.ask(question))
            show(result)
            if result["status"] != "answered":
                raise Complaint(f"the team did not answer: {result['status']}")
    print("\nNext: `.venv/bin/kubeteam ask --help`, or `.venv/bin/kubeteam up` on your own cluster.")
