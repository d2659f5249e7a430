"""`kubeteam approve ID` and `kubeteam reject ID`: decisions on proposed Actions, in the user's name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from kubeteam.commands.ask import follow, print_json, show
from kubeteam.commands.requests import Json, PlannerUrl, RequestId, at_planner
from kubeteam.consent import proposed
from kubeteam.exits import USAGE, Complaint, exit_code
from kubeteam.planner_client import PlannerClient
from kubeteam.user import User

Which = Annotated[
    list[str] | None,
    typer.Option("--action", help="Number, proposal id or digest (or its beginning) of one Action; default: all."),
]
Reason = Annotated[str, typer.Option(help="Why; it is noted in the journal.")]


def register(app: typer.Typer) -> None:
    app.command()(approve)
    app.command()(reject)


def approve(
    request_id: RequestId,
    action: Which = None,
    reason: Reason = "",
    user: User = None,
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """Approve the Actions that a request proposes, or some of them, and follow it to its end.

    What was shown is what is applied: an approval holds for exactly that change, for half an hour, once.
    """
    _decide("approve", request_id, action, reason, user, planner, as_json)


def reject(
    request_id: RequestId,
    action: Which = None,
    reason: Reason = "",
    user: User = None,
    planner: PlannerUrl = None,
    as_json: Json = False,
) -> None:
    """Reject the Actions that a request proposes, or some of them. A rejection is final."""
    _decide("reject", request_id, action, reason, user, planner, as_json)


def _decide(
    decision: Literal["approve", "reject"],
    request_id: str,
    which: list[str] | None,
    reason: str,
    user: str | None,
    planner: str | None,
    as_json: bool,
) -> None:
    async def work(client: PlannerClient) -> dict[str, Any]:
        before = await client.show(request_id)
        taken = await client.decide(request_id, decisions(before, decision, which, reason))
        return await follow(client, request_id, quiet=as_json, since=taken)

    result = at_planner(planner, work, user)
    print_json(result) if as_json else show(result)
    raise SystemExit(exit_code(result["status"]))


def decisions(result: dict[str, Any], decision: str, which: list[str] | None, reason: str) -> dict[str, Any]:
    """The body for the planner. Raises Complaint (usage) for an Action that the request does not propose."""
    if not which:
        return {"all": decision, "reason": reason}
    actions = proposed(result)
    chosen = [_named(name, actions)["proposal"] for name in which]
    named = [{"proposal": one["proposal"], "digest": one["digest"], "decision": decision} for one in chosen]
    return {"decisions": named, "reason": reason}


def _named(name: str, actions: list[dict[str, Any]]) -> dict[str, Any]:
    if name.isdecimal() and 1 <= int(name) <= len(actions):
        return actions[int(name) - 1]
    found = [action for action in actions if name == action["proposal"]["proposal"]]
    if not found and len(name) >= MIN_DIGEST:
        found = [action for action in actions if action["proposal"]["digest"].startswith(name)]
    if len(found) != 1:
        raise Complaint(f"--action {name}: give 1 to {len(actions)}, a proposal's id, or its digest", USAGE)
    return found[0]


MIN_DIGEST = 8
"""Characters of a digest that name it."""
