"""The report as Markdown, for terminals, chats and tickets. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agents.runtime.findings import Language
from planner.report.amounts import cores, memory, money, percent
from planner.report.report import Comparison, Report
from planner.report.wording import say
from planner.wording import action_phrase, change_phrase, time_text

MAX_ITEMS = 8
MAX_SIZING = 15


def to_markdown(report: Report) -> str:
    """Everything but the charts, in the report's language."""
    page = _Page(report)
    return "\n\n".join(part for part in page.parts() if part) + "\n"


class _Page:
    """One report being written down."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.language: Language = report.language

    def say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def parts(self) -> Iterable[str]:
        """Top to bottom; empty parts are left out by the caller."""
        report = self.report
        cluster = report.cluster or self.say("default_cluster")
        yield f"# {self.say('title')}: {cluster}"
        score = "–" if report.score is None else f"{report.score:g}"
        yield f"**{self.say('score')}: {score} / 100 ({self.say(report.grade)})** · {time_text(report.created_at)}"
        if report.score is None:
            yield self.say("no_look")
        yield self._since_last(report.comparison)
        yield from self._causes()
        yield from self._risks()
        yield from self._capacity()
        yield from self._ledger()
        yield self._list("missing", report.missing)
        yield f"*{self.say('footer', id=report.id, request=report.request_id)}*"

    def _since_last(self, found: Comparison | None) -> str:
        if found is None:
            return ""
        lines = [f"- {kind} {line}" for kind, line in comparison_lines(self.report, found)]
        return "\n".join((f"## {self.say('since_last')}\n", *(lines or [self.say("unchanged")])))

    def _causes(self) -> Iterable[str]:
        yield f"## {self.say('causes')}"
        if not self.report.causes and self.report.score is not None:
            yield self.say("no_causes")
        for number, cause in enumerate(self.report.causes, 1):
            lines = [f"{number}. **`{cause.resource}`** (`{cause.fault}`): {_line(cause.explanation)}"]
            lines += [f"{self.say('since')}: {time_text(cause.since)}"] if cause.since else []
            lines += [f"{self.say('chain')}: {' → '.join(cause.chain)}"] if len(cause.chain) > 1 else []
            lines += [f"{self.say('changes')}: {change_phrase(change, self.language)}" for change in cause.changes]
            lines += [f"{self.say('evidence')}: {_line(e.excerpt)} (`{_line(e.query)}`)" for e in cause.evidence]
            todo = [action_phrase(action, self.language) for action in cause.remedies] or list(cause.advice[:1])
            lines += [f"{self.say('todo')}: {_line(line)}" for line in todo]
            yield "\n   - ".join(lines)
        yield self._list("elsewhere", [f"`{line}`" for line in self.report.elsewhere])

    def _risks(self) -> Iterable[str]:
        health = self.report.health
        if health is None:
            return
        yield f"## {self.say('risks')}"
        if not health.risks:
            yield self.say("no_risks")
        for risk in health.risks:
            share = self.say("of", total=risk.total, examined=risk.examined)
            lines = [f"### {self.say(risk.severity)}: {risk.title} ({share})", "", f"{risk.why} {risk.advice}", ""]
            lines += [f"- `{i.resource}`{': ' + _line(i.detail) if i.detail else ''}" for i in risk.items[:MAX_ITEMS]]
            lines += [f"- {self.say('more', n=risk.total - MAX_ITEMS)}"] if risk.total > MAX_ITEMS else []
            yield "\n".join(lines)

    def _capacity(self) -> Iterable[str]:
        facts = self.report.capacity
        if facts is None:
            return
        yield f"## {self.say('utilisation')}"
        yield basis(self.report)
        head = [self.say("node"), self.say("cpu"), self.say("requested"), self.say("memory"), self.say("requested")]
        rows = [
            [
                f"`{n.name}`",
                f"{cores(n.cpu_used)} / {cores(n.cpu)}",
                percent(n.cpu_requested, n.cpu),
                f"{memory(n.memory_used)} / {memory(n.memory)}",
                percent(n.memory_requested, n.memory),
            ]
            for n in facts.nodes
        ]
        yield _table(head, rows)
        yield from self._sizing()
        yield from self._packing()
        yield from self._cost()

    def _sizing(self) -> Iterable[str]:
        facts = self.report.capacity
        if facts is None:
            return
        yield f"## {self.say('sizing')}"
        if not facts.sizing:
            yield self.say("not_measured")
            return
        head = [self.say("container"), "CPU p50/p95/p99", self.say("request"), self.say("memory") + " p50/p95/p99",
                self.say("request"), self.say("limit"), self.say("verdict")]  # fmt: skip
        rows = [
            [
                f"`{r.resource}/{r.container}` ×{r.pods}",
                "/".join(map(cores, (r.cpu.p50, r.cpu.p95, r.cpu.p99))),
                f"{cores(r.cpu_request)} → {cores(r.cpu_request_advised)}",
                "/".join(map(memory, (r.memory.p50, r.memory.p95, r.memory.p99))),
                f"{memory(r.memory_request)} → {memory(r.memory_request_advised)}",
                f"{memory(r.memory_limit)} → {memory(r.memory_limit_advised)}",
                self.say(r.verdict),
            ]
            for r in facts.sizing[:MAX_SIZING]
        ]
        yield _table(head, rows)
        yield "\n".join(f"- `{row.resource}/{row.container}`: {note}" for row in facts.sizing for note in row.notes)
        yield f"{self.say('rule')}: {facts.rule}"

    def _packing(self) -> Iterable[str]:
        packing = self.report.capacity.packing if self.report.capacity else None
        if packing is None:
            return
        yield f"## {self.say('packing')}"
        key = "fewer" if packing.removable else "same"
        told = f"**{self.say(key, needed=packing.nodes_needed, now=packing.nodes_now)}**"
        if packing.nodes_if_resized is not None:
            told += f" ({self.say('resized', n=packing.nodes_if_resized)})"
        names = ", ".join(f"`{name}`" for name in packing.removable)
        yield f"{told}\n\n{self.say('removable')}: {names}" if names else told
        yield "\n".join((f"{self.say('assumptions')}:\n", *(f"- {line}" for line in packing.assumptions)))

    def _cost(self) -> Iterable[str]:
        bill = self.report.capacity.money if self.report.capacity else None
        if bill is None:
            return
        yield f"## {self.say('cost')} ({self.say('per_month')})"
        rows = [
            [self.say("cost_nodes"), money(bill.nodes, bill.currency)],
            [self.say("cost_idle"), money(bill.idle, bill.currency)],
            [self.say("cost_saved"), money(bill.saved_by_packing, bill.currency)],
        ]
        yield _table(["", bill.currency], rows)

    def _ledger(self) -> Iterable[str]:
        if self.report.score is None:
            return
        yield f"## {self.say('ledger')}"
        rows = [[d.title, d.formula, f"−{d.points:g}"] for d in self.report.deductions]
        rows.append([f"**{self.say('score')}**", "", f"**{self.report.score:g}**"])
        yield _table([self.say("deduction"), self.say("sum"), self.say("points")], [["", "", "100"], *rows])
        yield self.say("weights")

    def _list(self, heading: str, lines: list[str]) -> str:
        return "\n".join((f"## {self.say(heading)}\n", *(f"- {_line(line)}" for line in lines))) if lines else ""


def basis(report: Report) -> str:
    """Where the numbers come from, and whether they are of one moment."""
    facts = report.capacity
    if facts is None:
        return ""
    key = "point_in_time" if facts.point_in_time else "over_time"
    return say(report.language, key, source=facts.source, window=facts.window)


def comparison_lines(report: Report, found: Comparison) -> list[tuple[str, str]]:
    """Each thing that moved: `+` for what is new or more, `-` for what is gone or fewer, `Δ` for the score."""
    language = report.language
    lines: list[tuple[str, str]] = []
    if found.delta:
        before = f"{found.previous_score:g} → {report.score:g} ({found.delta:+g})"
        lines.append(("Δ", f"{say(language, 'score')}: {before}"))
    lines += [("+", f"{say(language, 'new')}: {line}") for line in (*found.causes_new, *found.risks_new)]
    lines += [("+", f"{say(language, 'worse')}: {m.title} {m.before} → {m.after}") for m in found.risks_worse]
    lines += [("-", f"{say(language, 'gone')}: {line}") for line in (*found.causes_gone, *found.risks_gone)]
    lines += [("-", f"{say(language, 'better')}: {m.title} {m.before} → {m.after}") for m in found.risks_better]
    return lines


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _line(text: str) -> str:
    return " ".join(text.split())
