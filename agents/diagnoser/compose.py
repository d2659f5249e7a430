"""What the tool results add up to: a Finding, and a text that stands on its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from agents.diagnoser.state import Nodes
from agents.diagnoser.views import DiagnosisResult
from agents.runtime.definition import ToolResult, Turn
from agents.runtime.findings import Action, Change, Evidence, Finding, Language, RootCause
from agents.runtime.report_facts import HEALTH

_WORDS = {
    "en": {
        "healthy": "Nothing is wrong right now: no known fault was found in the present state.",
        "partial": "No fault was found in what could be seen, but not everything could be seen.",
        "count": "{n} root cause(s) found.",
        "since": "Since", "confidence": "Confidence", "changes": "What changed",
        "chain": "Chain", "evidence": "Evidence",
        "now": "Now", "later": "Later", "advice": "Advice", "elsewhere": "Elsewhere, unrelated",
        "missing": "What could not be seen", "failed": "{tool} did not answer: {error}", "by": "by", "at": "at",
        "risks": "Risks: works now, may hurt later", "high": "high", "medium": "medium", "low": "low",
        "named": "As it is now",
        "risk": "Risk ({level}): {title}, {share}: {of}",
        "nodes": "{ready} of {total} nodes are ready, {cordoned} cordoned",
        "uncordon": "it takes no new pods although it is ready",
    },
    "zh": {
        "healthy": "目前没有问题：在当前状态中没有发现已知故障。",
        "partial": "在能看到的范围内没有发现故障，但并非所有内容都能看到。",
        "count": "找到 {n} 个根因。",
        "since": "开始时间", "confidence": "置信度", "changes": "变更", "chain": "因果链", "evidence": "证据",
        "now": "立即处理", "later": "长期处理", "advice": "建议", "elsewhere": "其他无关故障",
        "missing": "无法看到的内容", "failed": "{tool} 没有回答：{error}", "by": "操作者", "at": "时间",
        "risks": "风险：目前正常，将来可能造成影响", "high": "高", "medium": "中", "low": "低",
        "named": "当前状态",
        "risk": "风险（{level}）：{title}，{share}：{of}",
        "nodes": "{total} 个节点中 {ready} 个就绪，{cordoned} 个被封锁（cordoned）",
        "uncordon": "节点已就绪，却不接收新的 Pod",
    },
}  # fmt: skip


def compose(turn: Turn) -> Finding:
    """The Finding: root causes of every diagnosis in the turn, each once."""
    language = turn.subtask.language
    results = [found for result in turn.results if (found := _read(result)) is not None]
    failures = [_say(language, "failed", tool=r.name, error=r.error) for r in turn.results if r.error]
    causes = {(c.resource, c.fault): c for found in results for c in found.root_causes}
    elsewhere = [line for found in results for line in found.elsewhere]
    named = [] if causes else list(dict.fromkeys(line for found in results for line in found.named))
    risks = _risk_lines(results, language) if turn.subtask.inputs.get("wish") == "health" else []
    nodes = next((found.nodes for found in results if found.nodes is not None), None)
    standing = _node_lines(nodes, language) if nodes is not None else []
    missing = list(dict.fromkeys([*failures, *(line for found in results for line in found.missing)]))
    return Finding(
        specialist="diagnoser",
        language=language,
        text="\n\n".join(
            part
            for part in (
                _text(list(causes.values()), elsewhere, missing, answered=bool(results), language=language),
                _list(_say(language, "named"), [*standing, *named]) if standing or named else "",
                _list(_say(language, "risks"), risks) if risks else "",
            )
            if part
        ),
        root_causes=list(causes.values()),
        evidence=[_seen_at_nodes(standing, results[0].observed_at)] if standing else [],
        actions=_uncordon(nodes, causes.values(), language) if nodes and _is_order(turn) else [],
        elsewhere=list(dict.fromkeys([*elsewhere, *(risks if causes else ())])),
        missing=missing,
        facts=_facts(results, healthy=not causes and not elsewhere and not missing),
    )


def _node_lines(nodes: Nodes, language: Language) -> list[str]:
    counts = {"ready": nodes.ready, "total": nodes.total, "cordoned": len(nodes.cordoned)}
    return [_say(language, "nodes", **counts), *nodes.unusual]


def _seen_at_nodes(lines: list[str], at: datetime) -> Evidence:
    return Evidence(
        source="node status", query="kubectl get nodes", observed_at=at, excerpt="; ".join(lines).replace("`", "")
    )


def _is_order(turn: Turn) -> bool:
    """The person wants put right what is not."""
    return turn.subtask.inputs.get("wish") == "repair"


def _uncordon(nodes: Nodes, causes: Iterable[RootCause], language: Language) -> list[Action]:
    """A node that somebody took out of service and that hurts nobody is no fault; still it is not as it should be."""
    blamed = {cause.resource for cause in causes}
    reason = _say(language, "uncordon")
    return [Action(kind="uncordon_node", resource=name, reason=reason) for name in nodes.cordoned if name not in blamed]


def _risk_lines(results: list[DiagnosisResult], language: Language) -> list[str]:
    """One line per risk, for the question whether all is well."""
    lines: list[str] = []
    for risk in (risk for found in results if found.health for risk in found.health.risks):
        names = ", ".join(f"`{item.resource}`" for item in risk.items[:3]) + (" …" if risk.total > 3 else "")
        share = f"{risk.total}/{risk.examined}"
        lines.append(
            _say(language, "risk", level=_say(language, risk.severity), title=risk.title, share=share, of=names)
        )
    return lines


def _facts(results: list[DiagnosisResult], *, healthy: bool) -> dict[str, Any]:
    """Whether all is well, and the risks when they were looked for."""
    facts: dict[str, Any] = {"healthy": healthy} if results else {}
    health = next((found.health for found in results if found.health is not None), None)
    return facts if health is None else {**facts, HEALTH: health.model_dump(mode="json", exclude_defaults=True)}


def _read(result: ToolResult) -> DiagnosisResult | None:
    if result.error is not None or result.name not in ("find_root_causes", "diagnose_resource"):
        return None
    try:
        return DiagnosisResult.model_validate(result.content)
    except ValidationError:
        return None  # another server's tool of the same name: its text is the model's to read


def _text(
    causes: list[RootCause], elsewhere: list[str], missing: list[str], *, answered: bool, language: Language
) -> str:
    parts: list[str] = []
    if causes:
        parts.append(_say(language, "count", n=len(causes)))
    elif answered:
        parts.append(_say(language, "partial" if missing else "healthy"))
    parts += [_cause_text(cause, language) for cause in causes]
    if elsewhere:
        parts.append(_list(_say(language, "elsewhere"), elsewhere))
    if missing:
        parts.append(_list(_say(language, "missing"), missing))
    return "\n\n".join(parts)


def _cause_text(cause: RootCause, language: Language) -> str:
    lines = [f"### {cause.resource}: `{cause.fault}`", "", cause.explanation, ""]
    if cause.since:
        lines.append(f"- **{_say(language, 'since')}**: {cause.since:%Y-%m-%dT%H:%M:%SZ}")
    reason = f" ({cause.confidence_reason})" if cause.confidence_reason else ""
    lines.append(f"- **{_say(language, 'confidence')}**: {cause.confidence:.2f}{reason}")
    if len(cause.chain) > 1:
        lines.append(f"- **{_say(language, 'chain')}**: {' → '.join(cause.chain)}")
    lines += [f"- **{_say(language, 'changes')}**: {_change(change, language)}" for change in cause.changes]
    for number, seen in enumerate(cause.evidence, 1):
        lines.append(
            f"- **{_say(language, 'evidence')} {number}** ({seen.source}, {seen.observed_at:%H:%M:%SZ}): "
            f"{seen.excerpt} — `{seen.query}`"
        )
    for action in cause.remedies:
        lines.append(f"- **{_say(language, 'now' if action.term == 'short' else 'later')}**: {_action(action)}")
    lines += [f"- **{_say(language, 'advice')}**: {line}" for line in cause.advice]
    return "\n".join(lines)


def _change(change: Change, language: Language) -> str:
    told = f"`{change.field}` {change.before or '∅'} -> {change.after or '∅'}"
    if change.by:
        told += f", {_say(language, 'by')} {change.by}"
    if change.at:
        told += f", {_say(language, 'at')} {change.at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{told} ({change.source})"


def _action(action: Action) -> str:
    return f"`{action.kind}` {action.resource} {action.arguments}: {action.reason}"


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([f"**{title}**", *(f"- {line}" for line in lines)])


def _say(language: Language, key: str, **values: object) -> str:
    return _WORDS[language][key].format(**values)
