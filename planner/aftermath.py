"""What became of the decisions on a request, in words: done, seen afterwards, and where the journal has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agents.runtime.findings import Finding, Language
from planner.merge import action_key, merged_causes
from planner.plan import Plan, Subtask
from planner.proposals import DecidedAction, Outcome, applying, decided_in, outcomes_in
from planner.wording import action_phrase, say

Done = tuple[DecidedAction, Outcome | None, str]
"""A decision, its outcome, and why there is none."""


def done(plan: Plan, findings: Mapping[str, Finding], language: Language) -> list[Done]:
    """Every decision with its outcome, in the order of application."""
    return [item for subtask in applying(plan) if subtask.over for item in _done(subtask, findings, language)]


def _done(subtask: Subtask, findings: Mapping[str, Finding], language: Language) -> Iterable[Done]:
    finding = findings.get(subtask.id)
    outcomes = outcomes_in(finding) if finding else {}
    why = say(language, "not_tried") if finding else subtask.note or subtask.status
    for item in decided_in(subtask):
        outcome = outcomes.get(action_key(item.action))
        yield item, outcome, "" if outcome else why


def headline(results: Sequence[Done], language: Language) -> str:
    """How it ended, in a sentence: the worst of it decides."""
    outcomes = [outcome for _, outcome, _ in results]
    known = [outcome for outcome in outcomes if outcome is not None]
    if any(o.verdict == "worse" for o in known):
        back = all(o.undo == "undone" for o in known if o.verdict == "worse")
        return say(language, "undone" if back else "undo_failed")
    if any(o.status == "unclear" for o in known) or not known:
        return say(language, "unclear")
    if len(known) < len(outcomes) or any(not o.succeeded for o in known):
        return say(language, "not_done")
    applied = [o for o in known if o.status == "applied"]
    if not applied:
        return say(language, "rejected")
    return say(language, "fixed" if any(o.verdict == "fixed" for o in applied) else "in_effect")


def sections(plan: Plan, findings: Mapping[str, Finding], language: Language) -> Iterable[str]:
    """Headline, what was done, and what a new diagnosis shows. Nothing when nobody has decided anything."""
    results = done(plan, findings, language)
    if not results:
        return
    yield headline(results[-len(decided_in(applying(plan)[-1])) :], language)
    yield "\n\n".join((f"## {say(language, 'done')}", *(_told(*result, language) for result in results)))
    yield _again(plan, findings, language)


def _told(item: DecidedAction, outcome: Outcome | None, why: str, language: Language) -> str:
    text = outcome.text if outcome else ""
    if not text:
        action = action_phrase(item.action, language)
        text = say(language, "not_known", action=action, reason=why or (outcome.status if outcome else ""))
    because = say(language, "because", reason=item.reason) if item.reason else ""
    return f"{text}\n\n{say(language, 'decided_by', by=item.by, reason=because, proposal=item.proposal)}"


def _again(plan: Plan, findings: Mapping[str, Finding], language: Language) -> str:
    """The last look after a change, unless a later change came after it."""
    looks = [s for s in plan.subtasks if s.after_change and s.id in findings]
    if not looks:
        return ""
    finding = findings[looks[-1].id]
    causes = ", ".join(f"`{cause.resource}` ({cause.fault})" for cause in merged_causes([finding]))
    said = say(language, "again_causes", causes=causes) if causes else say(language, "again_clean")
    return f"## {say(language, 'again')}\n\n{said}"
