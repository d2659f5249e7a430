"""`kubeteam requests`, `show`, `reply`, `cancel`: what a running planner knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from agents.runtime.settings import load_settings
from kubeteam.commands.ask import follow, print_json
from kubeteam.commands.ask import show as show_answer
from kubeteam.exits import exit_code
from kubeteam.planner_client import PlannerClient
from kubeteam.user import login

T = TypeVar("T")
PlannerUrl = Annotated[str | None, typer.Option("--planner", help="URL of the planner.", envvar="KUBETEAM_PLANNER")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RequestId = Annotated[str, typer.Argument(metavar="ID", help="A request's id, as `kubeteam requests` lists it.")]


def register(app: typer.Typer) -> None:
    for command in (requests, show, reply, cancel):
        app.command()(command)


def requests(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """List requests, newest first."""
    page = at_planner(planner, lambda client: client.requests(limit))
    if as_json:
        print_json(page)
        return
    table = Table("id", "status", "asked", "by", "question", box=None)
    for item in page["requests"]:
        asked = str(item.get("created_at", ""))[:19]
        table.add_row(item["id"], item["status"], asked, item.get("user") or "", item["question"][:80])
    Console().print(table)


def show(request_id: RequestId, planner: PlannerUrl = None, as_json: Json = False) -> None:
    """Show one request: its answer, or where it is."""
    result = at_planner(planner, lambda client: client.show(request_id))
    print_json(result) if as_json else show_answer(result)


def reply(
    request_id: RequestId,
    text: Annotated[str, typer.Argument(help="The answer to the team's question.")],
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """Answer the question that a request waits for, and follow it to its end."""

    async def answer(client: PlannerClient) -> dict[str, Any]:
        return await follow(client, request_id, quiet=as_json, since=await client.reply(request_id, text))

    result = at_planner(planner, answer)
    print_json(result) if as_json else show_answer(result)
    raise SystemExit(exit_code(result["status"]))


def cancel(request_id: RequestId, planner: PlannerUrl = None) -> None:
    """Stop a request and everything that it started."""
    result = at_planner(planner, lambda client: client.cancel(request_id))
    print(f"{request_id}: {result.get('status', 'cancelled')}")


def at_planner(url: str | None, work: Callable[[PlannerClient], Awaitable[T]], user: str | None = None) -> T:
    """Runs some work against the planner, the one named or that of the settings, in the user's name."""

    async def run() -> T:
        async with PlannerClient(url or load_settings().url("planner"), user or login()) as client:
            return await work(client)

    return asyncio.run(run())
