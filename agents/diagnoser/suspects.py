"""Which logs and Secrets are worth fetching: failing pods first, then what the question names, then one pod each."""

from __future__ import annotations

from collections import Counter

from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.fields import Obj, items, name_of, namespace_of, text
from agents.diagnoser.snapshot import LogKey, Snapshot, is_ready, template_of

_PODS_PER_WORKLOAD = 3
_TLS = "kubernetes.io/tls"


def wanted_logs(snapshot: Snapshot, question: str, limit: int) -> list[LogKey]:
    """At most `limit` logs, the most telling first. An instance that ended counts as a log of its own."""
    low = question.lower()

    def rank(pod: Obj) -> int:
        if not is_ready(pod) or any(view.crashing(snapshot.now) for view in containers_of(pod)):
            return 0
        named = name_of(snapshot.top(pod)).lower() in low or f" {namespace_of(pod).lower()} " in f" {low} "
        return 1 if named else 2

    ranked = sorted(((rank(pod), n, pod) for n, pod in enumerate(snapshot.troubled_pods)), key=lambda r: r[:2])
    taken: Counter[str] = Counter()
    chosen: list[tuple[int, int, int, Obj]] = []
    for priority, n, pod in ranked:
        turn = taken[snapshot.top_name(pod)]
        taken[snapshot.top_name(pod)] += 1
        if turn < _PODS_PER_WORKLOAD:
            # One pod of every workload comes before the second of any; that one tells what fails on its node alone.
            chosen.append((priority, turn if priority > 1 else 0, n, pod))
    keys: list[LogKey] = []
    for priority, _, _, pod in sorted(chosen, key=lambda c: c[:3]):
        for view in containers_of(pod):
            keys.extend(_keys(view, troubled=priority == 0))
        if len(keys) >= limit:
            break
    return keys[:limit]


def _keys(view: ContainerView, *, troubled: bool) -> list[LogKey]:
    key = LogKey(namespace_of(view.pod), name_of(view.pod), view.name)
    if not view.status or (view.init and not troubled):
        return []
    keys = [key] if view.running or view.ended else []
    if view.ended and view.restarts:
        keys.append(LogKey(key.namespace, key.pod, key.container, previous=True))
    return keys


def referenced_secrets(snapshot: Snapshot, limit: int) -> list[tuple[str, str]]:
    """Secrets whose keys or certificates matter: of Ingresses, Gateways, pods that are not ready, servers with TLS."""
    found: dict[tuple[str, str], None] = {}
    for ingress in snapshot.kind("Ingress"):
        for tls in items(ingress, "spec", "tls"):
            found[namespace_of(ingress), text(tls, "secretName")] = None
    for gateway in snapshot.kind("Gateway"):
        for listener in items(gateway, "spec", "listeners"):
            for reference in items(listener, "tls", "certificateRefs"):
                found[text(reference, "namespace") or namespace_of(gateway), text(reference, "name")] = None
    for pod in snapshot.troubled_pods:
        if not is_ready(pod):
            for name in secrets_of(pod):
                found[namespace_of(pod), name] = None
    with_tls = {(namespace_of(s), name_of(s)) for s in snapshot.kind("Secret") if text(s, "type") == _TLS}
    for pod in snapshot.active_pods if with_tls else []:
        for volume in items(pod, "spec", "volumes"):
            key = (namespace_of(pod), text(volume, "secret", "secretName"))
            if key in with_tls:
                found[key] = None
    return [key for key in found if key[1]][:limit]


def secrets_of(workload: Obj) -> list[str]:
    """Names of the Secrets that a pod or a workload's template mounts, injects or pulls with."""
    spec = template_of(workload).get("spec")
    names = [text(v, "secret", "secretName") for v in items(spec, "volumes")]
    names += [text(s, "secret", "name") for v in items(spec, "volumes") for s in items(v, "projected", "sources")]
    for container in (*items(spec, "initContainers"), *items(spec, "containers")):
        names += [text(e, "valueFrom", "secretKeyRef", "name") for e in items(container, "env")]
        names += [text(e, "secretRef", "name") for e in items(container, "envFrom")]
    names += [text(r, "name") for r in items(spec, "imagePullSecrets")]
    return [name for name in dict.fromkeys(names) if name]
