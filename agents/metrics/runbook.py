"""How the metrics analyst works without a model. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from agents.cluster.resources import WORKLOADS, Resource
from agents.cluster.words import mentions, namespace_in, window_in
from agents.metrics.results import Consumer, Result, TopResources
from agents.runtime.definition import ToolCall, ToolResult, Turn

_COST = re.compile(
    r"(?i)\b(?:cost\w*|siz(?:e|ed|ing)|right-?siz\w+|sav(?:e|ing)\w*|waste\w*|over-?provision\w*|requests? and limits?"
    r"|recommend\w*)\b|成本|规格|浪费|节省|合理|推荐|资源配置|优化"
)
_SCALING = re.compile(r"(?i)\b(?:autoscal\w*|hpa|scal(?:e|es|ing)|replicas)\b|弹性|伸缩|扩容|缩容|副本")
_TOP = re.compile(
    r"(?i)\b(?:top|most|highest|biggest|largest|consum\w*|usage|uses?|using|utili[sz]ation|busiest)\b"
    r"|最多|最高|最大|占用|使用率|用量|消耗|排名|前\d"
)
_MEMORY = re.compile(r"(?i)\b(?:memory|ram|oom\w*|mem)\b|内存")
_NODES = re.compile(r"(?i)\bnodes?\b|节点")
MAX_ANALYZED = 3
ANALYSES = ("analyze_workload_cost", "analyze_workload_autoscaling")

R = TypeVar("R", bound=Result)


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
    return Asked(
        top=bool(_TOP.search(question)) and not cost and not scaling,
        cost=cost,
        scaling=scaling,
        memory=bool(_MEMORY.search(question)),
        nodes=bool(_NODES.search(question)),
        namespace=str(namespace) if namespace else None,
        resource=resource,
        question=question,
        names=tuple(map(str, names)) if isinstance(names, list | tuple) else (),
        window=window_in(question),
    )


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """Usage of workloads and nodes at once; then sizing or autoscaling of what was named."""
    asked = asked_of(turn)
    cluster: dict[str, Any] = {"cluster_id": turn.subtask.cluster_id} if turn.subtask.cluster_id else {}
    if not any(result.name == "top_resources" for result in turn.results):
        place: dict[str, Any] = {"namespace": asked.namespace} if asked.namespace else {}
        order = ("memory" if asked.memory else "cpu") if asked.top else "trouble"
        workloads = {**cluster, **place, "group_by": "workloads", "sort_by": order, "limit": 200}
        nodes = {**cluster, "group_by": "nodes", "sort_by": "memory" if asked.memory else "cpu", "limit": 50}
        return [ToolCall("top_resources", workloads), ToolCall("top_resources", nodes)]
    if (asked.cost or asked.scaling) and not any(result.name in ANALYSES for result in turn.results):
        rows = [row for row in rows_of(turn, "workloads") if row.resource.split("/")[-2] in WORKLOADS]
        named = [row for row in rows if asked.concerns(row)]
        tool = "analyze_workload_autoscaling" if asked.scaling and not asked.cost else "analyze_workload_cost"
        chosen = (named or (rows if asked.namespace else []))[:MAX_ANALYZED]
        return [ToolCall(tool, {**cluster, **_target(row)}) for row in chosen]
    return []


def rows_of(turn: Turn, group_by: str) -> list[Consumer]:
    """The rows of top_resources, in its order."""
    own = [r for r in turn.results if r.name == "top_resources" and r.arguments.get("group_by") == group_by]
    return [row for found in results_of(own, "top_resources", TopResources) for row in found.consumers]


def results_of(results: Sequence[ToolResult], name: str, kind: type[R]) -> list[R]:
    """The structured results of a tool; what does not fit the model of it is left out."""
    found: list[R] = []
    for result in results:
        if result.name == name and isinstance(result.content, dict):
            try:
                found.append(kind.model_validate(result.content))
            except ValidationError:
                continue
    return found


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
