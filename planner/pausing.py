"""What a request waits for, as the pauses that A2A clients draw, and what people answer there as our decisions. Pure.

A decision names the proposal and the digest that were shown, whatever the client sends: it is bound to what the person
saw, and goes the way of every other decision.
"""

from __future__ import annotations

from typing import Any

from agents.runtime.pause import ASK_USER, Question, Reply, Verdict, ask
from agents.runtime.pause import Pause as Shown
from agents.runtime.wire import ToolResultNote
from planner.decisions import Decisions, ProposalDecision
from planner.proposals import ProposedAction
from planner.request import Pause

APPROVAL = "approval"


def shown(request_id: str, nonce: str, pause: Pause) -> list[Shown]:
    """The pauses of a request's question; the nonce tells one time of asking from the next, and holds no `-`."""
    if pause.kind != APPROVAL:
        return [ask(f"{request_id}-{nonce}", [Question(question=pause.question, choices=pause.choices)])]
    return [_shown(action, nonce) for action in pause.actions if action.proposal is not None]


def answer_in(reply: Reply) -> str | None:
    """The words of an answer; None when the person declined to give one."""
    return None if reply.declined else "\n".join(", ".join(words) for words in reply.answers)


def decisions_in(reply: Reply, pause: Pause) -> Decisions | None:
    """The decisions on the Actions that were shown; None when the reply is about another question."""
    verdicts = {call_id.rpartition("-")[0]: verdict for call_id, verdict in reply.verdicts.items()}
    decided: list[ProposalDecision] = []
    for action in pause.actions:
        known = action.proposal
        if known is None or known.proposal not in verdicts:
            continue
        verdict = verdicts[known.proposal]
        word = "approve" if verdict.approved else "reject"
        reason = verdict.reason.strip()
        decided.append(ProposalDecision(proposal=known.proposal, digest=known.digest, decision=word, reason=reason))
    return Decisions(decisions=tuple(decided)) if decided else None


def results_of(reply: Reply, pause: Pause) -> list[ToolResultNote]:
    """What became of the calls that waited: user interfaces close their cards by it."""
    tools = {a.proposal.proposal: a.kind for a in pause.actions if a.proposal is not None}
    return [
        ToolResultNote(call_id, tools.get(call_id.rpartition("-")[0], ASK_USER), _said(verdict))
        for call_id, verdict in reply.verdicts.items()
    ]


def _said(verdict: Verdict) -> str:
    word = "approved" if verdict.approved else "rejected"
    return f"{word}: {verdict.reason}" if verdict.reason else word


def _shown(action: ProposedAction, nonce: str) -> Shown:
    """kagent shows a call's arguments and not its hint, so what a person must see is among the arguments."""
    known = action.proposal
    assert known is not None
    args: dict[str, Any] = {
        "resource": action.resource,
        **action.arguments,
        "reason": action.reason,
        "risk": " ".join((known.risk.level, *known.risk.reasons)).strip(),
        "diff": known.diff,
        "effects": list(known.effects),
        "warnings": [*known.warnings, *known.lacking],
        "way_back": known.way_back,
        "digest": known.digest,
    }
    return Shown(
        id=f"{known.proposal}-{nonce}-confirmation",
        call_id=f"{known.proposal}-{nonce}",
        tool=action.kind,
        args={key: value for key, value in args.items() if value not in ("", [])},
        hint=known.title,
    )
