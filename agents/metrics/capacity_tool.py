"""analyze_capacity as a tool, and what its result says as a Finding."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field, ValidationError

from agents.cluster.clusters import Clusters
from agents.cluster.prometheus import PrometheusClient
from agents.cluster.quantities import format_cpu, format_memory
from agents.cluster.tools import READ_ONLY, with_errors_in_words
from agents.metrics.capacity import analyze_capacity as analyze
from agents.runtime.definition import ToolCall, Turn
from agents.runtime.findings import Evidence, Finding, Language
from agents.runtime.report_facts import CAPACITY, REPORT, CapacityFacts, Sizing
from agents.runtime.settings import Settings

TOOL = "analyze_capacity"
MAX_ROWS = 10

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "head": "| container | pods | CPU request now → advised | memory request now → advised | verdict |",
        "too_small": "too small",
        "too_big": "too big",
        "unset": "not set",
        "fits": "fits",
        "counts": "**{total} containers measured: {too_small} too small, {too_big} too big, {unset} without requests, "
        "{fits} fit.**",
        "none": "No container outside the system namespaces was measured, so nothing can be said about sizes.",
        "rule": "Rule: {rule}",
        "fewer": "Packing: {needed} of {now} nodes would do ({names} could be emptied). This is a plan, not a promise.",
        "same": "Packing: all {now} nodes are needed.",
        "resized": "With the advised requests {n} would do.",
        "money": "Cost: {nodes} {currency} per month, of which {idle} is requested by nobody.",
        "excerpt": "{nodes} nodes, CPU used {cpu}, memory used {memory}",
        "failed": "{tool}: {error}",
    },
    "zh": {
        "head": "| 容器 | Pod 数 | CPU 请求值 现在 → 建议 | 内存请求值 现在 → 建议 | 结论 |",
        "too_small": "偏小",
        "too_big": "偏大",
        "unset": "未设置",
        "fits": "合适",
        "counts": "**共测量 {total} 个容器：{too_small} 个偏小，{too_big} 个偏大，"
        "{unset} 个未设置请求值，{fits} 个合适。**",
        "none": "系统命名空间之外没有测到任何容器，无法判断规格。",
        "rule": "规则：{rule}",
        "fewer": "装箱：{now} 个节点中 {needed} 个就够（可以腾空 {names}）。这是估算，不是承诺。",
        "same": "装箱：{now} 个节点都需要。",
        "resized": "采用建议的请求值后需要 {n} 个。",
        "money": "费用：每月 {nodes} {currency}，其中 {idle} 没有任何工作负载请求。",
        "excerpt": "{nodes} 个节点，CPU 用量 {cpu}，内存用量 {memory}",
        "failed": "{tool}：{error}",
    },
}


def add_capacity(server: MCPServer[Any], clusters: Clusters, settings: Settings) -> None:
    """Registers the tool."""

    @server.tool(name=TOOL, annotations=READ_ONLY)
    @with_errors_in_words
    async def analyze_capacity(
        cluster_id: Annotated[
            str | None, Field(description="Kubeconfig context; may be left out when there is only one.")
        ] = None,
        language: Annotated[Language, Field(description="en or zh.")] = "en",
    ) -> CapacityFacts:
        """Looks at a whole cluster: use of nodes and workloads, right-sizing from percentiles, how many nodes would do,
        and what it costs when prices are configured."""
        cluster = await clusters.get(cluster_id)
        configured = settings.prometheus_of(cluster.id)
        # One number per container: the bound on series that protects answers for models would cut clusters short.
        history = PrometheusClient(configured.model_copy(update={"max_series": 10_000})) if configured else None
        return await analyze(cluster, history=history, prices=settings.reports.prices, language=language)


def wanted(turn: Turn) -> bool:
    """The planner asks for the facts of a report."""
    return turn.subtask.inputs.get("wish") == REPORT


def call(turn: Turn) -> ToolCall:
    """The one call that a report, or a question about the sizes of everything, needs."""
    arguments = {"language": turn.subtask.language}
    return ToolCall(TOOL, arguments | ({"cluster_id": turn.subtask.cluster_id} if turn.subtask.cluster_id else {}))


def capacity_in(turn: Turn) -> CapacityFacts | None:
    """The tool's result, when it was called in this turn."""
    for result in turn.results:
        if result.name == TOOL and isinstance(result.content, dict):
            try:
                return CapacityFacts.model_validate(result.content)
            except ValidationError:
                continue  # another server's tool of the same name
    return None


def compose_capacity(turn: Turn) -> Finding:
    """The Finding of a report's subtask. Pure."""
    language = turn.subtask.language
    facts = capacity_in(turn)
    missing = [
        _WORDS[language]["failed"].format(tool=r.name, error=r.error) for r in turn.results if r.error is not None
    ]
    if facts is None:
        return Finding(specialist="metrics", language=language, missing=missing)
    return Finding(
        specialist="metrics",
        language=language,
        text=capacity_text(facts, language),
        evidence=[_evidence(facts, language)],
        missing=[*missing, *([facts.problem] if facts.problem else [])],
        facts={CAPACITY: facts.model_dump(mode="json", exclude_defaults=True)},
    )


def capacity_text(facts: CapacityFacts, language: Language) -> str:
    """Sizes first, with their rule; then packing and cost."""
    words = _WORDS[language]
    parts = [words["none"]]
    if facts.sizing:
        counts = {name: sum(row.verdict == name for row in facts.sizing) for name in words if name in _VERDICTS}
        rows = [words["head"], "|---|---|---|---|---|", *(_row(row, words) for row in facts.sizing[:MAX_ROWS])]
        notes = [f"- `{row.resource}/{row.container}`: {note}" for row in facts.sizing[:MAX_ROWS] for note in row.notes]
        parts = [words["counts"].format(total=len(facts.sizing), **counts), "\n".join(rows), "\n".join(notes)]
        parts.append(words["rule"].format(rule=facts.rule))
    parts += [_packing(facts, words), _money(facts, words)]
    return "\n\n".join(part for part in parts if part)


_VERDICTS = ("too_small", "too_big", "unset", "fits")


def _row(row: Sizing, words: dict[str, str]) -> str:
    cpu = f"{_cpu(row.cpu_request)} → {format_cpu(row.cpu_request_advised)}"
    memory = f"{_memory(row.memory_request)} → {format_memory(row.memory_request_advised)}"
    return f"| `{row.resource}/{row.container}` | {row.pods} | {cpu} | {memory} | {words[row.verdict]} |"


def _packing(facts: CapacityFacts, words: dict[str, str]) -> str:
    packing = facts.packing
    if packing is None:
        return ""
    names = ", ".join(packing.removable)
    told = words["fewer" if names else "same"].format(now=packing.nodes_now, needed=packing.nodes_needed, names=names)
    if packing.nodes_if_resized is not None and packing.nodes_if_resized != packing.nodes_needed:
        told += " " + words["resized"].format(n=packing.nodes_if_resized)
    return told


def _money(facts: CapacityFacts, words: dict[str, str]) -> str:
    bill = facts.money
    if bill is None:
        return ""
    return words["money"].format(nodes=f"{bill.nodes:,.2f}", idle=f"{bill.idle:,.2f}", currency=bill.currency)


def _evidence(facts: CapacityFacts, language: Language) -> Evidence:
    cpu = sum(node.cpu_used or 0 for node in facts.nodes)
    memory = sum(node.memory_used or 0 for node in facts.nodes)
    return Evidence(
        source=f"{facts.source}{' (point in time)' if facts.point_in_time else f' ({facts.window})'}",
        query="kubectl top nodes",
        observed_at=facts.observed_at,
        excerpt=_WORDS[language]["excerpt"].format(
            nodes=len(facts.nodes), cpu=format_cpu(round(cpu, 3)), memory=format_memory(memory)
        ),
    )


def _cpu(cores: float | None) -> str:
    return "–" if cores is None else format_cpu(cores)


def _memory(size: int | None) -> str:
    return "–" if size is None else format_memory(size)
