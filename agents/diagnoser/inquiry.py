"""Collecting and diagnosing in one step, on a live cluster: what every tool here is a view of."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.cluster.audit import AuditFiles, AuditFilter, AuditUnreadable
from agents.cluster.cluster import Cluster
from agents.diagnoser.collect import collect
from agents.diagnoser.engine import Diagnosis, diagnose
from agents.diagnoser.fields import Obj, resource_name
from agents.diagnoser.focus import Focus
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Language
from agents.runtime.settings import Settings

_AUDIT_WINDOW = timedelta(hours=48)
_REFUSAL_WINDOW = timedelta(hours=1)
_AUDIT_LIMIT = 2000
_FORBIDDEN = 403
TARGET_KINDS = {"node": "Node", "ingress": "Ingress", "pod": "Pod", "service": "Service"}
"""`resource_type` of diagnose_resource to the Kind that its target names; `memory` and `network` name pods."""


@dataclass(frozen=True)
class Inquiry:
    """One look at one cluster."""

    snapshot: Snapshot
    diagnosis: Diagnosis


async def inquire(
    cluster: Cluster, settings: Settings, question: str, language: Language, focus: Focus | None = None
) -> Inquiry:
    """Collects and diagnoses; the pure part runs in a thread, so that a large cluster does not hold up others."""
    snapshot = await collect(cluster, question=question, audit=await _audit(settings))
    found = await asyncio.to_thread(diagnose, snapshot, question, language, focus=focus)
    return Inquiry(snapshot, found)


async def _audit(settings: Settings) -> list[Obj]:
    """Recent changes by people and refusals of programs from the audit log; [] when it is not there or unreadable."""
    if settings.audit.path is None:
        return []
    now = datetime.now(UTC)
    source = AuditFiles(settings.audit.path)
    changes = AuditFilter(now - _AUDIT_WINDOW, now, changes_only=True, people_only=True, limit=_AUDIT_LIMIT)
    programs = AuditFilter(now - _REFUSAL_WINDOW, now, user="system:serviceaccount:*", limit=_AUDIT_LIMIT)
    try:
        changed, asked = await asyncio.gather(source.find(changes), source.find(programs))
    except AuditUnreadable:
        return []  # the auditor says what is wrong with the log; a diagnosis does without
    return [e.raw for e in changed.events] + [e.raw for e in asked.events if e.code == _FORBIDDEN]


def focus_on(resource_type: str, resource_target: str | dict[str, Any]) -> Focus:
    """The Focus that diagnose_resource's parameters describe. Raises ValueError with what is wrong in words."""
    target = (
        json.loads(resource_target) if isinstance(resource_target, str) and resource_target.strip() else resource_target
    )
    if not isinstance(target, dict):
        raise ValueError('resource_target must be a JSON object such as {"namespace": "default", "name": "web"}')
    named: set[str] = set()
    if resource_type in TARGET_KINDS:
        named.add(_named(target, TARGET_KINDS[resource_type]))
    elif resource_type == "memory":
        named.add(_named(target, "Pod" if target.get("namespace") else "Node"))
    elif resource_type == "network":
        named |= {end for key in ("src", "dst") if (end := str(target.get(key) or ""))}
    else:
        raise ValueError("resource_type must be one of node, ingress, memory, pod, service, network")
    return Focus(resources=frozenset(named), strict=True)


def _named(target: dict[str, Any], kind: str) -> str:
    name = str(target.get("name") or "")
    if not name:
        raise ValueError(f'resource_target names no {kind}: give {{"namespace": "…", "name": "…"}}')
    namespace = "" if kind == "Node" else str(target.get("namespace") or "default")
    return resource_name(namespace, kind, name)
