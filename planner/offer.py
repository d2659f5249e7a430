"""The pause in which a person decides on proposed Actions: when there is one, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.runtime.findings import Finding, Language
from planner.plan import ORDERS, Plan
from planner.proposals import ProposedAction, all_proposed, applying, decided_in, offered
from planner.request import Pause, Request
from planner.wording import action_phrase, say


def offer(request: Request, plan: Plan, findings: Mapping[str, Finding]) -> Pause | None:
    """The pause for approval; None when nothing was ordered, nothing waits, or an approved Action did not succeed."""
    if not (request.offers or plan.intent in ORDERS) or stopped(plan, findings):
        return None
    actions = tuple(offered(plan, findings))
    return Pause(kind="approval", question=question(request, actions), actions=actions) if actions else None


def stopped(plan: Plan, findings: Mapping[str, Finding]) -> bool:
    """The last approval did not succeed, and the first failure stops the rest."""
    last = next(reversed(applying(plan)), None)
    if last is None:
        return False
    outcomes = {a.proposal.proposal: a.outcome for a in all_proposed(plan, findings) if a.proposal}
    known = [outcomes.get(item.proposal) for item in decided_in(last)]
    return last.status != "done" or any(outcome is None or not outcome.succeeded for outcome in known)


def question(request: Request, actions: Sequence[ProposedAction]) -> str:
    """What is asked, with one line per Action and how to answer."""
    language = request.language
    lines = [f"{number}. {line(action, language)}" for number, action in enumerate(actions, 1)]
    return "\n".join((say(language, "asks_approval", count=len(actions)), *lines, "", how_to(request)))


def line(action: ProposedAction, language: Language) -> str:
    """An Action in a line, with its risk and digest."""
    phrase = action_phrase(action, language)
    known = action.proposal
    if known is None:
        return phrase
    risk = f" {say(language, 'risk', level=known.risk.level)}" if known.risk.level else ""
    return f"{phrase} —{risk} (`{known.proposal}`, {say(language, 'digest', digest=known.digest[:12])})"


def how_to(request: Request) -> str:
    """How to approve or reject; said whenever somebody answers in words."""
    return say(request.language, "how_to_approve", id=request.id)
