"""Init containers that crash, and those that never end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from agents.diagnoser.analyzers.crashes import read_crash
from agents.diagnoser.containers import ContainerView
from agents.diagnoser.evidence import from_log, from_object, from_status
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import created, resource_of, strings
from agents.diagnoser.hosts import Hosts, Target
from agents.diagnoser.log_signs import LogSign, classify
from agents.diagnoser.observation import Observation
from agents.diagnoser.reach import COREDNS, missing_name, targets_of
from agents.diagnoser.snapshot import Snapshot

PATIENCE = timedelta(minutes=4)
"""How long an init container may run before it counts as stuck."""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per init container that is in the way."""
    hosts = Hosts(snapshot)
    for view in snapshot.containers:
        if not view.init or view.end_reason == "OOMKilled":
            continue
        if view.crashing(snapshot.now):
            yield _failed(snapshot, hosts, view)
        elif view.running_since and snapshot.now - view.running_since > PATIENCE:
            yield _stuck(snapshot, hosts, view)


def _failed(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> Observation:
    """Keeps a deeper cause (a Secret, a claim, a dependency); whatever is the init container's own is one fault."""
    seen = read_crash(snapshot, hosts, view)
    workload = resource_of(snapshot.top(view.pod))
    if seen.resource != workload or seen.fault == "image_arch_unsupported":
        return seen
    return replace(seen, fault="init_container_failed", role="symptom" if seen.waits_for else "cause", confidence=0.9)


def _stuck(snapshot: Snapshot, hosts: Hosts, view: ContainerView) -> Observation:
    command = " ".join([*strings(view.spec, "command"), *strings(view.spec, "args")])
    log = snapshot.log(view)
    lines = [line for line in reversed(log.splitlines()[-60:]) if line.strip()]
    telling = next((line for line in lines if classify(line) in ("name", "connection")), next(iter(lines), ""))
    seen = Observation(
        resource=resource_of(snapshot.top(view.pod)),
        fault="init_container_stuck",
        facts={
            **container_facts(snapshot, view),
            "command": command,
            "message": telling,
            "minutes": int((snapshot.now - (view.running_since or snapshot.now)).total_seconds() // 60),
        },
        evidence=tuple(
            [from_status(snapshot, view, f"init container running since {view.running_since}, the pod waits for it")]
            + ([from_log(snapshot, view, telling)] if telling else [])
            + ([from_object(snapshot, view.pod, f"command: {command}")] if command else [])
        ),
        since=view.running_since or created(view.pod),
        confidence=0.9,
    )
    targets = targets_of(snapshot, hosts, view, [*lines[:12], command], guess=False)
    return _because_of(snapshot, seen, targets, LogSign(classify(telling) or "error", telling))


def _because_of(snapshot: Snapshot, seen: Observation, targets: list[Target], sign: LogSign) -> Observation:
    if not targets:
        return seen
    target = targets[0]
    facts = {**seen.facts, "host": target.host, "port": target.port or "", "near": target.near}
    if target.meaning == "missing":
        # It is the workload that waits for a name nobody has, whichever way the name went wrong.
        return replace(missing_name(snapshot, target, seen), fault="init_container_stuck", facts=facts)
    waits = tuple(dict.fromkeys(resource_of(t.obj) for t in targets if t.obj is not None))
    if waits and sign.sign == "name":
        waits = (*waits, COREDNS)
    if waits:
        facts["target"] = waits[0]
    beyond = target.meaning == "external"  # outside the cluster: a policy may stand in the way
    return replace(seen, facts=facts, waits_for=waits, role="symptom" if waits or beyond else "cause")
