"""Remedies that change something other than a workload: Services, roles, nodes, quotas, claims, policies."""

from __future__ import annotations

from collections.abc import Iterable

from agents.diagnoser.fields import Obj, items, kind_of, mapping, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount_or_zero, memory_text
from agents.diagnoser.remedies.remedy import Remedy, act, patch, say
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Action, Language

_GROWTH = 1.5


def _selector(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    having = seen.facts.get("pod_labels")
    pairs = dict(str(p).split("=", 1) for p in having) if isinstance(having, list) else {}
    old = mapping(snapshot.find(seen.resource), "spec", "selector")
    if pairs:
        content: Obj = {"spec": {"selector": {**{k: None for k in old if k not in pairs}, **pairs}}}
        reason = say(
            language, f"select the pods of {seen.facts.get('workload')}", f"选择 {seen.facts.get('workload')} 的 Pod"
        )
        yield patch(seen.resource, content, reason, "merge")


def _target_port(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    service, served = snapshot.find(seen.resource), seen.facts.get("container_ports")
    if service is None or not isinstance(served, list) or not served:
        return
    right = int(str(served[0]).split(" ")[0])
    ports = [
        {**p, "targetPort": right} if p.get("port") == seen.facts.get("port") else p
        for p in items(service, "spec", "ports")
    ]
    yield patch(
        seen.resource,
        {"spec": {"ports": ports}},
        say(language, f"send to port {right}", f"转发到端口 {right}"),
        "merge",
    )


def _grant(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Adds the verb to the role; corrects the subjects of a binding that names somebody else."""
    blamed = snapshot.find(seen.resource)
    kind = kind_of(blamed)
    verb, resource, group = (str(seen.facts.get(k, "")) for k in ("verb", "api_resource", "group"))
    if blamed is None or not kind.startswith(("Role", "ClusterRole")):
        return
    if not kind.endswith("Binding"):
        verbs = ["list", "watch"] if verb in ("list", "watch") else [verb]
        rules = [*items(blamed, "rules"), {"apiGroups": [group], "resources": [resource], "verbs": verbs}]
        reason = say(language, f"allow {', '.join(verbs)} on {resource}", f"允许对 {resource} 执行 {', '.join(verbs)}")
        yield patch(seen.resource, {"rules": rules}, reason, "merge")
    elif not seen.facts.get("bound"):
        account = {
            "kind": "ServiceAccount",
            "name": seen.facts.get("account_name"),
            "namespace": seen.facts.get("account_namespace"),
        }
        subjects = [*items(blamed, "subjects"), account]
        yield patch(
            seen.resource, {"subjects": subjects}, say(language, "bind the right account", "绑定正确的账号"), "merge"
        )


def _uncordon(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    yield act("uncordon_node", seen.resource, say(language, "let pods in again", "恢复调度"))


def _quota(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Room for the pods that are missing, per exhausted resource."""
    quota, names = snapshot.find(seen.resource), seen.facts.get("resources")
    requested = dict(part.split("=", 1) for part in str(seen.facts.get("requested", "")).split(",") if "=" in part)
    if quota is None or not isinstance(names, list):
        return
    wanted = int(seen.facts.get("wanted_pods") or 0) - int(seen.facts.get("have_pods") or 0)
    hard: Obj = {}
    for name in names:
        old = text(quota, "spec", "hard", str(name))
        total = amount_or_zero(old) + max(wanted, 1) * amount_or_zero(requested.get(str(name)))
        if "memory" in str(name) or "storage" in str(name):
            hard[str(name)] = memory_text(total)
        else:
            hard[str(name)] = f"{total:g}"
    if hard:
        reason = say(language, f"room for {max(wanted, 1)} more pods", f"为另外 {max(wanted, 1)} 个 Pod 腾出配额")
        yield patch(seen.resource, {"spec": {"hard": hard}}, reason, "merge")


def _expand(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """A larger claim, when its StorageClass allows expansion."""
    storage_class = snapshot.get("StorageClass", "", str(seen.facts.get("storage_class", "")))
    size = amount_or_zero(str(seen.facts.get("size", "")))
    if storage_class is not None and storage_class.get("allowVolumeExpansion") is True and size:
        larger = memory_text(size * _GROWTH // 2**30 * 2**30 or size * 2)
        content = {"spec": {"resources": {"requests": {"storage": larger}}}}
        reason = say(
            language, f"expand {seen.facts.get('size')} to {larger}", f"从 {seen.facts.get('size')} 扩容到 {larger}"
        )
        yield patch(seen.resource, content, reason, "merge")


REMEDIES: dict[str, Remedy] = {
    "service_selector_mismatch": _selector,
    "service_port_mismatch": _target_port,
    "rbac_denied": _grant,
    "pending_cordoned": _uncordon,
    "quota_exceeded": _quota,
    "volume_full": _expand,
}
