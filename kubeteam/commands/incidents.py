"""`kubeteam incidents`: what alerts have become."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kubeteam.commands.ask import print_json
from kubeteam.commands.requests import Json, PlannerUrl, at_planner


def register(app: typer.Typer) -> None:
    app.command()(incidents)


def incidents(
    incident_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Show this incident alone.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed incidents, too.")] = False,
    status: Annotated[str | None, typer.Option(help="Such as `waiting`: what needs a person.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """List the incidents that are open. `kubeteam show REQUEST` has the answer, `kubeteam approve` repairs."""
    if incident_id is not None:
        found = at_planner(planner, lambda client: client.incident(incident_id))
        print_json(found) if as_json else _show(found)
        return
    filters: dict[str, Any] = {"limit": limit, "status": status, "namespace": namespace}
    if not everything and status is None:
        filters["open"] = True
    page = at_planner(planner, lambda client: client.incidents(filters))
    if as_json:
        print_json(page)
        return
    table = Table(box=None)
    for column in ("id", "status", "severity", "since", "firing", "request", "what"):
        table.add_column(column, no_wrap=column in ("id", "status", "request"))
    for item in page["incidents"]:
        since, firing = item["created_at"][:19], f"{item['firing']}/{item['total']}"
        what = Text("; ".join([item["title"], *item["causes"][:2]])[:120])
        table.add_row(item["id"], item["status"], item["severity"], since, firing, item["request_id"] or "", what)
    Console().print(table if page["incidents"] else "No incidents.")


def _show(incident: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(Text(f"{incident['title']} ({incident['severity']}): {incident['status']}", style="bold"))
    for key in ("cluster", "namespace", "resource", "request_id", "created_at", "closed_at"):
        if incident[key]:
            console.print(Text(f"{key.replace('_', ' ')}: {incident[key]}"))
    for cause in incident["causes"]:
        console.print(Text(f"root cause: {cause}"))
    if incident["note"]:
        console.print(Text(incident["note"]))
    for signal in incident["signals"]:
        labels = " ".join(f"{key}={value}" for key, value in sorted(signal["labels"].items()))
        console.print(Text(f"- {'firing' if signal['firing'] else 'over'}: {signal['name']} {labels}"))
