"""Containers that use all the CPU they may have and are slow because of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from agents.diagnoser.complaints import complaints_of
from agents.diagnoser.containers import ContainerView
from agents.diagnoser.events import EventView
from agents.diagnoser.evidence import from_event, from_log, from_object
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import kind_of, resource_of, text
from agents.diagnoser.history import previous
from agents.diagnoser.observation import Observation
from agents.diagnoser.probe_kills import probe_failures
from agents.diagnoser.quantities import amount_or_zero
from agents.diagnoser.snapshot import Snapshot
from agents.diagnoser.trouble import trouble_since

_FULL = 0.9
"""Share of the limit that counts as all of it: a throttled container is measured a little below."""
_SLOW = re.compile(
    r"\bslow\b|throttl|cpu wait|took too long|timed? ?out|deadline exceeded|starv|event loop (?:lag|delay|blocked)"
    r"|耗时|超时|卡顿|延迟",
    re.IGNORECASE,
)
_TOOK = re.compile(
    r"(?:took|in|after|duration|latency|elapsed|cost|time|rt)\w*[\"']?\s*[:=]?\s*(?P<amount>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>ms|milliseconds|s|sec|seconds)\b|duration_ms\"?\s*[:=]\s*(?P<ms>\d+)",
    re.IGNORECASE,
)
_LONG_MS = 1000
_TIMEOUT = re.compile(r"deadline exceeded|timeout|timed out", re.IGNORECASE)
_THROTTLED = re.compile(r"throttl", re.IGNORECASE)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per container at its CPU limit whose slowness shows in its log, its probes or its callers."""
    hungry = [v for v in snapshot.containers if not v.init and kind_of(snapshot.top(v.pod)) not in ("Job", "CronJob")]
    hungry = [v for v in hungry if at_cpu_limit(snapshot, v)]
    waiting = _waiting_for(snapshot) if hungry else {}
    for view in hungry:
        name = snapshot.top_name(view.pod)
        lines = _slow_lines(snapshot.log(view, previous=False)) or _slow_lines(snapshot.log(view))
        probes = [
            e for e in probe_failures(snapshot, view, "Liveness", "Readiness", "Startup") if _TIMEOUT.search(e.message)
        ]
        if lines or probes or waiting.get(name):
            yield _observation(snapshot, view, lines, probes, tuple(waiting.get(name, ())))


def at_cpu_limit(snapshot: Snapshot, view: ContainerView) -> bool:
    """Whether a container uses (nearly) all the CPU that it may; unmeasured, whether its log speaks of throttling."""
    limit, used = amount_or_zero(text(view.spec, "resources", "limits", "cpu")), snapshot.used_by(view)
    if not limit:
        return False
    if used is None:
        return bool(_THROTTLED.search(snapshot.log(view)[-4000:]))
    return used.cpu >= limit * _FULL


def _slow_lines(log: str) -> list[str]:
    return [line for line in log.splitlines()[-30:] if _SLOW.search(line) or _milliseconds(line) >= _LONG_MS]


def _milliseconds(line: str) -> float:
    """The longest time that a line speaks of."""
    found = 0.0
    for match in _TOOK.finditer(line):
        if match["ms"]:
            found = max(found, float(match["ms"]))
        else:
            found = max(found, float(match["amount"]) * (1 if match["unit"].lower().startswith("m") else 1000))
    return found


def _waiting_for(snapshot: Snapshot) -> dict[str, list[str]]:
    """Workloads to those whose calls to them time out."""
    found: dict[str, list[str]] = defaultdict(list)
    for complaint in complaints_of(snapshot):
        target = complaint.target.obj if complaint.target else None
        if target is None or not _TIMEOUT.search(complaint.line):
            continue
        served = snapshot.workloads_behind(target) if kind_of(target) == "Service" else [snapshot.top(target)]
        caller = snapshot.top_name(complaint.view.pod)
        for workload in served:
            if resource_of(workload) != caller and caller not in found[resource_of(workload)]:
                found[resource_of(workload)].append(caller)
    return found


def _observation(
    snapshot: Snapshot, view: ContainerView, lines: list[str], probes: list[EventView], callers: tuple[str, ...]
) -> Observation:
    workload, used = snapshot.top(view.pod), snapshot.used_by(view)
    before = previous(snapshot, workload)
    old = text(before.container(view.name), "resources", "limits", "cpu") if before else ""
    facts = container_facts(snapshot, view)
    measured = f"{used.cpu * 1000:.0f}m" if used else ""
    facts |= {
        "used": measured,
        "before": old if old != facts["cpu_limit"] else "",
        "log": lines[-1].strip() if lines else "",
        "probe": f"{probes[-1].message} ({probes[-1].count}×)" if probes else "",
        "callers": list(callers),
    }
    told = f"limits.cpu {facts['cpu_limit']}, used {measured or 'not measured'}"
    return Observation(
        resource=resource_of(workload),
        fault="cpu_throttled",
        facts=facts,
        evidence=(
            from_object(snapshot, view.pod, told, "metrics.k8s.io"),
            *([from_log(snapshot, view, lines[-1])] if lines else []),
            *(from_event(snapshot, e) for e in probes[-1:]),
        ),
        since=trouble_since(snapshot, view.pod),
        affects=callers,
        confidence=0.9,
    )
