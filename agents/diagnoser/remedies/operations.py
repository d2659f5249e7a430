"""Remedies for states that somebody set or forgot: scale, pause, suspension, finalizers, limits, stale settings."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from agents.diagnoser.fields import items, kind_of, mapping, name_of, namespace_of, number, strings, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount_or_zero, quantity_text
from agents.diagnoser.remedies.remedy import Remedy, act, patch, say
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Action, Language

_DEFAULT_CPU = "50m"


def _scale(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    before = str(seen.facts.get("before") or "")
    replicas = int(before) if before.isdigit() and int(before) else 1
    reason = say(language, f"scale back to {replicas}", f"恢复到 {replicas} 个副本")
    yield act("scale_workload", seen.resource, reason, replicas=replicas)


def _resume(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    yield patch(seen.resource, {"spec": {"paused": False}}, say(language, "resume the rollout", "恢复发布"), "merge")


def _unsuspend(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    yield patch(seen.resource, {"spec": {"suspend": False}}, say(language, "let it run again", "恢复调度"), "merge")


def _time_zone(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Without a zone that nobody knows, the schedule is read in the controller's own."""
    if "time zone" in str(seen.facts.get("wrong", "")):
        reason = say(language, f"drop the unknown timeZone {seen.facts.get('time_zone')}", "移除未知的 timeZone")
        yield patch(seen.resource, {"spec": {"timeZone": None}}, reason, "merge")


def _partition(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Lets a StatefulSet's new revision reach all pods when those that have it are ready."""
    workload = snapshot.find(seen.resource)
    ready = number(workload, "status", "readyReplicas") >= number(workload, "status", "replicas")
    if kind_of(workload) == "StatefulSet" and seen.facts.get("partition") and ready:
        content = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}
        yield patch(seen.resource, content, say(language, "roll out to all pods", "发布到所有 Pod"), "merge")


def _restart(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    source = seen.facts.get("source_name")
    yield act("restart_rollout", seen.resource, say(language, f"read {source} anew", f"重新读取 {source}"))


def _cpu(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """The limit of the revision before, else twice the present one."""
    limit, before = str(seen.facts.get("cpu_limit", "")), str(seen.facts.get("before") or "")
    wanted = before if amount_or_zero(before) > amount_or_zero(limit) else ""
    wanted = wanted or quantity_text("cpu", amount_or_zero(limit) * 2)
    reason = say(language, f"more CPU: {limit} -> {wanted}", f"放宽 CPU 限制：{limit} -> {wanted}")
    yield act("set_resources", seen.resource, reason, container=str(seen.facts["container"]), limits={"cpu": wanted})


def _requests(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    containers = seen.facts.get("containers")
    resource = str(seen.facts.get("resource", ""))
    for container in containers if isinstance(containers, list) and resource == "cpu" else []:
        measured = str(seen.facts.get("usage") or "")
        wanted = measured if measured and container == seen.facts.get("container") else _DEFAULT_CPU
        reason = say(language, f"give {container} a cpu request", f"为 {container} 设置 cpu 请求")
        yield act("set_resources", seen.resource, reason, container=str(container), requests={"cpu": wanted})


def _raise_maximum(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Room for what the most loaded metric asks for, at most twice the present maximum."""
    most = int(seen.facts.get("max") or 0)
    wanted = max(most + 1, min(most * 2, most * 3 // 2))
    reason = say(language, f"maxReplicas {most} -> {wanted}", f"maxReplicas {most} -> {wanted}")
    yield patch(seen.resource, {"spec": {"maxReplicas": wanted}}, reason, "merge")


def _retarget(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """The workload of a similar name, when there is exactly one of the kind that looks like it."""
    scaler = snapshot.find(seen.resource)
    target = mapping(scaler, "spec", "scaleTargetRef")
    here = [name_of(w) for w in snapshot.in_namespace(text(target, "kind"), namespace_of(scaler))]
    close = get_close_matches(text(target, "name"), here, n=2, cutoff=0.6)
    if len(close) == 1:
        content = {"spec": {"scaleTargetRef": {**target, "name": close[0]}}}
        yield patch(seen.resource, content, say(language, f"scale {close[0]}", f"改为伸缩 {close[0]}"), "merge")


def _finalize(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Takes the finalizers away that nobody else will; protection of what is still in use is left alone."""
    obj = snapshot.find(seen.resource)
    kept = [f for f in strings(obj, "metadata", "finalizers") if f.startswith("kubernetes.io/")]
    if obj is None or kind_of(obj) == "Namespace" or seen.facts.get("users"):
        return
    if len(kept) < len(strings(obj, "metadata", "finalizers")):
        content: dict[str, Any] = {"metadata": {"finalizers": kept or None}}
        reason = say(
            language,
            "remove the finalizer, once what it protects was cleaned up by hand",
            "确认其保护的资源已手动清理后，移除 finalizer",
        )
        yield patch(seen.resource, content, reason, "merge")


def _delete_webhook(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """A configuration goes only when every webhook in it calls a Service that is gone."""
    config = snapshot.find(seen.resource)
    services = [mapping(h, "clientConfig", "service") for h in items(config, "webhooks")]
    gone = [s for s in services if s and snapshot.get("Service", text(s, "namespace"), text(s, "name")) is None]
    if seen.facts.get("missing_service") and len(gone) == len(services):
        reason = say(language, "its Service is gone, nothing answers it", "它的 Service 已不存在")
        yield act("delete_resource", seen.resource, reason)


REMEDIES: dict[str, Remedy] = {
    "scaled_to_zero": _scale,
    "rollout_paused": _resume,
    "rollout_stuck": _partition,
    "cronjob_suspended": _unsuspend,
    "cronjob_bad_schedule": _time_zone,
    "config_stale": _restart,
    "cpu_throttled": _cpu,
    "hpa_no_requests": _requests,
    "hpa_at_max": _raise_maximum,
    "hpa_target_missing": _retarget,
    "finalizer_stuck": _finalize,
    "admission_webhook_failing": _delete_webhook,
}
