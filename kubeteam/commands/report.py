"""`kubeteam report`: the health report of a cluster, as a page, Markdown or JSON."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from agents.runtime.settings import Settings, load_settings
from kubeteam import team
from kubeteam.exits import USAGE, Complaint
from kubeteam.planner_client import PlannerClient
from kubeteam.progress import progress
from kubeteam.target import settings_for, temporary_store

FORMS = {".html": "html", ".md": "md", ".json": "json"}


def register(app: typer.Typer) -> None:
    app.command()(report)


@dataclass(frozen=True)
class _Order:
    """What is to be made, and where it goes."""

    cluster: str | None
    language: str
    user: str | None
    output: Path | None


def report(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.html, .md or .json; default: Markdown on the terminal.")
    ] = None,
    planner: Annotated[
        str | None, typer.Option(help="URL of a running planner; default: the one of `kubeteam up`.")
    ] = None,
    sandbox: Annotated[Path | None, typer.Option(help="Run a team on the embedded cluster with this scenario.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Run a team on the clusters of this kubeconfig.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Which cluster, when there are several (a kubeconfig context).")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    user: Annotated[str | None, typer.Option(help="Who asks; default: your login.", envvar="KUBETEAM_USER")] = None,
    single_process: Annotated[
        bool, typer.Option(help="With --sandbox or --kubeconfig: all five services in this process.")
    ] = False,
) -> None:
    """Report on a cluster's health: score, root causes, risks, utilisation, sizes and cost. Changes nothing.

    A running planner keeps reports and says what got better or worse; with --sandbox or --kubeconfig nothing is left
    behind but the file. Example: `kubeteam report --kubeconfig ~/.kube/config --output health.html`.
    """
    _check(output, planner, sandbox, kubeconfig, language)
    order = _Order(cluster, language, user, output)
    settings = load_settings()
    with settings_for(settings, sandbox=sandbox, kubeconfig=kubeconfig) as pointed:
        if sandbox is None and kubeconfig is None:
            asyncio.run(_at(planner or settings.url("planner"), order))
            return
        with temporary_store(pointed) as temporary:
            asyncio.run(_with_own_team(team.on_free_ports(temporary), single_process, order))


def _check(
    output: Path | None, planner: str | None, sandbox: Path | None, kubeconfig: Path | None, language: str
) -> None:
    """Before anything is started. Raises Complaint (usage)."""
    if planner and (sandbox or kubeconfig):
        raise Complaint("--planner goes without --sandbox and --kubeconfig", USAGE)
    if language not in ("en", "zh"):
        raise Complaint("--language is en or zh", USAGE)
    if output is not None and output.suffix not in FORMS:
        raise Complaint(f"--output: {output} ends in none of {', '.join(FORMS)}", USAGE)
    if output is not None and not output.absolute().parent.is_dir():
        raise Complaint(f"--output: there is no folder {output.absolute().parent}", USAGE)


async def _with_own_team(settings: Settings, single_process: bool, order: _Order) -> None:
    logs = settings.store.folder / "logs"
    async with team.in_one_process(settings) if single_process else team.as_processes(settings, logs) as running:
        await _at(running.url, order)


async def _at(url: str, order: _Order) -> None:
    async with PlannerClient(url, order.user) as planner:
        made = await planner.make_report(order.cluster, order.language)
        with progress() as screen:
            async for event in planner.events(made["request_id"]):
                # The answer in words is the request's; what is wanted here is the report.
                if event.type in ("plan", "subtask", "progress"):
                    screen.show(event)
        form = FORMS[order.output.suffix] if order.output else "md"
        text = await planner.report(made["id"], form)
    if order.output is not None:
        await asyncio.to_thread(order.output.write_text, text, encoding="utf-8")
        sys.stderr.write(f"written: {order.output}\n")
        return
    console = Console()
    console.print(Markdown(text)) if console.is_terminal else print(text, end="")
