"""What the tools return: views on one Diagnosis, bounded and redacted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from agents.cluster.redaction import redact, redact_object
from agents.diagnoser.engine import Diagnosis
from agents.diagnoser.fields import Obj, condition, flag, items, kind_of, mapping, name_of, namespace_of, number, text
from agents.diagnoser.risks import health_facts
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.state import Nodes, named_state, state_of_nodes
from agents.runtime.findings import Language, RootCause
from agents.runtime.report_facts import HealthFacts, Risk

MAX_CAUSES = 12
MAX_TEXT = 2000
_DROPPED = ("managedFields", "uid", "resourceVersion", "selfLink")


class DiagnosisResult(BaseModel):
    """Root causes with proof, what is unrelated, and what could not be seen."""

    status: str
    """`healthy`, `faults_found`, or `partial` when not everything could be seen and nothing was found."""
    cluster_id: str = ""
    observed_at: datetime
    root_causes: list[RootCause] = Field(default_factory=list[RootCause])
    elsewhere: list[str] = Field(default_factory=list[str])
    missing: list[str] = Field(default_factory=list[str])
    seen: dict[str, int] = Field(default_factory=dict[str, int])
    """How many objects of the main kinds were looked at."""
    named: list[str] = Field(default_factory=list[str])
    """The present state of what the question names, one line each."""
    nodes: Nodes | None = None
    """How the nodes stand, when the question is about them."""
    health: HealthFacts | None = None
    """The risks, when they were asked for."""


class CheckItem(BaseModel):
    """One line of an inspection, in the shape that cluster inspection services use."""

    category: str
    name: str
    targetType: str
    targets: list[str]
    description: str
    fix: str
    level: str


class InspectReport(BaseModel):
    """Everything that is wrong in a cluster, at a glance."""

    report_status: str = "completed"
    report_finish_time: datetime
    summary: dict[str, int]
    checkItemResults: list[CheckItem]
    missing: list[str] = Field(default_factory=list[str])


def diagnosis_result(
    snapshot: Snapshot, found: Diagnosis, health: HealthFacts | None = None, question: str = ""
) -> DiagnosisResult:
    """The Diagnosis for the wire, with the risks when they were asked for, and the state of what a question names."""
    kinds = ("Node", "Namespace", "Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "Service", "Event")
    status = "faults_found" if found.root_causes or found.elsewhere else "partial" if found.missing else "healthy"
    return DiagnosisResult(
        status=status,
        cluster_id=snapshot.cluster,
        observed_at=snapshot.now,
        root_causes=[redacted(cause) for cause in found.root_causes[:MAX_CAUSES]],
        elsewhere=found.elsewhere + [f"{c.resource}: {c.fault}" for c in found.root_causes[MAX_CAUSES:]],
        missing=found.missing,
        seen={kind: len(snapshot.kind(kind)) for kind in kinds if snapshot.kind(kind)},
        named=named_state(snapshot, question),
        nodes=state_of_nodes(snapshot, question),
        health=health,
    )


def redacted(cause: RootCause) -> RootCause:
    """A root cause without secrets in what it quotes."""
    return cause.model_copy(
        update={
            "explanation": redact(cause.explanation)[:MAX_TEXT],
            "evidence": [e.model_copy(update={"excerpt": redact(e.excerpt)}) for e in cause.evidence],
            "changes": [
                c.model_copy(update={"before": _redacted(c.before), "after": _redacted(c.after)}) for c in cause.changes
            ],
            "advice": [redact(line)[:MAX_TEXT] for line in cause.advice],
        }
    )


def _redacted(value: str | None) -> str | None:
    return None if value is None else redact(value)


def inspect_report(
    snapshot: Snapshot, found: Diagnosis, *, only_exceptions: bool, language: Language = "en"
) -> InspectReport:
    """Root causes, then risks, as an inspection report, with the healthy kinds when they are wanted."""
    checks = [_check(cause) for cause in (redacted(c) for c in found.root_causes)]
    broken = {check.targetType for check in checks}
    health = health_facts(snapshot, language)
    checks += [_risk_check(risk) for risk in health.risks]
    healthy = [kind for kind in ("Node", "Pod", "Service", "PersistentVolumeClaim", "Ingress") if kind not in broken]
    if not only_exceptions:
        checks += [
            CheckItem(
                category="stability",
                name="no_known_fault",
                targetType=kind,
                targets=[],
                description="",
                fix="",
                level="normal",
            )
            for kind in healthy
        ]
    errors = sum(check.level in ("error", "critical") for check in checks)
    warnings = sum(check.level == "warning" for check in checks)
    return InspectReport(
        report_finish_time=snapshot.now,
        summary={"errorCount": errors, "warnCount": warnings, "normalCount": len(healthy)},
        checkItemResults=checks,
        missing=[*found.missing, *health.unchecked],
    )


def _risk_check(risk: Risk) -> CheckItem:
    return CheckItem(
        category="risk",
        name=risk.check,
        targetType=risk.items[0].resource.split("/")[-2],
        targets=[item.resource for item in risk.items],
        description=f"{risk.title} ({risk.total}/{risk.examined}). {risk.why}",
        fix=risk.advice,
        level="advice" if risk.severity == "low" else "warning",
    )


def _check(cause: RootCause) -> CheckItem:
    return CheckItem(
        category="stability",
        name=cause.fault,
        targetType=cause.resource.split("/")[-2],
        targets=[cause.resource],
        description=cause.explanation,
        fix=" ".join(cause.advice),
        level="error" if cause.confidence >= 0.8 else "warning",
    )


def object_view(obj: Obj) -> Obj:
    """An object as a tool shows it: no managed fields, no secrets, strings bounded."""
    metadata = {k: v for k, v in mapping(obj, "metadata").items() if k not in _DROPPED}
    annotations = mapping(metadata, "annotations")
    metadata["annotations"] = {k: v for k, v in annotations.items() if not k.endswith("last-applied-configuration")}
    if not metadata["annotations"]:
        del metadata["annotations"]
    shown: Obj = redact_object({**obj, "metadata": metadata})
    return bounded(shown)


def bounded(value: Any) -> Any:
    """The value with long strings and long lists cut short, saying so."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    if isinstance(value, list):
        kept = [bounded(member) for member in value[:60]]
        return [*kept, f"… {len(value) - 60} more"] if len(value) > 60 else kept
    if isinstance(value, dict):
        return {k: bounded(v) for k, v in value.items()}
    return value


def row_of(obj: Obj) -> Obj:
    """One line about an object: where it is, its state, since when."""
    row: Obj = {"name": name_of(obj), "created": text(obj, "metadata", "creationTimestamp")}
    if namespace_of(obj):
        row["namespace"] = namespace_of(obj)
    row |= {k: v for k, v in _state(obj).items() if v not in ("", None)}
    return row


def _state(obj: Obj) -> Obj:
    kind = kind_of(obj)
    if kind == "Pod":
        statuses = items(obj, "status", "containerStatuses")
        waiting = [w for s in statuses if (w := text(s, "state", "waiting", "reason"))]
        return {
            "phase": text(obj, "status", "phase"),
            "ready": f"{sum(s.get('ready') is True for s in statuses)}/{len(items(obj, 'spec', 'containers'))}",
            "restarts": sum(number(s, "restartCount") for s in statuses),
            "waiting": ", ".join(dict.fromkeys(waiting)),
            "node": text(obj, "spec", "nodeName"),
        }
    if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
        return {"ready": f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"}
    if kind == "DaemonSet":
        ready = f"{number(obj, 'status', 'numberReady')}/{number(obj, 'status', 'desiredNumberScheduled')}"
        return {"ready": ready}
    if kind == "Node":
        return {
            "ready": text(condition(obj, "Ready"), "status"),
            "unschedulable": flag(obj, "spec", "unschedulable"),
        }
    if kind == "Event":
        return {k: text(obj, k) for k in ("type", "reason", "message", "count", "lastTimestamp")}
    return {"phase": text(obj, "status", "phase"), "type": text(obj, "spec", "type")}


def rows(objects: Iterable[Obj], limit: int) -> list[Obj]:
    """Lines about at most `limit` objects."""
    return [bounded(redact_object(row_of(obj))) for obj, _ in zip(objects, range(limit), strict=False)]
