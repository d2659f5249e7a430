"""Pods that the API refuses to create: quota, limit range, pod security, a missing service account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from agents.diagnoser.evidence import from_event, from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    flag,
    items,
    kind_of,
    labels,
    mapping,
    moment,
    name_of,
    namespace_of,
    number,
    resource_name,
    resource_of,
    text,
)  # fmt: skip
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Evidence

_QUOTA = re.compile(
    r"exceeded quota: (?P<quota>[\w.-]+), requested: (?P<requested>.+?), used: (?P<used>.+?),"
    r" limited: (?P<limited>.+?)$"
)
_MUST = re.compile(r"failed quota: (?P<quota>[\w.-]+): must specify (?P<missing>.+?)$")
_RANGE = re.compile(
    r"(?:minimum|maximum) [\w.-]+ usage per|[\w.-]+ max limit to request ratio"
    r"|Invalid value.*must be less than or equal to \w+ limit"
)
_SECURITY = re.compile(r"violates PodSecurity \"(?P<level>[^\"]+)\": (?P<why>.+)$")
_ACCOUNT = re.compile(r"serviceaccount \"(?P<name>[^\"]+)\" not found", re.IGNORECASE)
_ASKED = re.compile(r"([\w./-]+)=(\S+)")


@dataclass(frozen=True)
class Refusal:
    """The API's last word on why a controller may not create what it wants."""

    controller: Obj
    message: str
    evidence: tuple[Evidence, ...]
    since: datetime | None
    wanted: int
    have: int


def refusals(snapshot: Snapshot) -> Iterable[Refusal]:
    """Controllers that want more pods than they have and are refused, with the reason."""
    for kind in ("ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
        for controller in snapshot.kind(kind):
            wanted, have = counts(controller)
            if wanted <= have:
                continue
            failure = condition(controller, "ReplicaFailure")
            events = [e for e in snapshot.events_of(controller, "FailedCreate") if e.warning]
            message = text(failure, "message") if text(failure, "status") == "True" else ""
            if not message and not events:
                continue
            evidence = [from_event(snapshot, e) for e in events[-1:]]
            if message:
                evidence.insert(0, from_object(snapshot, controller, f"ReplicaFailure: {message}", f"{kind} status"))
            since = moment(failure, "lastTransitionTime") or next((e.first for e in events), None)
            yield Refusal(controller, message or events[-1].message, tuple(evidence), since, wanted, have)


def counts(controller: Obj) -> tuple[int, int]:
    """How many pods a controller wants and has."""
    kind = kind_of(controller)
    if kind == "DaemonSet":
        return number(controller, "status", "desiredNumberScheduled"), number(
            controller, "status", "currentNumberScheduled"
        )
    if kind == "Job":
        ended = any(text(c, "status") == "True" for c in items(controller, "status", "conditions"))
        if ended or flag(controller, "spec", "suspend"):
            return 0, 0
        done = number(controller, "status", "succeeded") + number(controller, "status", "active")
        return 1, done
    return number(controller, "spec", "replicas"), number(controller, "status", "replicas")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per controller that is refused for one of these reasons."""
    for refusal in refusals(snapshot):
        seen = _read(snapshot, refusal)
        if seen is not None:
            yield seen


def _read(snapshot: Snapshot, refusal: Refusal) -> Observation | None:
    workload = snapshot.top(refusal.controller)
    facts = {
        "workload": name_of(workload),
        "kind": kind_of(workload),
        "namespace": namespace_of(workload),
        "message": refusal.message,
        "wanted_pods": refusal.wanted,
        "have_pods": str(refusal.have),
    }
    seen = Observation(
        resource=resource_of(workload),
        fault="",
        facts=facts,
        evidence=refusal.evidence,
        since=refusal.since,
        confidence=0.96,
    )
    message = " ".join(refusal.message.split())
    if found := _QUOTA.search(message):
        return _exceeded(snapshot, seen, found)
    if found := _MUST.search(message):
        missing = [part for part in re.split(r"[,;] ?", found["missing"]) if part]
        return replace(
            seen, fault="quota_requires_limits", facts={**facts, "quota": found["quota"], "missing": missing}
        )
    if found := _SECURITY.search(message):
        return replace(
            seen, fault="pod_security_violation", facts={**facts, "level": found["level"], "violations": found["why"]}
        )
    if found := _ACCOUNT.search(message):
        here = [name_of(a) for a in snapshot.in_namespace("ServiceAccount", namespace_of(workload))]
        near = get_close_matches(found["name"], here, n=1, cutoff=0.6)
        return replace(
            seen, fault="service_account_missing", facts={**facts, "service_account": found["name"], "near": near}
        )
    if _RANGE.search(message):
        return _range(snapshot, seen)
    return None


def _exceeded(snapshot: Snapshot, seen: Observation, found: re.Match[str]) -> Observation:
    namespace, name = str(seen.facts["namespace"]), found["quota"]
    quota = snapshot.get("ResourceQuota", namespace, name)
    resources = [key for key, _ in _ASKED.findall(found["limited"])]
    users = _largest_users(snapshot, namespace, resources[0]) if resources else []
    facts = {
        **seen.facts, "quota": name, "resources": resources, "requested": found["requested"],
        "used": found["used"], "limited": found["limited"], "users": users,
    }  # fmt: skip
    evidence = seen.evidence
    if quota is not None:
        hard, used = mapping(quota, "status", "hard"), mapping(quota, "status", "used")
        words = ", ".join(f"{r} used {text(used, r)} of {text(hard, r)}" for r in resources)
        evidence = (*evidence, from_object(snapshot, quota, words, "ResourceQuota status"))
    return replace(
        seen,
        resource=resource_name(namespace, "ResourceQuota", name),
        fault="quota_exceeded",
        facts=facts,
        evidence=evidence,
        affects=(seen.resource,),
    )


def _largest_users(snapshot: Snapshot, namespace: str, resource: str) -> list[str]:
    """Workloads with the most of a quota's resource, as `name amount×pods`."""
    side, _, what = resource.partition(".")
    if side not in ("limits", "requests"):
        side, what = "requests", resource
    told: dict[str, list[str]] = {}
    for pod in snapshot.in_namespace("Pod", namespace):
        amounts = [w for c in items(pod, "spec", "containers") if (w := text(c, "resources", side, what))]
        if amounts and text(pod, "status", "phase") not in ("Succeeded", "Failed"):
            told.setdefault(name_of(snapshot.top(pod)), []).append("+".join(amounts))
    return [f"{name} {len(found)}×{found[0]}" for name, found in told.items()][:6]


def _range(snapshot: Snapshot, seen: Observation) -> Observation:
    ranges = snapshot.in_namespace("LimitRange", str(seen.facts["namespace"]))
    bounds: list[str] = []
    for found in ranges:
        for limit in items(found, "spec", "limits"):
            for side in ("min", "max"):
                bounds += [
                    f"{name_of(found)} {text(limit, 'type')} {side} {k}={v}" for k, v in labels(limit, side).items()
                ]
    return replace(seen, fault="limit_range_violated", facts={**seen.facts, "bounds": bounds[:8]})
