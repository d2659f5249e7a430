"""Specialists that team.yaml declares and nobody programmed: other people's tools, an instruction, skills.

Without a language model such a specialist calls every read-only tool whose required parameters the request can fill,
and hands over what they said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from mcp.server.mcpserver import MCPServer

from agents.runtime.definition import AgentDefinition, ToolCall, ToolInfo, ToolResult, Turn
from agents.runtime.findings import Evidence, Finding, Language
from agents.runtime.settings import Settings
from agents.runtime.tool_output import fit

MAX_CALLS = 8
"""Tools that are called at once without a model; more would be a flood."""

_QUESTION = ("query", "question", "text", "search", "q", "keyword")
"""Parameters that take the person's own words."""
_MAX_SHOWN = 2000
"""Characters of one tool's output in the answer."""

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "nothing": "No tool of {name} could be called with what the request says, so there is nothing to report.",
        "intro": "What the tools of {name} said:",
        "failed": "{tool} gave no result: {error}",
    },
    "zh": {
        "nothing": "{name} 的工具无法仅凭该请求调用,因此没有可报告的内容。",
        "intro": "{name} 的工具返回如下:",
        "failed": "{tool} 没有返回结果:{error}",
    },
}


def declared_definition(name: str, settings: Settings) -> AgentDefinition:
    """The definition of a member from `agents.<name>` of the settings."""
    member = settings.agent(name)
    return AgentDefinition(
        name=name,
        tools=partial(_no_tools_of_its_own, name),
        runbook=fillable_calls,
        compose=partial(report, name),
        instruction=member.instruction or member.description,
    )


def _no_tools_of_its_own(name: str, settings: Settings) -> MCPServer:
    return MCPServer(name)


def fillable_calls(turn: Turn) -> list[ToolCall]:
    """Every read-only tool whose required parameters the subtask has values for, all at once, and then no more."""
    if turn.results:
        return []
    known, question = known_values(turn), turn.subtask.question
    calls = (_filled(tool, known, question) for tool in turn.tools if tool.read_only)
    return [call for call in calls if call][:MAX_CALLS]


def known_values(turn: Turn) -> dict[str, Any]:
    """Values by parameter name: the subtask's inputs, its cluster, and the parts of `namespace/Kind/name`."""
    subtask = turn.subtask
    known: dict[str, Any] = {}
    resource = subtask.inputs.get("resource")
    if isinstance(resource, str) and resource.count("/") in (1, 2):
        *namespace, kind, name = resource.split("/")
        known = {"kind": kind, "name": name} | ({"namespace": namespace[0]} if namespace else {})
    known |= {key: value for key, value in subtask.inputs.items() if value is not None}
    return known | ({"cluster_id": subtask.cluster_id} if subtask.cluster_id else {})


def _filled(tool: ToolInfo, known: dict[str, Any], question: str) -> ToolCall | None:
    arguments = {name: known[name] for name in tool.parameters if name in known}
    for name in tool.required:
        if name in arguments:
            continue
        if name not in _QUESTION:
            return None
        arguments[name] = question
    return ToolCall(tool.name, arguments)


def report(name: str, turn: Turn) -> Finding:
    """The tools' outputs as text, each as evidence, and failures as what is missing."""
    language = turn.subtask.language
    words = _WORDS[language]
    answered = [result for result in turn.results if result.error is None]
    failed = [result for result in turn.results if result.error is not None]
    missing = [words["failed"].format(tool=result.name, error=result.error) for result in failed]
    head = words["intro" if answered else "nothing"].format(name=name)
    return Finding(
        specialist=name,
        language=language,
        text="\n\n".join([head, *(_section(result) for result in answered), *missing]),
        evidence=list(_evidence(answered)),
        missing=missing,
    )


def _section(result: ToolResult) -> str:
    return f"**{_call_text(result)}**\n\n```\n{_shown(result.content)}\n```"


def _shown(content: Any) -> str:
    if not isinstance(content, str):
        content = json.dumps(fit(content, _MAX_SHOWN), ensure_ascii=False, indent=1, default=str)
    shown = content.strip().replace("```", "'''")
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}\n…"


def _evidence(results: list[ToolResult]) -> Iterator[Evidence]:
    for result in results:
        if result.at is not None:
            excerpt = " ".join(_shown(result.content).split())[:400]
            yield Evidence(source=result.name, query=_call_text(result), observed_at=result.at, excerpt=excerpt)


def _call_text(result: ToolResult) -> str:
    arguments = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in result.arguments.items())
    return f"{result.name}({arguments})"
