"""`kubeteam demo`: an incident on the embedded cluster, from question to healthy, the approval given visibly."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from agents.runtime.settings import Settings
from kubeteam import team
from kubeteam.commands.ask import follow, show
from kubeteam.commands.journal import checked, print_table, read_all
from kubeteam.consent import proposed, show_action
from kubeteam.exits import Complaint
from kubeteam.planner_client import PlannerClient
from kubeteam.target import embedded_cluster, temporary_store

INCIDENT = "checkout-oom"
APPROVER = "ann"
REASON = "the limit was lowered by mistake"


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
    async with running as started, PlannerClient(started.url, APPROVER) as planner:
        result: dict[str, Any] = {}
        for question in scenario.questions.values():
            result = await _ask(planner, question, "answered")
            show(result)
        await _repair(planner, result["root_causes"][0]["resource"].rsplit("/", 1)[-1])
    print("\nNext: `.venv/bin/kubeteam ask --help`, or `.venv/bin/kubeteam up` on your own cluster.")


async def _repair(planner: PlannerClient, name: str) -> None:
    """Orders the repair, approves what is proposed as a named person would, and shows what came of it."""
    waiting = await _ask(planner, f"fix {name}", "input_required")
    console = Console()
    for action in proposed(waiting):
        show_action(action, console)
    command = f'kubeteam approve {waiting["id"]} --user {APPROVER} --reason "{REASON}"'
    print(
        f"\nNothing has been changed yet. This script approves now, as {APPROVER} would with:\n  $ {command}\n",
        flush=True,
    )
    taken = await planner.decide(waiting["id"], {"all": "approve", "reason": REASON})
    done = await follow(planner, waiting["id"], since=taken)
    headline_done_and_seen = done["answer"].split("\n## ")[:3]
    show({**done, "answer": "\n## ".join(headline_done_and_seen)})
    _expect(done, "answered")
    print("\n━━━ kubeteam journal --verify\n", flush=True)
    entries = await read_all(planner)
    print_table(entries)
    problem, head = checked(entries)
    if problem is not None:
        raise Complaint(f"the journal is broken: {problem}")
    print(f"The journal is whole: {len(entries)} entries, last hash {head}.")


async def _ask(planner: PlannerClient, question: str, expected: str) -> dict[str, Any]:
    print(f"\n━━━ {question}\n", flush=True)
    return _expect(await follow(planner, await planner.ask(question)), expected)


def _expect(result: dict[str, Any], status: str) -> dict[str, Any]:
    if result["status"] != status:
        raise Complaint(f"the team did not get to {status}: {result['status']}: {result.get('answer') or ''}")
    return result
