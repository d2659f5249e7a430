"""How the metrics analyst works without a model. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from agents.cluster.resources import WORKLOADS, Resource
from agents.cluster.times import parse_duration
from agents.cluster.words import mentions, namespace_in, window_in
from agents.metrics.capacity_tool import call, wanted
from agents.metrics.results import Consumer, TopResources
from agents.runtime.definition import ToolCall, Turn, results_of

_COST = re.compile(
    r"(?i)\b(?:cost\w*|siz(?:e|ed|ing)|right-?siz\w+|sav(?:e|ing)\w*|waste\w*|over-?provision\w*|requests? and limits?"
    r"|recommend\w*)\b|成本|规格|浪费|节省|合理|推荐|资源配置|优化"
)
_SCALING = re.compile(r"(?i)\b(?:autoscal\w*|hpa|scal(?:e|es|ing)|replicas)\b|弹性|伸缩|扩容|缩容|副本")
_TOP = re.compile(
    r"(?i)\b(?:top|most|highest|biggest|largest|consum\w*|usage|uses?|using|utili[sz]ation|busiest)\b"
    r"|最多|最高|最耗|最占|最吃|最大|占用|使用率|用量|消耗|排名|前\d"
)
_CPU = re.compile(r"(?i)\b(?:cpu|processor|cores?|load)\b|处理器|负载")
_MEMORY = re.compile(r"(?i)\b(?:memory|ram|oom\w*|mem)\b|内存")
_NODES = re.compile(r"(?i)\bnodes?\b|节点")
_PODS = re.compile(r"(?i)\bpods?\b|容器组")
_TREND = re.compile(
    r"(?i)\b(?:grow\w*|increas\w*|ris(?:e|es|ing)|climb\w*|leak\w*|trends?|creep\w*|go(?:es|ing)? up|decreas\w*"
    r"|over time|chang(?:e|ed|es|ing))\b|在涨|增长|上涨|上升|升高|泄[漏露]|趋势|越来越|持续|变化|涨了|涨吗"
)
_WITHIN = r"(?:\b(?:in|of|from|within|inside)\s+(?:the\s+)?{0}(?![\w-])|(?<![\w-]){0}\s*(?:里|中|内|下|上|的))"
LEAST_TREND = timedelta(minutes=15)
MAX_ANALYZED = 3
ANALYSES = ("analyze_workload_cost", "analyze_workload_autoscaling", "analyze_workload_trend", "analyze_capacity")


@dataclass(frozen=True)
class Asked:
    """One question to the metrics analyst."""

    top: bool
    """Who uses most is the question itself; otherwise what is strained."""
    cost: bool
    scaling: bool
    memory: bool
    nodes: bool
    namespace: str | None
    resource: Resource | None
    question: str
    names: tuple[str, ...]
    window: str | None
    """How far back the question looks: more than a point in time can answer."""
    trend: bool = False
    """Whether something grows is the question."""
    pods: bool = False
    """Single pods are asked for, not workloads."""

    @property
    def grouping(self) -> str:
        """What the rows are that the answer is about."""
        return "pods" if self.top and self.pods else "workloads"

    def concerns(self, row: Consumer) -> bool:
        """Whether a row is one that the question names."""
        name = row.resource.rsplit("/", 1)[-1]
        if self.resource and row.resource == str(self.resource):
            return True
        return name in self.names or mentions(self.question, [name])


def asked_of(turn: Turn) -> Asked:
    """Reads a turn: inputs win over words."""
    inputs, question = turn.subtask.inputs, turn.subtask.question or turn.instruction
    resource = _resource(inputs.get("resource"))
    names = inputs.get("names")
    namespace = inputs.get("namespace") or (resource.namespace if resource else None) or namespace_in(question)
    cost, scaling = bool(_COST.search(question)), bool(_SCALING.search(question))
    metric = _MEMORY.search(question) or _CPU.search(question)
    trend = bool(_TREND.search(question) and metric) and not cost and not scaling
    about_use = bool(_TOP.search(question) or trend)
    asked = Asked(
        top=bool(_TOP.search(question)) and not cost and not scaling and not trend,
        cost=cost,
        scaling=scaling,
        memory=bool(_MEMORY.search(question)),
        nodes=bool(_NODES.search(question)),
        namespace=str(namespace) if namespace else None,
        resource=resource,
        question=question,
        names=tuple(map(str, names)) if isinstance(names, list | tuple) else (),
        window=window_in(question),
        trend=trend,
        pods=bool(_PODS.search(question)),
    )
    if asked.namespace is None and (found := _namespace_among(turn, question, loosely=about_use or cost)):
        return replace(asked, namespace=found)
    return asked


def _namespace_among(turn: Turn, question: str, *, loosely: bool) -> str | None:
    """A namespace of the cluster that the question speaks of without calling it one: `in web`, `web 里`.

    Loosely, where only numbers are asked for, its name alone is enough, unless a workload is called that.
    """
    tops = results_of(turn.results, "top_resources", TopResources)
    known = {name for top in tops for name in top.namespaces}
    placed = [name for name in known if re.search(_WITHIN.format(re.escape(name)), question, re.IGNORECASE)]
    workloads = {row.resource.rsplit("/", 1)[-1] for top in tops for row in top.consumers}
    named = [name for name in known - workloads if loosely and mentions(question, [name])]
    return next(iter(sorted(placed) or sorted(named)), None)


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """Usage of workloads and nodes at once; then sizing or autoscaling of what was named."""
    if wanted(turn):
        return [] if turn.results else [call(turn)]
    asked = asked_of(turn)
    cluster: dict[str, Any] = {"cluster_id": turn.subtask.cluster_id} if turn.subtask.cluster_id else {}
    if not any(result.name == "top_resources" for result in turn.results):
        place: dict[str, Any] = {"namespace": asked.namespace} if asked.namespace else {}
        order = ("memory" if asked.memory else "cpu") if asked.top else "trouble"
        workloads = {**cluster, **place, "group_by": asked.grouping, "sort_by": order, "limit": 200}
        if asked.top and asked.window:
            workloads["window"] = asked.window
        nodes = {**cluster, "group_by": "nodes", "sort_by": "memory" if asked.memory else "cpu", "limit": 50}
        return [ToolCall("top_resources", workloads), ToolCall("top_resources", nodes)]
    if narrower := _narrower(turn, asked):
        return [narrower]
    if (asked.cost or asked.scaling or asked.trend) and not any(result.name in ANALYSES for result in turn.results):
        rows = [row for row in inside(rows_of(turn, "workloads"), asked) if row.resource.split("/")[-2] in WORKLOADS]
        named = [row for row in rows if asked.concerns(row)]
        chosen = (named or (rows if asked.namespace else []))[:MAX_ANALYZED]
        if asked.cost and not chosen:
            return [call(turn)]
        return [_analysis(asked, {**cluster, **_target(row)}) for row in chosen]
    return []


def _analysis(asked: Asked, arguments: dict[str, Any]) -> ToolCall:
    if asked.trend:
        metric = "cpu" if not asked.memory and _CPU.search(asked.question) else "memory"
        return ToolCall("analyze_workload_trend", {**arguments, "metric": metric, "window": trend_window(asked)})
    scaling = asked.scaling and not asked.cost
    return ToolCall("analyze_workload_autoscaling" if scaling else "analyze_workload_cost", arguments)


def trend_window(asked: Asked) -> str:
    """The time that a trend is looked for in: what was asked, but no less than shows one."""
    span = parse_duration(asked.window) if asked.window else None
    return asked.window if asked.window and span and span >= LEAST_TREND else "1h"


def _narrower(turn: Turn, asked: Asked) -> ToolCall | None:
    """The same rows of one namespace, when the answer for the whole cluster was cut before it could hold them all."""
    first = next((result for result in turn.results if result.arguments.get("group_by") == asked.grouping), None)
    if first is None or asked.namespace is None or not isinstance(first.content, dict):
        return None
    again = any(result.arguments.get("namespace") == asked.namespace for result in turn.results)
    if again or first.content.get("total", 0) <= len(first.content.get("consumers") or []):
        return None
    return ToolCall("top_resources", {**first.arguments, "namespace": asked.namespace})


def rows_of(turn: Turn, group_by: str) -> list[Consumer]:
    """The rows of top_resources, in its order; of a question that was asked again more narrowly the last ones."""
    own = [r for r in turn.results if r.name == "top_resources" and r.arguments.get("group_by") == group_by]
    found = results_of(own, "top_resources", TopResources)
    return list(found[-1].consumers) if found else []


def inside(rows: list[Consumer], asked: Asked) -> list[Consumer]:
    """The rows of the namespace that is asked about; all when none is."""
    return [row for row in rows if asked.namespace is None or row.resource.startswith(f"{asked.namespace}/")]


def _target(row: Consumer) -> dict[str, str]:
    namespace, kind, name = row.resource.split("/")
    return {"namespace": namespace, "workload_type": kind.lower(), "workload_name": name}


def _resource(text: object) -> Resource | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return Resource.parse(text)
    except ValueError:
        return Resource("", text)
