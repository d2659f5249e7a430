"""Findings -> answer: Markdown in the asker's language, summary first, every claim with its evidence. Pure.

It never invents: root causes, numbers and changes are the findings' own; where evidence ends it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agents.runtime.findings import Evidence, Finding, Language, RootCause
from planner import aftermath
from planner.answer import Answer
from planner.merge import merged_causes, unique_evidence, unique_text
from planner.offer import how_to
from planner.plan import Plan, Subtask
from planner.proposals import EXECUTOR, ProposedAction, proposals
from planner.request import Request
from planner.wording import action_phrase, ago, change_phrase, say, time_text

MAX_SEEN = 6
"""Further observations shown beside the evidence of root causes."""
DIAGNOSIS = "diagnoser"
"""Whose silence means that health cannot be claimed."""


def synthesise(request: Request, plan: Plan, findings: Mapping[str, Finding], now: datetime) -> Answer:
    """The answer of the runbook; a model may later say it better, and this one stands when that fails."""
    page = _Page(request, plan, [(s, findings[s.id]) for s in plan.subtasks if s.id in findings], now)
    text = "\n\n".join(section for section in page.sections() if section)
    return Answer(
        text=text, root_causes=page.causes, actions=[action.as_json() for action in page.actions], missing=page.missing
    )


def appendix(request: Request, plan: Plan, findings: Mapping[str, Finding], now: datetime) -> str:
    """What follows somebody else's explanation: what to do, evidence, what is missing, with the same numbers."""
    page = _Page(request, plan, [(s, findings[s.id]) for s in plan.subtasks if s.id in findings], now)
    list(page.explanation())
    return "\n\n".join(section for section in page.supplement() if section)


def missing_parts(request: Request, plan: Plan, findings: Iterable[Finding]) -> list[str]:
    """What did not arrive: subtasks that brought nothing, and what specialists could not see."""
    lines: list[str] = []
    for subtask in plan.subtasks:
        words = {"specialist": subtask.specialist, "title": subtask.title, "reason": subtask.note or subtask.status}
        if subtask.status in ("failed", "cancelled"):
            lines.append(say(request.language, "failed", **words))
        elif subtask.status == "skipped":
            lines.append(say(request.language, "skipped", **words))
    return unique_text([*lines, *(line for finding in findings for line in finding.missing)])


class _Page:
    """One answer in the making; evidence gets its numbers in the order in which it is cited."""

    def __init__(self, request: Request, plan: Plan, parts: list[tuple[Subtask, Finding]], now: datetime) -> None:
        self.language: Language = request.language
        self.plan, self.now = plan, now
        self.how_to = how_to(request)
        self.all_findings = {subtask.id: finding for subtask, finding in parts}
        self.acted = bool(aftermath.done(plan, self.all_findings, self.language))
        self.parts = [(subtask, finding) for subtask, finding in parts if not subtask.after_change]
        self.findings = [finding for _, finding in self.parts]
        self.causes = merged_causes(self.findings)
        self.actions = proposals(self.findings, self.causes)
        self.missing = missing_parts(request, plan, self.all_findings.values())
        self.notes = list(request.notes)
        self._cited: dict[tuple[str, str], tuple[int, Evidence]] = {}

    def sections(self) -> Iterable[str]:
        """The parts of the answer, top to bottom; empty ones are left out by the caller."""
        yield from aftermath.sections(self.plan, self.all_findings, self.language)
        yield from self.explanation()
        yield from self.supplement()

    def explanation(self) -> Iterable[str]:
        """What is the matter; who asks for facts reads those first, and a fault that was seen on the way after them."""
        if self.plan.intent == "facts":
            yield from self._texts()
        if not self.acted:
            yield self._summary()
        if self.causes:
            yield self._causes()
            yield self._changes()
        if self.plan.intent != "facts":
            yield from self._texts()

    def supplement(self) -> Iterable[str]:
        """What to do, and what all of it rests on."""
        yield self._todo()
        yield self._seen()
        yield self._evidence()
        yield self._list("elsewhere", unique_text(line for f in self.findings for line in f.elsewhere))
        yield self._list("missing", self.missing)
        yield "\n".join(f"*{note}*" for note in self.notes)

    def say(self, key: str, **values: Any) -> str:
        return say(self.language, key, **values)

    def _summary(self) -> str:
        if len(self.causes) == 1:
            cause = self.causes[0]
            first = self.say("cause_one", resource=cause.resource, fault=cause.fault)
            return f"{first} {first_sentence(cause.explanation)}".strip()
        if self.causes:
            lines = (f"- `{c.resource}` ({c.fault}): {first_sentence(c.explanation)}" for c in self.causes)
            return "\n".join((self.say("cause_many", count=len(self.causes)), *lines))
        if not self.findings:
            return self.say("nothing")
        if self.plan.intent == "change":
            return self.say("prepared") if any(action.approvable for action in self.actions) else ""
        if self.plan.intent not in ("diagnose", "repair") or not any(
            s.specialist == DIAGNOSIS for s in self.plan.subtasks
        ):
            return ""
        failed = [s for s in self.plan.subtasks if s.specialist == DIAGNOSIS and s.status != "done"]
        if failed:
            return self.say("undiagnosed", reason=failed[0].note or failed[0].status)
        unseen = any(finding.missing for subtask, finding in self.parts if subtask.specialist == DIAGNOSIS)
        return self.say("healthy_partly" if unseen else "healthy")

    def _causes(self) -> str:
        heading = self.say("cause" if len(self.causes) == 1 else "causes")
        return "\n\n".join((f"## {heading}", *(self._cause(n, cause) for n, cause in enumerate(self.causes, 1))))

    def _cause(self, number: int, cause: RootCause) -> str:
        lines = [f"{number}. **`{cause.resource}`** — {_one_line(cause.explanation)}{self._cite(cause.evidence)}"]
        if cause.since:
            lines.append(self.say("since", time=time_text(cause.since), ago=ago(cause.since, self.now, self.language)))
        confidence = self.say("confidence", percent=round(cause.confidence * 100))
        reason = f"（{cause.confidence_reason}）" if self.language == "zh" else f" ({cause.confidence_reason})"
        lines.append(confidence + (reason if cause.confidence_reason else ""))
        if len(cause.chain) > 1:
            colon = "：" if self.language == "zh" else ": "
            lines.append(f"{self.say('chain')}{colon}{' → '.join(cause.chain)}")
        return "\n   - ".join(lines)

    def _changes(self) -> str:
        changes = [change for cause in self.causes for change in cause.changes]
        return self._list("changed", unique_text(change_phrase(change, self.language) for change in changes))

    def _texts(self) -> Iterable[str]:
        """What specialists say in their own words: all of it when facts were asked, else only what no section holds."""
        shown = [(s, f) for s, f in self.parts if f.text.strip() and self._speaks(s)]
        alone = len(shown) == 1 and not self.causes
        for subtask, finding in shown:
            text = _with_headings_from(2 if alone else 4, finding.text.strip())
            text = f"{text}{_gap(text)}{self._cite(finding.evidence)}".rstrip()
            yield text if alone else f"### {self.say('says', name=subtask.specialist)}\n\n{text}"

    def _speaks(self, subtask: Subtask) -> bool:
        if subtask.specialist == EXECUTOR:
            return not self.actions and not self.acted
        if self.causes:
            asked = self.plan.intent == "facts" and subtask.id == self.plan.subtasks[0].id
            return subtask.specialist not in (DIAGNOSIS, "auditor", "metrics") or (
                asked and subtask.specialist != DIAGNOSIS
            )
        return True

    def _todo(self) -> str:
        left = [item for item in self.actions if item.outcome is None or not item.outcome.final]
        short = [item for item in left if item.term == "short"]
        long = [item for item in left if item.term != "short"]
        advice = unique_text(line for cause in self.causes for line in cause.advice)
        now = [self._action(item) for item in short] or [f"- {line}" for line in advice[:1] if not self.acted]
        # Advice begins with the short term, which the Actions already are.
        later = [self._action(item) for item in long] + [
            f"- {line}" for line in advice[1:] or (advice if short else ())
        ]
        parts = []
        if now:
            parts.append("\n".join((f"## {self.say('now')}\n", *now)))
            if any(item.approvable for item in short):
                parts.append(self.say("approval", how=self.how_to))
        if later:
            parts.append("\n".join((f"## {self.say('later')}\n", *later)))
        return "\n\n".join(parts)

    def _action(self, item: ProposedAction) -> str:
        phrase = action_phrase(item, self.language)
        dash = "。" if self.language == "zh" else ". "
        reason = dash + _capital(_one_line(item.reason)) if item.reason else ""
        lines = [f"- {_capital(phrase)}{reason}", *(f"  - {remark}" for remark in self._remarks(item))]
        diff = item.proposal.diff.strip("\n") if item.proposal else ""
        if diff:
            lines += ["", "  ```diff", *(f"  {line}" for line in diff.splitlines()), "  ```"]
        return "\n".join(lines)

    def _remarks(self, item: ProposedAction) -> Iterable[str]:
        """What a person should know before approving, in the executor's own words."""
        if item.outcome is not None:
            yield item.outcome.text or item.outcome.status
        proposal = item.proposal
        if proposal is None:
            return
        if proposal.risk.level:
            reasons = "; ".join(proposal.risk.reasons)
            yield self.say("risk", level=proposal.risk.level) + (f" ({reasons})" if reasons else "")
        yield from proposal.effects
        yield from proposal.warnings
        if proposal.lacking:
            yield self.say("lacking", rights=", ".join(proposal.lacking))
        if proposal.way_back:
            yield self.say("way_back", action=proposal.way_back)
        yield self.say("proposal", id=proposal.proposal, digest=proposal.digest[:12])

    def _seen(self) -> str:
        """What the diagnoser was asked about beside the root causes, and numbers, events and audit entries that speak
        of a root cause's object; what was cited is not said again.
        """
        if not self.causes:
            return ""
        names = {cause.resource.rsplit("/", 1)[-1] for cause in self.causes}
        found = unique_evidence(item for finding in self.findings for item in finding.evidence)
        asked = [
            item for subtask, finding in self.parts if subtask.specialist == DIAGNOSIS for item in finding.evidence
        ]
        about = asked + [i for i in found if i not in asked and any(name in f"{i.query} {i.excerpt}" for name in names)]
        fresh = [item for item in about if (item.source, item.excerpt) not in self._cited][:MAX_SEEN]
        return self._list("seen", [f"{_one_line(item.excerpt)}{self._cite([item])}" for item in fresh])

    def _cite(self, evidence: Iterable[Evidence]) -> str:
        numbers: list[int] = []
        for item in evidence:
            number, _ = self._cited.setdefault((item.source, item.excerpt), (len(self._cited) + 1, item))
            numbers.append(number)
        marks = "".join(f"[{number}]" for number in dict.fromkeys(numbers))
        return f" {marks}" if marks else ""

    def _evidence(self) -> str:
        lines = [
            f"{number}. {item.source}, {time_text(item.observed_at)}: {_code(item.excerpt)}"
            + (f" — `{_one_line(item.query)}`" if item.query else "")
            for number, item in self._cited.values()
        ]
        return "\n".join((f"## {self.say('evidence')}\n", *lines)) if lines else ""

    def _list(self, heading: str, lines: list[str]) -> str:
        return "\n".join((f"## {self.say(heading)}\n", *(f"- {line}" for line in lines))) if lines else ""


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, so that `v1.2.3` stays whole."""
    line = _one_line(text)
    ends = [i for mark in (". ", "。", "! ", "! ") if (i := line.find(mark)) > 0]
    return line[: min(ends) + 1] if ends else line


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    """As inline code, whatever backticks are in it."""
    line = _one_line(text)
    fence = "``" if "`" in line else "`"
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def _with_headings_from(level: int, markdown: str) -> str:
    """The text with its topmost heading at `level`, so that it fits below one of ours; code blocks are left alone."""
    fenced, lines, headings = False, markdown.splitlines(), dict[int, int]()
    for number, line in enumerate(lines):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (match := re.match(r"#+(?= )", line)):
            headings[number] = len(match[0])
    shift = level - min(headings.values(), default=level)
    for number, depth in headings.items():
        lines[number] = "#" * min(6, depth + shift) + lines[number][depth:]
    return "\n".join(lines)


def _gap(markdown: str) -> str:
    """What sets off the citations of a whole text: after a table, list or code block they get a line of their own."""
    last = markdown.rpartition("\n")[2].lstrip()
    return "\n\n" if last.startswith(("|", "-", "*", "```")) else ""
