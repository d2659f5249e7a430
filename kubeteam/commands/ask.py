"""`kubeteam ask QUESTION`: the whole team on one question."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from agents.runtime.settings import Settings, load_settings
from kubeteam import team
from kubeteam.consent import ask_decisions, proposed
from kubeteam.exits import NEEDS_INPUT, USAGE, Complaint, exit_code
from kubeteam.planner_client import PlannerClient
from kubeteam.progress import progress
from kubeteam.target import settings_for, temporary_store
from kubeteam.user import User, login

APPROVAL = "approval"
"""What a request waits for when it wants decisions rather than words."""


def register(app: typer.Typer) -> None:
    app.command()(ask)


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know or have done, in English or Chinese.")],
    planner: Annotated[
        str | None, typer.Option(help="URL of a running planner; default: the one of `kubeteam up`.")
    ] = None,
    sandbox: Annotated[Path | None, typer.Option(help="Run a team on the embedded cluster with this scenario.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Run a team on the clusters of this kubeconfig.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Which cluster, when there are several (a kubeconfig context).")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or zh; default: the question's.")] = None,
    user: User = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    single_process: Annotated[
        bool, typer.Option(help="With --sandbox or --kubeconfig: all five services in this process.")
    ] = False,
) -> None:
    """Ask the team. With --sandbox or --kubeconfig a team runs just for this question; nothing is left behind.

    Examples: `kubeteam ask "why is checkout slow?"`, `kubeteam ask --kubeconfig ~/.kube/config "哪些 Pod 有问题？"`.
    Exit code 3 means that the team needs to know something: answer with `kubeteam reply`.
    """
    if planner and (sandbox or kubeconfig):
        raise Complaint("--planner goes without --sandbox and --kubeconfig", USAGE)
    if language not in (None, "en", "zh"):
        raise Complaint("--language is en or zh", USAGE)
    if not question.strip():
        raise Complaint("the question is empty", USAGE)
    settings = load_settings()
    with settings_for(settings, sandbox=sandbox, kubeconfig=kubeconfig) as pointed:
        own_team = sandbox is not None or kubeconfig is not None
        asking = _Question(question, cluster, language, user, as_json, quiet=as_json)
        if own_team:
            asking.lasting = False
            with temporary_store(pointed) as temporary:
                result = asyncio.run(_with_own_team(team.on_free_ports(temporary), single_process, asking))
        else:
            result = asyncio.run(_at(planner or settings.url("planner"), asking))
    raise SystemExit(exit_code(result["status"]))


class _Question:
    """What was asked, and how the answer is to be shown."""

    def __init__(
        self, text: str, cluster: str | None, language: str | None, user: str | None, as_json: bool, quiet: bool
    ) -> None:
        self.text, self.cluster, self.language, self.user = text, cluster, language, user
        self.as_json, self.quiet = as_json, quiet
        self.lasting = True
        """The team is there after the answer."""


async def _with_own_team(settings: Settings, single_process: bool, asking: _Question) -> dict[str, Any]:
    logs = settings.store.folder / "logs"
    if not asking.quiet:
        sys.stderr.write("Starting a team for this question ...\n")
    async with team.in_one_process(settings) if single_process else team.as_processes(settings, logs) as running:
        return await _at(running.url, asking)


async def _at(url: str, asking: _Question) -> dict[str, Any]:
    async with PlannerClient(url, asking.user or login()) as planner:
        request_id = await planner.ask(asking.text, language=asking.language, cluster_id=asking.cluster)
        result = await follow(planner, request_id, quiet=asking.quiet)
        while result["status"] == "input_required" and not asking.as_json and sys.stdin.isatty():
            show(result)
            result = await follow(planner, request_id, since=await _respond(planner, result))
    print_json(result) if asking.as_json else show(result, asking.lasting)
    return result


async def _respond(planner: PlannerClient, result: dict[str, Any]) -> dict[str, Any]:
    """Asks the person at the terminal for what the request waits for: decisions, or words."""
    actions = proposed(result) if (result.get("input_required") or {}).get("kind") == APPROVAL else []
    if actions:
        return await planner.decide(result["id"], await asyncio.to_thread(ask_decisions, actions, Console(), input))
    return await planner.reply(result["id"], await asyncio.to_thread(input, "> "))


async def follow(
    planner: PlannerClient, request_id: str, quiet: bool = False, since: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Shows progress until the request ends or waits, and returns it.

    `since` is what the planner said to a reply or a decision: what happened before it is not shown again.
    """
    if since is not None and since["status"] not in ("queued", "running"):
        return await planner.show(request_id)
    with progress(quiet) as screen:
        async for event in planner.events(request_id, after=str(since["last_event"]) if since else None):
            screen.show(event)
            if event.type == "input_required":
                break
    return await planner.show(request_id)


def print_json(result: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json.dumps(result, ensure_ascii=False, indent=2))


def show(result: dict[str, Any], lasting: bool = True) -> None:
    """The answer for a person: rendered on a terminal, plain Markdown when piped.

    `lasting`: the team is there afterwards, so that somebody can still answer it.
    """
    text = _text_of(result)
    console = Console()
    console.print(Markdown(text)) if console.is_terminal else print(text)
    if exit_code(result["status"]) == NEEDS_INPUT and not sys.stdin.isatty():
        sys.stderr.write(f"{_how_to_go_on(result) if lasting else _GONE}\n")


_GONE = "this team ends here: ask at a terminal, or a team of `kubeteam up`, to answer or approve"


def _how_to_go_on(result: dict[str, Any]) -> str:
    if (result.get("input_required") or {}).get("kind") == APPROVAL:
        return f"decide with: kubeteam approve {result['id']} [--action N], or kubeteam reject {result['id']}"
    return f"answer with: kubeteam reply {result['id']} TEXT"


def _text_of(result: dict[str, Any]) -> str:
    if result["status"] == "input_required":
        waiting = result.get("input_required") or {}
        choices = "".join(f"\n- {choice}" for choice in waiting.get("choices") or [])
        asked = f"{waiting.get('question', '')}{choices}"
        if waiting.get("kind") == APPROVAL and result.get("answer"):  # it says what waits, with all that speaks for it
            return str(result["answer"])
        return f"{result['answer']}\n\n---\n\n{asked}" if result.get("answer") else asked
    return result.get("answer") or f"Request {result['id']} ended as {result['status']}."
