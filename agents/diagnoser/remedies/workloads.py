"""Remedies that change a workload's template."""

from __future__ import annotations

from collections.abc import Iterable

from agents.cluster.redaction import is_secret_name
from agents.diagnoser.fields import Obj, items, kind_of, labels, mapping, parts_of, text
from agents.diagnoser.history import previous
from agents.diagnoser.observation import Observation
from agents.diagnoser.quantities import amount_or_zero, memory_text
from agents.diagnoser.remedies.remedy import Remedy, act, patch, pod_spec_patch, say
from agents.diagnoser.snapshot import Snapshot, template_of
from agents.runtime.findings import Action, Language


def _container(workload: Obj | None, name: str) -> tuple[str, Obj]:
    """The template's list that holds a container, and the container."""
    spec = mapping(template_of(workload), "spec") if workload else {}
    for key in ("containers", "initContainers"):
        for container in items(spec, key):
            if text(container, "name") == name:
                return key, container
    return "containers", {}


def _before(snapshot: Snapshot, seen: Observation) -> Obj:
    """The container as the revision before had it."""
    workload = snapshot.find(seen.resource)
    revision = previous(snapshot, workload) if workload else None
    return revision.container(str(seen.facts.get("container", ""))) if revision else {}


def _memory(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    container, limit = str(seen.facts["container"]), str(seen.facts.get("memory_limit", ""))
    old = mapping(_before(snapshot, seen), "resources")
    limits, requests = text(old, "limits", "memory"), text(old, "requests", "memory")
    if not limits or amount_or_zero(limits) <= amount_or_zero(limit):
        size = amount_or_zero(limit)
        if not size:
            return
        limits, requests = memory_text(size * 2), ""
    arguments: Obj = {"container": container, "limits": {"memory": limits}}
    if requests and requests != seen.facts.get("memory_request"):
        arguments["requests"] = {"memory": requests}
    reason = say(
        language,
        f"give {container} the memory that it needs: {limit} -> {limits}",
        f"恢复 {container} 的内存限制：{limit} -> {limits}",
    )
    yield act("set_resources", seen.resource, reason, **arguments)


def _image(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    old, container = text(_before(snapshot, seen), "image"), str(seen.facts["container"])
    if old and old != seen.facts.get("image"):
        reason = say(language, f"back to {old}, which can be pulled", f"改回可以拉取的 {old}")
        yield act("set_image", seen.resource, reason, container=container, image=old)


def _environment(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """The variable as the revision before had it: its value at once, the reference to where it came from for good."""
    variable, entry = str(seen.facts.get("variable", "")), seen.facts.get("before_entry")
    workload, container = snapshot.find(seen.resource), str(seen.facts["container"])
    if not variable or not isinstance(entry, dict) or workload is None:
        return
    reason = say(language, f"set {variable} as the revision before did", f"按上一版本恢复 {variable}")
    name, key = (text(entry, "valueFrom", "configMapKeyRef", part) for part in ("name", "key"))
    values = labels(snapshot.get("ConfigMap", parts_of(seen.resource)[0], name), "data") if name else {}
    value = text(entry, "value") or values.get(key, "")
    if value and not is_secret_name(variable):
        yield act("set_env", seen.resource, reason, container=container, env={variable: value})
    if "valueFrom" in entry:
        which, _ = _container(workload, container)
        content = pod_spec_patch(workload, {which: [{"name": container, "env": [entry]}]})
        yield patch(seen.resource, content, reason, term="long" if value and not is_secret_name(variable) else "short")


def _command(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    workload, old = snapshot.find(seen.resource), _before(snapshot, seen)
    key, now = _container(workload, str(seen.facts.get("container", "")))
    changed = {part: old.get(part) for part in ("command", "args") if old.get(part) != now.get(part)}
    if workload and old and changed:
        content = pod_spec_patch(workload, {key: [{"name": text(now, "name"), **changed}]})
        yield patch(
            seen.resource, content, say(language, "start it as the revision before did", "恢复上一版本的启动命令")
        )


def _probe(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    workload, name = snapshot.find(seen.resource), f"{seen.facts.get('probe', '')}Probe"
    key, now = _container(workload, str(seen.facts.get("container", "")))
    old, probe = mapping(_before(snapshot, seen), name), mapping(now, name)
    if not workload or not probe:
        return
    reason = say(language, f"correct the {name}", f"修正 {name}")
    if old and old != probe:
        yield patch(seen.resource, pod_spec_patch(workload, {key: [{"name": text(now, "name"), name: old}]}), reason)
        return
    handler = next((h for h in ("httpGet", "tcpSocket") if h in probe), "")
    ports = [p.get("name") or p.get("containerPort") for p in items(now, "ports")]
    asked = probe[handler].get("port") if handler and isinstance(probe[handler], dict) else None
    declared = [p.get(k) for p in items(now, "ports") for k in ("name", "containerPort")]
    if seen.fault == "probe_liveness_too_aggressive":
        wider = {"failureThreshold": 10, "timeoutSeconds": max(5, int(probe.get("timeoutSeconds") or 1) * 3)}
        yield patch(seen.resource, pod_spec_patch(workload, {key: [{"name": text(now, "name"), name: wider}]}), reason)
    elif handler and ports and asked not in declared:
        content = {key: [{"name": text(now, "name"), name: {handler: {"port": ports[0]}}}]}
        yield patch(seen.resource, pod_spec_patch(workload, content), reason)


def _requests(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """What the revision before asked for; else what the emptiest suitable node has, with room to spare."""
    workload, resource = snapshot.find(seen.resource), str(seen.facts.get("resource", ""))
    if workload is None or resource not in ("cpu", "memory"):
        return
    containers = items(template_of(workload), "spec", "containers")
    largest = max(containers, key=lambda c: amount_or_zero(text(c, "resources", "requests", resource)), default={})
    revision = previous(snapshot, workload)
    old = text(revision.container(text(largest, "name")), "resources", "requests", resource) if revision else ""
    now, free = (
        amount_or_zero(v)
        for v in (text(largest, "resources", "requests", resource), str(seen.facts.get("most_free", "")))
    )
    wanted = old if old and amount_or_zero(old) < now else ""
    if not wanted and free > 0:
        wanted = memory_text(free * 0.8 // 2**20 * 2**20) if resource == "memory" else f"{free * 800:.0f}m"
    if wanted:
        reason = say(
            language,
            f"request what a node can give: {wanted} of {resource}",
            f"把 {resource} 请求降到节点能满足的 {wanted}",
        )
        yield act("set_resources", seen.resource, reason, container=text(largest, "name"), requests={resource: wanted})


def _tolerate(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """A toleration for the workload; or, when the Node is to blame, the Node without the taint."""
    taints = [t for n in snapshot.kind("Node") for t in items(n, "spec", "taints") if _is_named(t, seen)]
    if parts_of(seen.resource)[1] == "Node":
        node = snapshot.find(seen.resource)
        kept = [t for t in items(node, "spec", "taints") if not _is_named(t, seen)]
        yield patch(
            seen.resource, {"spec": {"taints": kept or None}}, say(language, "remove the taint", "移除污点"), "merge"
        )
        return
    workload = snapshot.find(seen.resource)
    if workload is None or not taints:
        return
    spec = mapping(template_of(workload), "spec")
    wanted = {k: v for k, v in taints[0].items() if k in ("key", "value", "effect")}
    wanted["operator"] = "Equal" if wanted.get("value") else "Exists"
    tolerations = [*items(spec, "tolerations"), wanted]
    reason = say(language, f"tolerate the taint {wanted.get('key')}", f"容忍污点 {wanted.get('key')}")
    yield patch(seen.resource, pod_spec_patch(workload, {"tolerations": tolerations}), reason)


def _is_named(taint: Obj, seen: Observation) -> bool:
    told = seen.facts.get("taints")
    return isinstance(told, list) and any(str(t).split("=")[0].split(":")[0] == text(taint, "key") for t in told)


def _template_back(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Undo the rollout when there is a revision to go back to."""
    workload = snapshot.find(seen.resource)
    if (
        workload is not None
        and kind_of(workload) in ("Deployment", "StatefulSet", "DaemonSet")
        and previous(snapshot, workload)
    ):
        yield act("undo_rollout", seen.resource, say(language, "back to the revision before", "回滚到上一版本"))


def _reference(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Point the references to a missing ConfigMap or Secret at the one that exists."""
    workload, near, missing = (
        snapshot.find(seen.resource),
        str(seen.facts.get("near", "")),
        str(seen.facts.get("missing", "")),
    )
    if workload is None or not near or not missing:
        return
    source = "secretKeyRef" if seen.fault.startswith("secret") else "configMapKeyRef"
    changed: list[Obj] = []
    for container in items(template_of(workload), "spec", "containers"):
        env = [
            {"name": text(e, "name"), "valueFrom": {source: {**mapping(e, "valueFrom", source), "name": near}}}
            for e in items(container, "env")
            if text(e, "valueFrom", source, "name") == missing
        ]
        if env:
            changed.append({"name": text(container, "name"), "env": env})
    if changed:
        reason = say(language, f"refer to {near}, which exists", f"改为引用存在的 {near}")
        yield patch(seen.resource, pod_spec_patch(workload, {"containers": changed}), reason)
    else:
        yield from _template_back(snapshot, seen, language)


def _host_name(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Replace a misspelt host in command, args and env of the container."""
    workload, near, host = (
        snapshot.find(seen.resource),
        str(seen.facts.get("near", "")),
        str(seen.facts.get("host", "")),
    )
    key, now = _container(workload, str(seen.facts.get("container", "")))
    if workload is None or not near or not host:
        return
    namespace, _, name = parts_of(near)
    right = (
        ".".join([name, *host.split(".")[1:]])
        if namespace in host.split(".")[1:] or "." not in host
        else f"{name}.{namespace}"
    )
    changed: Obj = {"name": text(now, "name")}
    for part in ("command", "args"):
        values = now.get(part)
        if isinstance(values, list) and any(isinstance(v, str) and host in v for v in values):
            changed[part] = [v.replace(host, right) if isinstance(v, str) else v for v in values]
    env = [
        {"name": text(e, "name"), "value": text(e, "value").replace(host, right)}
        for e in items(now, "env")
        if host in text(e, "value")
    ]
    if env:
        changed["env"] = env
    if len(changed) > 1:
        reason = say(language, f"{host} does not exist, {right} does", f"{host} 不存在，{right} 存在")
        yield patch(seen.resource, pod_spec_patch(workload, {key: [changed]}), reason)


def _dns_policy(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    workload = snapshot.find(seen.resource)
    if workload is not None:
        policy = "ClusterFirstWithHostNet" if seen.facts.get("host_network") else "ClusterFirst"
        content = pod_spec_patch(workload, {"dnsPolicy": policy, "dnsConfig": None})
        yield patch(seen.resource, content, say(language, "ask the cluster's DNS", "使用集群 DNS"))


REMEDIES: dict[str, Remedy] = {
    "oom_killed": _memory,
    "image_not_found": _image,
    "image_arch_unsupported": _image,
    "crash_missing_env": _environment,
    "crash_bad_command": _command,
    "crash_app_error": _template_back,
    "crash_permission": _template_back,
    "init_container_failed": _template_back,
    "init_container_stuck": _host_name,
    "probe_liveness_misconfigured": _probe,
    "probe_liveness_too_aggressive": _probe,
    "probe_readiness_misconfigured": _probe,
    "pending_insufficient_resources": _requests,
    "pending_taint": _tolerate,
    "pending_node_selector": _template_back,
    "secret_missing": _reference,
    "configmap_missing": _reference,
    "dns_policy_wrong": _dns_policy,
}
