"""The whole way from a Snapshot to root causes in words. Pure: same Snapshot and question, same Diagnosis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.diagnoser.analyzers import ANALYZERS, Analyzer, observe
from agents.diagnoser.changes import changes_of
from agents.diagnoser.focus import Focus, divide, focus_of
from agents.diagnoser.graph import Cause, causes_of
from agents.diagnoser.observation import Observation
from agents.diagnoser.remedies import propose
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.wording import advise, explain
from agents.runtime.findings import Language, RootCause

MAX_CHAIN = 8


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a cluster, as far as it could be seen."""

    root_causes: list[RootCause]
    elsewhere: list[str] = field(default_factory=list[str])
    """Faults that have nothing to do with the question, one line each."""
    missing: list[str] = field(default_factory=list[str])
    """What could not be seen, and why."""
    observations: list[Observation] = field(default_factory=list[Observation])
    """Everything that the analyzers saw, symptoms included."""


def diagnose(
    snapshot: Snapshot,
    question: str = "",
    language: Language = "en",
    *,
    focus: Focus | None = None,
    analyzers: Iterable[Analyzer] = ANALYZERS,
) -> Diagnosis:
    """Root causes of what was asked about, the most certain first, and one line for each unrelated fault."""
    observations = observe(snapshot, analyzers)
    causes = causes_of(snapshot, observations)
    asked = focus if focus is not None else focus_of(snapshot, question)
    near, far = divide(snapshot, causes, asked)
    ranked = sorted(near, key=lambda c: (-c.observation.confidence, -len(c.explains), c.observation.resource))
    return Diagnosis(
        root_causes=[_root_cause(snapshot, cause, asked, language) for cause in ranked],
        elsewhere=[f"{c.observation.resource}: {c.observation.fault}" for c in far],
        missing=_missing(snapshot, language),
        observations=observations,
    )


def _root_cause(snapshot: Snapshot, cause: Cause, focus: Focus, language: Language) -> RootCause:
    seen = cause.observation
    facts = {**seen.facts, "resource": seen.resource, "fault": seen.fault}
    changes = changes_of(snapshot, seen)
    return RootCause(
        resource=seen.resource,
        fault=seen.fault,
        explanation=explain(seen.fault, facts, language),
        confidence=round(seen.confidence, 2),
        confidence_reason=_reason(seen, cause, bool(changes), language),
        since=seen.since,
        changes=changes,
        chain=_chain(cause, focus),
        evidence=list(seen.evidence[:4]),
        remedies=propose(snapshot, seen, language),
        advice=advise(seen.fault, facts, language)[:3],
    )


def _chain(cause: Cause, focus: Focus) -> list[str]:
    """From the cause to the symptom that was asked about, or to the last one that it explains."""
    chain = [cause.observation.resource]
    asked = [edge for edge in cause.explains if edge.effect.resource in focus.resources]
    for edge in asked or cause.explains:
        for name in (*edge.path, edge.effect.resource):
            if name not in chain:
                chain.append(name)
    chain += [name for name in cause.observation.affects if name not in chain]
    return chain[:MAX_CHAIN]


def _reason(seen: Observation, cause: Cause, changed: bool, language: Language) -> str:
    """Why to believe it: what kinds of evidence agree, what it explains, and whether a change fits."""
    sources = list(dict.fromkeys(e.source for e in seen.evidence))
    effects = list(dict.fromkeys(edge.effect.resource for edge in cause.explains))
    if language == "zh":
        told = [f"证据来自 {'、'.join(sources)}"] if sources else []
        told += [f"它还解释了 {'、'.join(effects[:4])} 的问题"] if effects else []
        told += ["与记录到的变更吻合"] if changed else []
        told += ["没有发现更深层的原因"] if seen.role == "symptom" else []
        return "；".join(told)
    told = [f"seen in {', '.join(sources)}"] if sources else []
    told += [f"it also explains {', '.join(effects[:4])}"] if effects else []
    told += ["a recorded change fits"] if changed else []
    told += ["no deeper cause was found"] if seen.role == "symptom" else []
    return "; ".join(told)


def _missing(snapshot: Snapshot, language: Language) -> list[str]:
    lines: list[str] = []
    if snapshot.interrupted:
        before = (
            "采集中断，结果不完整：" if language == "zh" else "collection stopped half-way, the answer is partial: "
        )
        lines.append(before + snapshot.interrupted)
    by_reason: dict[str, list[str]] = {}
    for kind, reason in snapshot.unreadable.items():
        by_reason.setdefault(reason, []).append(kind)
    for reason, kinds in by_reason.items():
        verb = "无法读取" if language == "zh" else "could not be listed:"
        lines.append(f"{verb} {', '.join(sorted(kinds))} ({reason})")
    return lines
