"""The table of risk checks, and what they add up to on the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agents.cluster.redaction import redact
from agents.diagnoser.risks import cluster, workloads
from agents.diagnoser.risks.check import Check, Result
from agents.diagnoser.risks.wording import detail_of, unchecked, words_of
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Language
from agents.runtime.report_facts import HealthFacts, Risk, RiskItem

MAX_ITEMS = 50
"""Objects per risk that travel; `Risk.total` counts all."""
_COUNTED = ("Node", "Namespace", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod", "Service")
_TEMPLATES = ("Deployment", "StatefulSet", "DaemonSet")
_PDB = "kubectl get pdb -A"
_WIDE = "kubectl get pods -A -o wide"
_DESCRIBE = "kubectl get deployments,statefulsets,daemonsets -A -o yaml"

CHECKS: tuple[Check, ...] = (
    Check("dns_in_one_place", "high", ("Pod", "Node"), cluster.dns_in_one_place, _WIDE),
    Check("expiring_certificate", "high", (), cluster.expiring_certificate, "kubectl get certificates,ingress -A"),
    Check("near_memory_limit", "high", ("Pod",), cluster.near_memory_limit, "kubectl top pods -A --containers"),
    Check("node_nearly_full", "high", ("Pod", "Node"), cluster.node_nearly_full, "kubectl describe nodes"),
    Check("single_replica", "medium", _TEMPLATES[:2], workloads.single_replica, "kubectl get deploy,sts -A"),
    Check("no_requests", "medium", _TEMPLATES, workloads.no_requests, _DESCRIBE),
    Check("no_memory_limit", "medium", _TEMPLATES, workloads.no_memory_limit, _DESCRIBE),
    Check("no_readiness_probe", "medium", (*_TEMPLATES, "Service"), workloads.no_readiness_probe, _DESCRIBE),
    Check("one_node", "medium", ("Pod", "Node"), workloads.one_node, _WIDE),
    Check("blocking_budget", "medium", ("PodDisruptionBudget",), workloads.blocking_budget, _PDB),
    Check("deprecated_api", "medium", ("Node",), cluster.deprecated_api, "kubectl get all -A --show-managed-fields"),
    Check("no_disruption_budget", "low", (*_TEMPLATES, "PodDisruptionBudget"), workloads.no_disruption_budget, _PDB),
    Check("no_liveness_probe", "low", _TEMPLATES, workloads.no_liveness_probe, _DESCRIBE),
    Check("floating_image", "low", _TEMPLATES, workloads.floating_image, _DESCRIBE),
)  # fmt: skip
"""One line per check; high ones first."""


def health_facts(snapshot: Snapshot, language: Language, checks: Iterable[Check] = CHECKS) -> HealthFacts:
    """Runs every check. One that lacks what it needs to see is named in `unchecked`, never counted as clean."""
    risks: list[Risk] = []
    clean: list[str] = []
    blind: list[str] = []
    for check in checks:
        if reason := _blind(snapshot, check):
            blind.append(unchecked(check.id, reason, language))
            continue
        found = check.run(snapshot)
        if found.seen:
            risks.append(_risk(check, found, language))
        elif found.examined:
            clean.append(words_of(check.id, language).title)
    versions = [cluster.kubelet_version(node) for node in snapshot.kind("Node")]
    return HealthFacts(
        observed_at=snapshot.now,
        version=max(versions, key=_version_key, default=""),
        counts={kind: len(snapshot.kind(kind)) for kind in _COUNTED if snapshot.kind(kind)},
        risks=risks,
        clean=clean,
        unchecked=blind,
    )


def _blind(snapshot: Snapshot, check: Check) -> str:
    """Why a check would prove nothing; empty when it would."""
    if snapshot.interrupted:
        return snapshot.interrupted
    unseen = [kind for kind in check.needs if kind in snapshot.unreadable]
    if unseen:
        return f"{', '.join(unseen)}: {snapshot.unreadable[unseen[0]]}"
    if check.id == "near_memory_limit" and snapshot.usage is None:
        return "metrics.k8s.io"
    if check.id == "expiring_certificate" and not snapshot.secrets and "Secret" in snapshot.unreadable:
        return f"Secret: {snapshot.unreadable['Secret']}"
    return ""


def _risk(check: Check, found: Result, language: Language) -> Risk:
    words = words_of(check.id, language)
    return Risk(
        check=check.id,
        severity=check.severity,
        title=words.title,
        why=words.why,
        advice=words.advice,
        total=len(found.seen),
        examined=max(found.examined, len(found.seen)),
        items=[
            RiskItem(resource=seen.resource, detail=redact(detail_of(check.id, seen.facts, language))[:300])
            for seen in found.seen[:MAX_ITEMS]
        ],
        query=check.query,
    )


def _version_key(version: str) -> list[int]:
    return [int(part) for part in version.lstrip("v").split("-")[0].split("+")[0].split(".") if part.isdigit()]
