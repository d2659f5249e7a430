"""`kubeteam journal`: what was proposed, decided, applied and seen, and whether the chain of it holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from agents.runtime import journal as chain
from kubeteam.commands.ask import print_json
from kubeteam.commands.requests import Json, PlannerUrl, at_planner
from kubeteam.exits import FAILED
from kubeteam.planner_client import PlannerClient

PAGE = 500


def register(app: typer.Typer) -> None:
    app.command()(journal)


def journal(
    verify: Annotated[bool, typer.Option("--verify", help="Check every hash here; exit code 1 when one is wrong.")] = (
        False
    ),
    proposal: Annotated[str | None, typer.Option(help="Only this proposal's entries.")] = None,
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """Show the journal of changes. It is append-only, and every entry carries the hash of the one before."""
    entries: list[dict[str, Any]] = at_planner(planner, read_all)
    problem, head = checked(entries)
    shown = [entry for entry in entries if proposal is None or entry["subject"] == proposal]
    if as_json:
        told = {"verified": {"ok": problem is None, "head": head, "problem": problem}} if verify else {}
        print_json({"entries": shown, **told})
    else:
        print_table(shown)
        if verify:
            print(f"The journal is whole: {len(entries)} entries, last hash {head}." if problem is None else problem)
    if verify and problem is not None:
        raise SystemExit(FAILED)


async def read_all(client: PlannerClient) -> list[dict[str, Any]]:
    """Every entry, in order."""
    entries: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await client.journal(after, PAGE)
        entries += page["entries"]
        after = page["next_after"]
    return entries


def checked(entries: list[dict[str, Any]]) -> tuple[str | None, str]:
    """What is wrong with the chain (None: nothing), and its last hash; computed here, not believed."""
    chained = [chain.Entry(**entry) for entry in entries]
    problem = chain.check(chained, 0, chain.START)
    return problem, chained[-1].hash if chained else chain.START


def print_table(entries: list[dict[str, Any]]) -> None:
    """One line per entry."""
    table = Table("#", "at", "event", "proposal", "what", box=None)
    for entry in entries:
        table.add_row(str(entry["seq"]), entry["at"][:19], entry["event"], entry["subject"], gist(entry))
    Console(width=None if Console().is_terminal else 200).print(table)


def gist(entry: dict[str, Any]) -> str:
    """The few words of an entry that matter."""
    data: dict[str, Any] = entry["data"]
    if entry["event"] == "proposed":
        wanted = data.get("wanted") or {}
        return f"{wanted.get('kind')} {wanted.get('resource')}, asked by {data.get('asked_by') or '-'}"
    if "by" in data:
        return f"by {data['by']}" + (f": {data['reason']}" if data.get("reason") else "")
    if "resource" in data:
        return f"{data.get('kind')} {data['resource']}"
    return ", ".join(str(data[key]) for key in ("status", "verdict") if data.get(key))
