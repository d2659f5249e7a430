"""NetworkPolicies that isolate pods for egress and forget DNS."""

from __future__ import annotations

from collections.abc import Iterable

from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import Obj, created, labels, mapping, name_of, namespace_of, resource_of
from agents.diagnoser.log_signs import classify, hosts_in
from agents.diagnoser.observation import Observation
from agents.diagnoser.policies import egress_allowed, shown_egress
from agents.diagnoser.snapshot import Snapshot

DNS = 53
_RECENT_LINES = 40


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Policies under which a pod that complains about names cannot ask the cluster's DNS."""
    for pod in snapshot.troubled_pods:
        policies = snapshot.policies_for(pod, "Egress")
        if not policies or any(
            egress_allowed(snapshot, policy, server, DNS, "UDP")
            for policy in policies
            for server in _dns_pods(snapshot)
        ):
            continue
        for view in containers_of(pod):
            line = _complaint(snapshot, view)
            if line:
                yield _blocks_dns(snapshot, policies, view, line)
                break


def _dns_pods(snapshot: Snapshot) -> list[Obj]:
    """A pod of the cluster's DNS, or a stand-in where it cannot be seen."""
    found = [
        p
        for p in snapshot.in_namespace("Pod", "kube-system")
        if labels(p, "metadata", "labels").get("k8s-app") == "kube-dns"
    ]
    stand_in: Obj = {
        "kind": "Pod",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
    }
    return found[:1] or [stand_in]


def _complaint(snapshot: Snapshot, view: ContainerView) -> str:
    lines = snapshot.log(view).splitlines()[-_RECENT_LINES:]
    return next((line.strip() for line in reversed(lines) if classify(line) == "name"), "")


def _blocks_dns(snapshot: Snapshot, policies: list[Obj], view: ContainerView, line: str) -> Observation:
    """Blames the policy that came last: without it the pod could still ask."""
    policy = max(policies, key=lambda p: (str(created(p)), name_of(p)))
    host = next((h for h, _ in hosts_in(line) if not h[0].isdigit()), "")
    selector = mapping(policy, "spec", "podSelector")
    facts = {
        "policy": name_of(policy),
        "namespace": namespace_of(policy),
        "workload": name_of(snapshot.top(view.pod)),
        "pod_selector": [f"{k}={v}" for k, v in labels(selector, "matchLabels").items()] or ["(all pods)"],
        "allows": shown_egress(policy) or ["nothing"],
        "host": host,
        "message": line,
        "blocked": "DNS (UDP/TCP 53 to kube-system/kube-dns)",
        "note": next(iter(labels(policy, "metadata", "annotations").values()), ""),
        "policies": [name_of(p) for p in policies],
    }
    return Observation(
        resource=resource_of(policy),
        fault="network_policy_blocks_egress",
        facts=facts,
        evidence=(
            from_object(snapshot, policy, f"egress allows {'; '.join(facts['allows'])}; no rule for port 53"),
            from_log(snapshot, view, line),
        ),
        since=created(policy),
        affects=(snapshot.top_name(view.pod),),
        confidence=0.95,
    )
