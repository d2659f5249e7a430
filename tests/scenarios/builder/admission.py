"""What admission adds to a pod: token volume, defaults, tolerations, priority; and its QoS class."""

import copy

DS_TOLERATIONS = [
    {"effect": effect, "key": f"node.kubernetes.io/{key}", "operator": "Exists"}
    for effect, key in (
        ("NoExecute", "not-ready"),
        ("NoExecute", "unreachable"),
        ("NoSchedule", "disk-pressure"),
        ("NoSchedule", "memory-pressure"),
        ("NoSchedule", "pid-pressure"),
        ("NoSchedule", "unschedulable"),
    )
]
NETWORK_UNAVAILABLE = {
    "effect": "NoSchedule",
    "key": "node.kubernetes.io/network-unavailable",
    "operator": "Exists",
}
POD_TOLERATIONS = [
    {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]
PRIORITIES = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def admitted(spec, owner_kind, priority, token):
    """A copy of the pod template's spec as the API server stores it for one pod; `token` names the token volume."""
    spec = copy.deepcopy(spec)
    if spec.pop("automountServiceAccountToken", True):
        for container in spec["containers"] + spec.get("initContainers", []):
            mount = {"mountPath": TOKEN_PATH, "name": token, "readOnly": True}
            container.setdefault("volumeMounts", []).append(mount)
        spec.setdefault("volumes", []).append(_token_volume(token))
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("serviceAccount", "default")
    spec.setdefault("serviceAccountName", "default")
    spec["priority"] = PRIORITIES.get(spec.get("priorityClassName"), 0) if priority is None else priority
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    have = spec.get("tolerations", [])
    if owner_kind == "DaemonSet":
        extra = DS_TOLERATIONS + ([NETWORK_UNAVAILABLE] if spec.get("hostNetwork") else [])
    else:
        extra = [t for t in POD_TOLERATIONS if not any(_covers(h, t) for h in have)]
    spec["tolerations"] = have + extra
    return spec


def _covers(have, wanted):
    return have.get("key") in (wanted["key"], None) and have.get("effect") in ("NoExecute", None)


def _token_volume(name):
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [field]}},
    ]
    return {"name": name, "projected": {"defaultMode": 420, "sources": sources}}


def pin(spec, node):
    """The node affinity by which the DaemonSet controller sends a pod to its node."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"nodeSelectorTerms": [term]}
    node_affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = required


def qos_class(spec):
    """BestEffort, Burstable or Guaranteed, from the resources of all containers."""
    every = [c.get("resources", {}) for c in spec["containers"] + spec.get("initContainers", [])]
    if not any(r.get("limits") or r.get("requests") for r in every):
        return "BestEffort"
    full = all(
        key in r.get("limits", {}) and r.get("requests", {}).get(key) == r["limits"][key]
        for r in every
        for key in ("cpu", "memory")
    )
    return "Guaranteed" if full else "Burstable"
