"""What the tools' answers add up to: proposals to decide on, or what became of approved Actions. Pure."""

from __future__ import annotations

from typing import Any

from agents.executor.action import Note, PreparedAction
from agents.executor.rendering import effect_lines, proposal_text, title, way_back
from agents.executor.requests import Question
from agents.executor.runbook import asked_for, read_approvals
from agents.executor.wording import label, say
from agents.runtime.definition import ToolResult, Turn
from agents.runtime.findings import Action, Finding, Language

PROPOSALS = "proposals"
"""Key of `Finding.facts`: what waits for a decision."""
OUTCOMES = "outcomes"
"""Key of `Finding.facts`: what became of approved Actions."""
QUESTION = "question"
"""Key of `Finding.facts`: what has to be answered before anything can be proposed."""


def compose(turn: Turn) -> Finding:
    """Text with the diffs, the proposed Actions, and the same as facts for the planner."""
    language = turn.subtask.language
    if not turn.results:
        asked = asked_for(turn)
        question = asked.text if isinstance(asked, Question) else ""
        return Finding(specialist="executor", language=language, text=question, facts={QUESTION: question})
    answers = [result.content for result in turn.results if _has_status(result)]
    proposals = [answer for answer in answers if answer["status"] == "proposed"]
    outcomes = [answer for answer in answers if answer["status"] != "proposed"]
    failures = [_failure(result, language) for result in turn.results if result.error]
    failures += _not_reached(turn, language)
    texts = [label("summary", language, count=len(proposals))] if proposals else []
    texts += [_proposal(answer, language) for answer in proposals] + [_outcome(answer, language) for answer in outcomes]
    facts: dict[str, Any] = {}
    if proposals:
        facts[PROPOSALS] = [proposal_facts(answer, language) for answer in proposals]
    if outcomes:
        facts[OUTCOMES] = [outcome_facts(answer, language) for answer in outcomes]
    return Finding(
        specialist="executor",
        language=language,
        text="\n\n".join([*texts, *failures]),
        actions=[Action.model_validate(answer["wanted"]) for answer in proposals],
        missing=failures,
        facts=facts,
    )


def proposal_facts(answer: dict[str, Any], language: Language) -> dict[str, Any]:
    """A proposal for the planner and other programs: its values, and the same in words."""
    action = PreparedAction.model_validate(answer["action"])
    return {
        "proposal": answer["proposal"],
        "digest": answer["digest"],
        "expires_at": answer["expires_at"],
        "cluster_id": action.cluster,
        "action": answer["wanted"],
        "title": title(action),
        "diff": action.diff,
        "dry_run": action.dry_run,
        "risk": {"level": action.risk.level, "reasons": [say(note, language) for note in action.risk.reasons]},
        "effects": effect_lines(action.effects, language),
        "lacking": action.lacking,
        "warnings": action.warnings,
        "way_back": way_back(action, language),
        "inverse": action.inverse.model_dump() if action.inverse else None,
    }


def outcome_facts(answer: dict[str, Any], language: Language) -> dict[str, Any]:
    """What became of an Action, in values and words."""
    kept = {key: answer[key] for key in ("status", "verdict", "diff", "cluster_id") if key in answer}
    undo = {"undo": answer["undo"]["status"]} if "undo" in answer else {}
    return {"action": answer["wanted"], **kept, **undo, "text": _outcome(answer, language)}


def _proposal(answer: dict[str, Any], language: Language) -> str:
    text = proposal_text(PreparedAction.model_validate(answer["action"]), language)
    return f"{text}\n\n{label('approve_how', language, id=answer['proposal'], digest=answer['digest'])}"


def _outcome(answer: dict[str, Any], language: Language) -> str:
    what, notes = title(Action.model_validate(answer["wanted"])), _notes(answer, language)
    status = answer["status"]
    if status in ("refused", "not_applied"):
        return label(status, language, what=what, why="; ".join(notes) or answer.get("why", ""))
    if status == "rejected":
        head = label("status_rejected", language, by=answer["by"], reason=answer["reason"] or "-")
        return f"{head}\n{what}"
    lines = [f"**{label(f'status_{status}', language)}** {what}"]
    if answer.get("verdict"):
        lines[0] += f": **{label('verdict_' + answer['verdict'], language)}**"
    lines += [f"- {note}" for note in notes]
    undo = answer.get("undo")
    if undo:
        undone = [label("undone", language, inverse=undo["inverse"])] if undo["status"] == "undone" else []
        lines += [f"- **{line}**" for line in [*undone, *_notes(undo, language)]]
    diff = f"\n\n```diff\n{answer['diff']}\n```" if answer.get("diff") else ""
    return "\n".join(lines) + diff


def _notes(answer: dict[str, Any], language: Language) -> list[str]:
    return [say(Note.model_validate(note), language) for note in answer.get("notes", [])]


def _has_status(result: ToolResult) -> bool:
    return result.error is None and isinstance(result.content, dict) and "status" in result.content


def _not_reached(turn: Turn, language: Language) -> list[str]:
    waiting = read_approvals(turn)[len(turn.results) :]
    return [label("not_reached", language, what=title(entry.action)) for entry in waiting]


def _failure(result: ToolResult, language: Language) -> str:
    return label("not_prepared", language, what=f"`{result.name}` {result.arguments.get('name', '')}", why=result.error)
