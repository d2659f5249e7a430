"""What the metrics analyst's tool results add up to: numbers as evidence, and a text that stands on its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from agents.cluster.times import iso
from agents.metrics.capacity_tool import capacity_in, capacity_text, compose_capacity, wanted
from agents.metrics.chart import bars
from agents.metrics.measure import NO_HISTORY
from agents.metrics.results import Consumer, TopResources
from agents.metrics.runbook import Asked, asked_of, inside, rows_of
from agents.metrics.told_analyses import SOURCE, Analyses, cores, size
from agents.metrics.told_trends import Trends
from agents.metrics.top import strained
from agents.metrics.wording import say
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Evidence, Finding, Language

MAX_ROWS = 10
MAX_NAMED = 3
MAX_BARS = 8


def compose(turn: Turn) -> Finding:
    """The Finding: `facts` hold the rows for other subtasks."""
    return compose_capacity(turn) if wanted(turn) else _Composition(turn).finding()


class _Composition:
    """One answer in the making."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.language: Language = turn.subtask.language
        self.asked: Asked = asked_of(turn)
        self.tops = results_of(turn.results, "top_resources", TopResources)
        self.workloads = inside(rows_of(turn, self.asked.grouping), self.asked)
        self.averaged = next((top for top in self.tops if top.window), None)
        self.trends = Trends(turn)
        self.capacity = capacity_in(turn)
        self.nodes = rows_of(turn, "nodes")
        self.named = [row for row in self.workloads if self.asked.concerns(row)]
        self.strained = [row for row in self.workloads if strained(row)]
        self.analyses = Analyses(turn)
        self.observed_at = min((top.observed_at for top in self.tops), default=datetime.now(UTC))

    def finding(self) -> Finding:
        missing = [f"{result.name}: {result.error}" for result in self.turn.results if result.error]
        missing += [top.problem for top in self.tops if top.problem and top.problem != NO_HISTORY]
        missing += self.analyses.problems
        missing += self.trends.problems
        if self._window_unanswered():
            missing.append(say("window", self.language, window=self.asked.window))
        parts = [
            self._summary(),
            self._chart(),
            self.trends.text(),
            self.analyses.text(),
            capacity_text(self.capacity, self.language) if self.capacity else "",
            self._table(),
            self._node_table(),
            self._caveat(),
        ]
        return Finding(
            specialist="metrics",
            language=self.language,
            text="\n\n".join(part for part in parts if part),
            evidence=[*self.trends.evidence(), *self.analyses.evidence(), *self._evidence()],
            missing=list(dict.fromkeys(missing)),
            facts=self._facts(),
        )

    def _shown(self) -> list[Consumer]:
        """The workloads that the answer is about: named ones first, then the strained or the biggest."""
        rest = self.workloads if self.asked.top else self.strained
        if self.asked.trend and self.named:
            rest = []
        return list({row.resource: row for row in (*self.named, *rest)}.values())[:MAX_ROWS]

    # The text

    def _summary(self) -> str:
        if not self.tops:
            return ""
        place = say("in_namespace", self.language, namespace=self.asked.namespace) if self.asked.namespace else ""
        if not self.workloads:
            return say("nothing", self.language, place=place)
        lines = [
            say("named", self.language, resource=row.resource, numbers=self._numbers(row))
            for row in self.named[:MAX_NAMED]
        ]
        others = [row for row in self.strained if row not in self.named]
        if self.asked.top:
            what = say("memory" if self.asked.memory else "cpu", self.language)
            used = [f"`{row.resource}` {self._used(row)}" for row in self.workloads[:5] if row.cpu is not None]
            if used:
                window = self.averaged.window if self.averaged else None
                key = "top_over" if window else "top"
                lines.insert(0, say(key, self.language, what=what, rows=", ".join(used), window=window, place=place))
        elif self.asked.trend:
            pass  # the trends answer, and rows of others would bury them
        elif others and not (self.asked.cost or self.asked.scaling):
            rows = "; ".join(f"`{row.resource}` ({self._strain(row)})" for row in others[:5])
            lines.append(say("strained", self.language, count=len(others), rows=rows))
        elif not self.strained and not self.named:
            lines.append(say("calm", self.language, place=place, count=len(self.workloads)))
        return "\n".join(lines)

    def _chart(self) -> str:
        if not self.asked.top:
            return ""
        known = [row for row in self.workloads[:MAX_BARS] if row.cpu is not None]
        values = [float((row.memory if self.asked.memory else row.cpu) or 0) for row in known]
        names = [row.resource for row in known]
        return bars([(n, v, self._used(row)) for n, v, row in zip(names, values, known, strict=True)])

    def _window_unanswered(self) -> bool:
        return bool(self.asked.window and self.asked.top and self.averaged is None)

    def _used(self, row: Consumer) -> str:
        return size(row.memory) if self.asked.memory else cores(row.cpu)

    def _numbers(self, row: Consumer) -> str:
        parts = [
            f"CPU {cores(row.cpu)} / {cores(row.cpu_limit)}",
            f"{say('memory', self.language)} {size(row.memory)} / {size(row.memory_limit)}",
        ]
        strain = self._strain(row)
        return ", ".join([*parts, strain] if strain else parts)

    def _strain(self, row: Consumer) -> str:
        parts: list[str] = []
        if row.ready is not None and row.ready < row.pods:
            parts.append(say("ready", self.language, ready=row.ready, pods=row.pods))
        if row.memory_percent is not None and (row.memory_percent >= 85 or not parts):
            parts.append(say("of_limit", self.language, percent=row.memory_percent))
        if row.cpu_percent is not None and row.cpu_percent >= 90:
            parts.append(say("of_cpu_limit", self.language, percent=row.cpu_percent))
        if row.restarts:
            exit_text = row.last_exit or say("unknown", self.language)
            parts.append(say("restarts", self.language, count=row.restarts, exit=exit_text))
        return ", ".join(parts)

    def _table(self) -> str:
        rows = self._shown()
        if not rows:
            return ""
        heading = "Pods" if self.asked.grouping == "pods" else say("workloads_heading", self.language)
        columns = say("workload_columns", self.language, what=say(f"column_{self.asked.grouping}", self.language))
        lines = [f"### {heading}", columns, _rule(6)]
        for row in rows:
            cpu = f"{cores(row.cpu)} ({cores(row.cpu_request)} / {cores(row.cpu_limit)})"
            memory = f"{size(row.memory)} ({size(row.memory_request)} / {size(row.memory_limit)})"
            share = "-" if row.memory_percent is None else f"{row.memory_percent:g}%"
            ended = f"{row.restarts}" + (f" ({row.last_exit})" if row.last_exit else "")
            lines.append(f"| `{row.resource}` | {row.ready}/{row.pods} | {cpu} | {memory} | {share} | {ended} |")
        return "\n".join(lines)

    def _node_table(self) -> str:
        if not self.nodes or not (self.asked.nodes or self.asked.top):
            return ""
        lines = [f"### {say('nodes_heading', self.language)}", say("node_columns", self.language), _rule(5)]
        for row in self.nodes[:MAX_ROWS]:
            cpu = f"{cores(row.cpu)} / {cores(row.cpu_limit)}{_share(row.cpu_percent)}"
            memory = f"{size(row.memory)} / {size(row.memory_limit)}{_share(row.memory_percent)}"
            requested = f"{cores(row.cpu_request)}, {size(row.memory_request)}"
            lines.append(f"| `{row.resource}` | {row.pods} | {cpu} | {memory} | {requested} |")
        return "\n".join(lines)

    def _caveat(self) -> str:
        if not any(row.cpu is not None for row in (*self.workloads, *self.nodes)):
            return ""
        if self.averaged is not None:
            nodes = say("nodes_now", self.language) if self.nodes and (self.asked.nodes or self.asked.top) else ""
            about = {"window": self.averaged.window, "query": self.averaged.query, "nodes": nodes}
            return say("averages", self.language, time=iso(self.observed_at), **about)
        historic = bool(self.trends.facts()) or self.analyses.historic
        lines = [say("table_now" if historic else "point_in_time", self.language, time=iso(self.observed_at))]
        if self._window_unanswered():
            lines.append(say("window", self.language, window=self.asked.window))
        return " ".join(lines)

    # The evidence

    def _evidence(self) -> Iterable[Evidence]:
        shown = self._shown()
        for row in shown:
            yield self._row_evidence(row)
        for node in self.nodes[:MAX_ROWS] if self.asked.nodes or self.asked.top else _full(self.nodes):
            yield self._row_evidence(node)

    def _row_evidence(self, row: Consumer) -> Evidence:
        node = row.resource.startswith("Node/")
        namespace = "" if node else row.resource.split("/")[0]
        measured = row.cpu is not None
        if measured:
            text = f"{row.resource}: CPU {cores(row.cpu)} of {cores(row.cpu_limit)}, memory {size(row.memory)} of "
        else:
            text = f"{row.resource}: usage not measured, limits CPU {cores(row.cpu_limit)}, memory "
        text += size(row.memory_limit)
        if row.pods > 1 and row.memory_limit and not node:
            text += f" in all, {size(row.memory_limit // row.pods)} in each of {row.pods} pods"
        text += f", fullest container {row.fullest} at {row.memory_percent:g}%" if row.fullest else ""
        if row.restarts and not node:
            text += f", {row.restarts} restarts, last exit {row.last_exit or 'unknown'}"
        query = "kubectl top nodes" if node else f"kubectl top pods -n {namespace} --containers"
        source = SOURCE
        if self.averaged is not None and not node:
            source, query = f"prometheus (average over {self.averaged.window})", self.averaged.query
        return Evidence(
            source=source if measured else "pod status",
            query=query if measured else f"kubectl get pods -n {namespace}",
            observed_at=self.observed_at,
            excerpt=text[:400],
        )

    def _facts(self) -> dict[str, Any]:
        shown = [row.model_dump(mode="json", exclude_none=True) for row in self._shown()]
        costs = [cost.model_dump(mode="json", exclude_none=True) for cost in self.analyses.costs]
        scalings = [scaling.model_dump(mode="json", exclude_none=True) for scaling in self.analyses.scalings]
        found: dict[str, Any] = {"workloads": shown, "costs": costs, "autoscaling": scalings}
        found["trends"] = self.trends.facts()
        now = self.averaged is None and not self.analyses.historic
        return {**{key: value for key, value in found.items() if value}, "point_in_time": now}


def _full(nodes: Sequence[Consumer]) -> list[Consumer]:
    return [row for row in nodes if (row.cpu_percent or 0) >= 85 or (row.memory_percent or 0) >= 85]


def _share(percent: float | None) -> str:
    return "" if percent is None else f" ({percent:g}%)"


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns
