"""Shows proposed Actions to a person at a terminal and asks for a decision on each. Pure but for the prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

_YES = ("y", "yes", "是", "好", "同意")
_NO = ("", "n", "no", "否", "不")
PROMPT = "Approve? [y/N/reason] "

Read = Callable[[str], str]


def proposed(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The Actions that a request waits with, or those of its answer that can still be approved."""
    waiting = (result.get("input_required") or {}).get("actions")
    found: list[dict[str, Any]] = waiting or [a for a in result.get("actions") or [] if _is_open(a)]
    return [action for action in found if action.get("proposal")]


def ask_decisions(actions: Sequence[dict[str, Any]], console: Console, read: Read) -> dict[str, Any]:
    """The body for the planner: `y` approves, everything else rejects, with the words as the reason.

    An empty answer is a no as well. The first rejection rejects what comes after it, which may build on it.
    """
    decisions: list[dict[str, str]] = []
    for number, action in enumerate(actions, 1):
        show_action(action, console, f"{number}/{len(actions)}" if len(actions) > 1 else "")
        word = read(PROMPT).strip()
        decisions.append(_decision(action, word))
        if decisions[-1]["decision"] == "reject":
            decisions += [_decision(later, word) for later in actions[number:]]
            break
    return {"decisions": decisions}


def show_action(action: dict[str, Any], console: Console, label: str = "") -> None:
    """What it is, what it does besides, the way back, and the diff in colour."""
    proposal: dict[str, Any] = action["proposal"]
    console.print(f"\n[bold]{escape(label)} {escape(proposal.get('title') or action['resource'])}[/]")
    for line in facts_of(proposal):
        console.print(f"  {escape(line)}", highlight=False)
    if proposal.get("diff"):
        console.print(Syntax(proposal["diff"], "diff", background_color="default", word_wrap=True))


def facts_of(proposal: dict[str, Any]) -> Iterator[str]:
    """Risk, effects, warnings and the way back, one line each."""
    risk: dict[str, Any] = proposal.get("risk") or {}
    if risk.get("level"):
        yield f"risk: {risk['level']} ({'; '.join(risk.get('reasons') or ())})"
    yield from proposal.get("effects") or ()
    yield from proposal.get("warnings") or ()
    if proposal.get("lacking"):
        yield f"the executor lacks the right to: {', '.join(proposal['lacking'])}"
    if proposal.get("way_back"):
        yield f"way back: {proposal['way_back']}"
    yield f"proposal {proposal['proposal']}, digest {proposal['digest'][:12]}"


def _decision(action: dict[str, Any], word: str) -> dict[str, str]:
    proposal = action["proposal"]
    named = {"proposal": proposal["proposal"], "digest": proposal["digest"]}
    if word.lower() in _YES:
        return {**named, "decision": "approve"}
    return {**named, "decision": "reject", "reason": "" if word.lower() in _NO else word}


def _is_open(action: dict[str, Any]) -> bool:
    outcome = action.get("outcome")
    return outcome is None or outcome.get("status") in ("refused", "not_applied")
