"""Remedies for traffic and names: traffic policies, policies of the network, Ingresses, cluster DNS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.diagnoser.fields import Obj, dig, items, labels, mapping, number, parts_of, text
from agents.diagnoser.history import previous
from agents.diagnoser.observation import Observation
from agents.diagnoser.remedies.remedy import Remedy, act, patch, say
from agents.diagnoser.remedies.workloads import REMEDIES as WORKLOADS
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Action, Language


def _everywhere(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Let every node forward to every pod."""
    field = str(seen.facts.get("field", ""))
    if field:
        reason = say(
            language, f"{field} Cluster: forward to pods of all nodes", f"{field} 改为 Cluster，转发到所有节点的 Pod"
        )
        yield patch(seen.resource, {"spec": {field: "Cluster"}}, reason, "merge")


def _class(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    near = str(seen.facts.get("near", ""))
    if near:
        reason = say(language, f"use the IngressClass {near}, which exists", f"使用存在的 IngressClass {near}")
        yield patch(seen.resource, {"spec": {"ingressClassName": near}}, reason, "merge")


def _backend(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Point the path at the port, or the Service, that exists."""
    ingress, wrong = snapshot.find(seen.resource), str(seen.facts.get("service", ""))
    near, right = str(seen.facts.get("near", "")), seen.facts.get("right_port")
    namespace, _, name = parts_of(near) if near else ("", "", wrong)
    if ingress is None or (near and namespace != seen.facts.get("namespace")) or not (near or right):
        return
    service = snapshot.get("Service", str(seen.facts.get("namespace", "")), name)
    ports = [number(p, "port") for p in items(service, "spec", "ports")]
    asked = seen.facts.get("port")
    port = asked if asked in ports else right or (ports[0] if len(ports) == 1 else None)
    if port is None:
        return
    rules = [_corrected(rule, wrong, name, port) for rule in items(ingress, "spec", "rules")]
    reason = say(language, f"send to {name}:{port}, which exists", f"转发到存在的 {name}:{port}")
    yield patch(seen.resource, {"spec": {"rules": rules}}, reason, "merge")


def _corrected(rule: Obj, wrong: str, name: str, port: Any) -> Obj:
    paths: list[Obj] = []
    for path in items(rule, "http", "paths"):
        if text(path, "backend", "service", "name") == wrong:
            paths.append({**path, "backend": {"service": {"name": name, "port": {"number": port}}}})
        else:
            paths.append(path)
    return {**rule, "http": {"paths": paths}} if paths else rule


def _let_in(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """One more ingress rule for the caller that is kept out."""
    policy, port = snapshot.find(seen.resource), seen.facts.get("port")
    caller = dict(str(pair).split("=", 1) for pair in seen.facts.get("caller_labels") or [] if "=" in str(pair))
    if policy is None or not caller or not port:
        return
    peer: Obj = {"podSelector": {"matchLabels": caller}}
    home = str(seen.facts.get("workload_namespace", ""))
    if home != seen.facts.get("namespace"):
        peer["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": home}}
    rule: Obj = {"from": [peer], "ports": [{"port": port, "protocol": seen.facts.get("protocol", "TCP")}]}
    reason = say(language, f"let {seen.facts.get('workload')} in", f"允许 {seen.facts.get('workload')} 访问")
    if mapping(policy, "spec", "podSelector"):
        content: Obj = {"spec": {"ingress": [*items(policy, "spec", "ingress"), rule]}}
        yield patch(seen.resource, content, reason, "merge")
        return
    target = labels(snapshot.find(str(seen.facts.get("target_pod", ""))), "metadata", "labels")
    yield from _new_policy(seen, target, {"policyTypes": ["Ingress"], "ingress": [rule]}, reason)


def _new_policy(seen: Observation, pods: dict[str, str], spec: Obj, reason: str) -> Iterable[Action]:
    """A policy of its own beside one that denies everything, so that the others stay closed."""
    chosen = {k: v for k, v in pods.items() if k not in ("pod-template-hash", "controller-revision-hash")}
    namespace, name = str(seen.facts.get("namespace", "")), f"allow-{seen.facts.get('workload')}"[:63]
    if not chosen:
        return
    manifest: Obj = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": chosen}, **spec},
    }
    yield act("apply_manifest", f"{namespace}/NetworkPolicy/{name}", reason, manifest=manifest)


def _let_out(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """One more egress rule for what is needed: the cluster's DNS, an address, or pods."""
    policy, port = snapshot.find(seen.resource), seen.facts.get("port")
    if policy is None or not port:
        return
    ports: list[Obj] = [{"port": port, "protocol": seen.facts.get("protocol", "TCP")}]
    address = str(seen.facts.get("address", ""))
    pod = snapshot.find(str(seen.facts.get("target_pod", "")))
    if "DNS" in str(seen.facts.get("blocked", "")):
        peers: list[Obj] = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
        ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    elif pod is not None:
        own = {k: v for k, v in labels(pod, "metadata", "labels").items() if not k.endswith("-hash")}
        home = {"matchLabels": {"kubernetes.io/metadata.name": text(pod, "metadata", "namespace")}}
        peers = [{"podSelector": {"matchLabels": own}, "namespaceSelector": home}]
    elif address:
        peers = [{"ipBlock": {"cidr": f"{address}/{128 if ':' in address else 32}"}}]
    else:
        return
    content: Obj = {"spec": {"egress": [*items(policy, "spec", "egress"), {"to": peers, "ports": ports}]}}
    reason = say(language, f"let the pods reach {seen.facts.get('blocked')}", f"允许访问 {seen.facts.get('blocked')}")
    yield patch(seen.resource, content, reason, "merge")


def _dns(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Scale CoreDNS up again, to what it had or to the customary two."""
    server = snapshot.find(seen.resource)
    if server is not None and seen.facts.get("replicas") == "0":
        reason = say(language, "cluster DNS must run", "集群 DNS 必须运行")
        yield act("scale_workload", seen.resource, reason, replicas=2)


def _host(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """The name that exists; else the variable's value of the revision before."""
    if seen.facts.get("near"):
        found = list(WORKLOADS["init_container_stuck"](snapshot, seen, language))
        if found:
            yield from found
            return
    workload, host = snapshot.find(seen.resource), str(seen.facts.get("host", ""))
    before = previous(snapshot, workload) if workload is not None else None
    name = str(seen.facts.get("container", ""))
    if workload is None or before is None or not host:
        return
    now = next(
        (c for c in items(dig(workload, "spec", "template"), "spec", "containers") if text(c, "name") == name), {}
    )
    old = {text(e, "name"): text(e, "value") for e in items(before.container(name), "env")}
    wrong = [text(e, "name") for e in items(now, "env") if host in text(e, "value")]
    env = {key: old[key] for key in wrong if old.get(key) and host not in old[key]}
    if env:
        shown = ", ".join(f"{k}={v}" for k, v in env.items())
        yield act(
            "set_env", seen.resource, say(language, f"back to {shown}", f"恢复为 {shown}"), container=name, env=env
        )


def _selector(snapshot: Snapshot, seen: Observation, language: Language) -> Iterable[Action]:
    """Add the labels that only the right pods have."""
    pairs = dict(str(p).split("=", 1) for p in seen.facts.get("pod_labels") or [] if "=" in str(p))
    if pairs:
        reason = say(language, f"select {seen.facts.get('workload')} alone", f"只选择 {seen.facts.get('workload')}")
        yield patch(seen.resource, {"spec": {"selector": pairs}}, reason, "merge")


REMEDIES: dict[str, Remedy] = {
    "service_internal_traffic_policy": _everywhere,
    "service_selector_too_broad": _selector,
    "ingress_class_missing": _class,
    "ingress_backend_wrong": _backend,
    "network_policy_blocks_ingress": _let_in,
    "network_policy_blocks_egress": _let_out,
    "coredns_broken": _dns,
    "dns_name_unresolvable": _host,
    "service_missing": _host,
}
