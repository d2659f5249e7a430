"""How the auditor works without a model: what to look up, in which order. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agents.auditor.asked import Asked, asked_of
from agents.auditor.results import EventList, PodLogs
from agents.cluster.audit import CHANGING
from agents.cluster.resources import pod_owner_by_name
from agents.runtime.definition import ToolCall, ToolResult, Turn, results_of

MAX_LOGGED = 3
"""Workloads whose logs are read."""
CRASH_REASONS = ("BackOff", "CrashLoopBackOff", "OOMKilling", "Killing")
PASSING = timedelta(minutes=10)
"""One or two events that nothing followed for so long are over: a probe that failed during a start."""
_REFUSED = re.compile(r"(?i)\bcannot \w+ resource\b|is forbidden: User\b")
"""How the API server tells somebody that RBAC does not allow it."""
LOOKUPS = ("query_audit_log", "list_events")


def runbook(turn: Turn) -> Sequence[ToolCall]:
    """First the events and the changes, at once; then the logs of what the events are about."""
    asked = asked_of(turn)
    if not any(result.name in LOOKUPS for result in turn.results):
        return [ToolCall(call.name, {**_cluster(turn), **call.arguments}) for call in _first(asked)]
    if not asked.trouble:
        return []
    read = any(result.name == "get_pod_logs" for result in turn.results)
    further = ([] if read else _logs(asked, turn.results)) or _hinted(asked, turn.results)
    return [ToolCall(call.name, {**_cluster(turn), **call.arguments}) for call in further]


def _first(asked: Asked) -> list[ToolCall]:
    place = {"namespace": asked.namespace} if asked.namespace else {}
    verbs = "delete,deletecollection" if asked.deletions else ",".join(CHANGING)
    audit = {**place, "verbs": verbs, "start_time": asked.start, "limit": 100}
    if asked.changes and asked.kinds and not asked.trouble:
        audit["resource_types"] = ",".join(asked.kinds)
    calls = [ToolCall("query_audit_log", audit)]
    if asked.resource and asked.changes:
        calls.append(ToolCall("query_audit_log", {**audit, "resource_name": asked.resource.name}))
    if asked.trouble:
        calls.append(ToolCall("list_events", {**place, "event_type": "Warning", "limit": 100}))
    if asked.rights:
        # A refusal is about whoever acts, and that may live in another namespace than what it acts on.
        calls.append(ToolCall("list_denied_requests", {"start_time": asked.start}))
    calls += [ToolCall("query_controlplane_logs", _component_query(asked, name)) for name in asked.components]
    return calls


def _component_query(asked: Asked, component: str) -> dict[str, Any]:
    return {"component_name": component, "start_time": asked.window or "24h", "limit": 50}


def _hinted(asked: Asked, results: Sequence[ToolResult]) -> list[ToolCall]:
    """Refusals, when nobody asked for them but the logs and events that were read speak of them."""
    if any(result.name == "list_denied_requests" for result in results):
        return []
    events = [event.message for found in results_of(results, "list_events", EventList) for event in found.events]
    logs = [
        line
        for found in results_of(results, "get_pod_logs", PodLogs)
        for log in found.containers
        for line in log.errors
    ]
    if any(_REFUSED.search(text) for text in (*events, *logs)):
        return [ToolCall("list_denied_requests", {"start_time": asked.start})]
    return []


def _logs(asked: Asked, results: Sequence[ToolResult]) -> list[ToolCall]:
    """Logs of the workloads in trouble: those that were named, else those that the events speak of most."""
    wanted: dict[tuple[str, str], bool] = {}
    if asked.resource and asked.resource.namespace and asked.resource.kind not in ("Node", "Service", "Ingress"):
        wanted[asked.resource.namespace, asked.resource.name] = True
    troubled = _troubled_workloads(results)
    named = {key: crashed for key, crashed in troubled.items() if asked.concerns(f"{key[0]}/Pod/{key[1]}")}
    for key, crashed in (named or troubled).items():
        wanted[key] = wanted.get(key, False) or crashed
    if asked.namespace and not wanted:
        wanted |= {(asked.namespace, name): False for name in asked.names[:1]}
    calls: list[ToolCall] = []
    for (namespace, name), crashed in list(wanted.items())[:MAX_LOGGED]:
        place = {"namespace": namespace, "name": name}
        calls.append(ToolCall("get_pod_logs", place))
        if crashed:
            calls.append(ToolCall("get_pod_logs", {**place, "previous": True}))
    return calls


def _troubled_workloads(results: Sequence[ToolResult]) -> dict[tuple[str, str], bool]:
    """Namespace and workload to whether its containers die, from warning events about pods that are still recent."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    events = [event for listed in results_of(results, "list_events", EventList) for event in listed.events]
    newest = max((event.last_seen for event in events), default=None)
    for event in events:
        namespace, kind, name = [*event.resource.split("/"), "", "", ""][:3]
        if kind != "Pod" or newest is None or newest - event.last_seen > timedelta(hours=1):
            continue
        if (event.count < 3 and newest - event.last_seen > PASSING) or "pulling image" in event.message:
            continue  # nothing to read: it is over, or the container never ran
        key = namespace, pod_owner_by_name(name)
        count, crashed = found.get(key, (0, False))
        found[key] = count + event.count, crashed or event.reason in CRASH_REASONS
    ranked = sorted(found.items(), key=lambda item: (not item[1][1], -item[1][0]))
    return {key: crashed for key, (_, crashed) in ranked}


def _cluster(turn: Turn) -> dict[str, str]:
    return {"cluster_id": turn.subtask.cluster_id} if turn.subtask.cluster_id else {}
