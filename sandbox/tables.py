"""Tables: the columns that `kubectl get` prints, computed by the server as Kubernetes does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandbox import selectors, times
from sandbox.objects import Object, dig, is_deleted, is_ready, name_of
from sandbox.resources import Resource

Cells = Callable[[Object], list[Any]]
_NONE = "<none>"


def human_age(written: str | None) -> str:
    if not written:
        return "<unknown>"
    seconds = max(0, int((times.now() - times.parse(written)).total_seconds()))
    for limit, unit, letter in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit}{letter}"
    return f"{seconds // 86400}d"


def _age(obj: Object) -> str:
    return human_age(obj["metadata"].get("creationTimestamp"))


def _count(obj: Object, path: str) -> int:
    return dig(obj, path) or 0


def _pod_reason(pod: Object) -> str:
    """The status column: the most telling of phase, init containers and container states."""
    status: Object = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Pending"
    inits: list[Object] = status.get("initContainerStatuses") or []
    sidecars = [c["name"] for c in pod["spec"].get("initContainers") or [] if c.get("restartPolicy") == "Always"]
    for position, init in enumerate(inits):
        state: Object = init.get("state") or {}
        ended = state.get("terminated")
        if (ended and ended.get("exitCode") == 0) or (init.get("started") and init["name"] in sidecars):
            continue
        blocked = (ended or state.get("waiting") or {}).get("reason")
        detail = blocked if blocked and blocked != "PodInitializing" else f"{position}/{len(inits)}"
        return "Terminating" if is_deleted(pod) else f"Init:{detail}"
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        reason = (state.get("waiting") or state.get("terminated") or {}).get("reason") or reason
    return "Terminating" if is_deleted(pod) else reason


def _pod(pod: Object) -> list[Any]:
    statuses: list[Object] = dig(pod, "status.containerStatuses") or []
    ready = sum(bool(item.get("ready")) for item in statuses)
    restarts = sum(item.get("restartCount", 0) for item in statuses)
    address, node = dig(pod, "status.podIP") or _NONE, pod["spec"].get("nodeName", _NONE)
    return [
        name_of(pod),
        f"{ready}/{len(pod['spec']['containers'])}",
        _pod_reason(pod),
        str(restarts),
        _age(pod),
        address,
        node,
        _NONE,
        _NONE,
    ]


def _template(obj: Object) -> list[Any]:
    containers: list[Object] = dig(obj, "spec.template.spec.containers") or []
    return [",".join(c["name"] for c in containers), ",".join(c.get("image", "") for c in containers)]


def _selector(obj: Object) -> str:
    return selectors.written(dig(obj, "spec.selector")) or _NONE


def _ready_of(obj: Object) -> str:
    return f"{_count(obj, 'status.readyReplicas')}/{dig(obj, 'spec.replicas')}"


def _deployment(obj: Object) -> list[Any]:
    counts = [_count(obj, "status.updatedReplicas"), _count(obj, "status.availableReplicas")]
    return [name_of(obj), _ready_of(obj), *counts, _age(obj), *_template(obj), _selector(obj)]


def _replica_set(obj: Object) -> list[Any]:
    counts = [dig(obj, "spec.replicas"), _count(obj, "status.replicas"), _count(obj, "status.readyReplicas")]
    return [name_of(obj), *counts, _age(obj), *_template(obj), _selector(obj)]


def _stateful_set(obj: Object) -> list[Any]:
    return [name_of(obj), _ready_of(obj), _age(obj), *_template(obj)]


def _daemon_set(obj: Object) -> list[Any]:
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    nodes = selectors.written(dig(obj, "spec.template.spec.nodeSelector")) or _NONE
    return [name_of(obj), *(_count(obj, f"status.{field}") for field in fields), nodes, _age(obj)]


def _node(node: Object) -> list[Any]:
    state = "Ready" if is_ready(node) else "NotReady"
    if (node.get("spec") or {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in node["metadata"].get("labels") or {} if key.startswith(prefix)]
    info: Object = dig(node, "status.nodeInfo") or {}
    address = next(iter(dig(node, "status.addresses") or []), {}).get("address", _NONE)
    return [
        name_of(node),
        state,
        ",".join(roles) or _NONE,
        _age(node),
        info.get("kubeletVersion", ""),
        address,
        info.get("osImage", ""),
    ]


def _service(obj: Object) -> list[Any]:
    spec: Object = obj["spec"]
    ports = ",".join(f"{port['port']}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or []) or _NONE
    ingress: list[Object] = dig(obj, "status.loadBalancer.ingress") or []
    external = ",".join(item.get("ip") or item.get("hostname", "") for item in ingress) or _NONE
    return [
        name_of(obj),
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP", _NONE),
        external,
        ports,
        _age(obj),
        selectors.written(spec.get("selector")) or _NONE,
    ]


def _event(obj: Object) -> list[Any]:
    about: Object = obj.get("involvedObject") or obj.get("regarding") or {}
    seen = obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp")
    subject = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    return [human_age(seen), obj.get("type", ""), obj.get("reason", ""), subject, obj.get("message", "")]


def _job(obj: Object) -> list[Any]:
    kinds = {item["type"] for item in dig(obj, "status.conditions") or [] if item.get("status") == "True"}
    state = next((kind for kind in ("Complete", "Failed", "Suspended") if kind in kinds), "Running")
    done = f"{_count(obj, 'status.succeeded')}/{obj['spec'].get('completions', 1)}"
    return [name_of(obj), state, done, _age(obj)]


def _cron_job(obj: Object) -> list[Any]:
    last = dig(obj, "status.lastScheduleTime")
    active = len(dig(obj, "status.active") or [])
    return [
        name_of(obj),
        obj["spec"].get("schedule"),
        str(obj["spec"].get("suspend", False)),
        active,
        human_age(last) if last else _NONE,
        _age(obj),
    ]


def _claim(obj: Object) -> list[Any]:
    modes = ",".join(dig(obj, "status.accessModes") or [])
    capacity = dig(obj, "status.capacity.storage") or ""
    return [
        name_of(obj),
        dig(obj, "status.phase") or "Pending",
        obj["spec"].get("volumeName", ""),
        capacity,
        modes,
        obj["spec"].get("storageClassName", ""),
        _age(obj),
    ]


def _volume(obj: Object) -> list[Any]:
    spec, claim = obj["spec"], obj["spec"].get("claimRef") or {}
    bound = f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""
    return [
        name_of(obj),
        dig(spec, "capacity.storage") or "",
        ",".join(spec.get("accessModes") or []),
        spec.get("persistentVolumeReclaimPolicy", ""),
        dig(obj, "status.phase") or "",
        bound,
        spec.get("storageClassName", ""),
        _age(obj),
    ]


def _ingress(obj: Object) -> list[Any]:
    spec: Object = obj["spec"]
    hosts = ",".join(rule.get("host", "*") for rule in spec.get("rules") or []) or "*"
    addresses = ",".join(
        item.get("ip") or item.get("hostname", "") for item in dig(obj, "status.loadBalancer.ingress") or []
    )
    ports = "80, 443" if spec.get("tls") else "80"
    return [name_of(obj), spec.get("ingressClassName", _NONE), hosts, addresses, ports, _age(obj)]


def _autoscaler(obj: Object) -> list[Any]:
    spec: Object = obj["spec"]
    target: Object = spec.get("scaleTargetRef") or {}
    return [
        name_of(obj),
        f"{target.get('kind')}/{target.get('name')}",
        spec.get("minReplicas", 1),
        spec.get("maxReplicas"),
        _count(obj, "status.currentReplicas"),
        _age(obj),
    ]


def _slice(obj: Object) -> list[Any]:
    ports = ",".join(str(port.get("port")) for port in obj.get("ports") or []) or "<unset>"
    addresses = ",".join(address for item in obj.get("endpoints") or [] for address in item["addresses"]) or "<unset>"
    return [name_of(obj), obj.get("addressType"), ports, addresses, _age(obj)]


def _budget(obj: Object) -> list[Any]:
    spec: Object = obj["spec"]
    bounds = [str(spec.get(field, "N/A")) for field in ("minAvailable", "maxUnavailable")]
    return [name_of(obj), *bounds, _count(obj, "status.disruptionsAllowed"), _age(obj)]


def _data(obj: Object) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


# Columns that begin with - show with `-o wide` only.
_TABLES: dict[str, tuple[str, Cells]] = {
    "pods": ("Name,Ready,Status,Restarts,Age,-IP,-Node,-Nominated Node,-Readiness Gates", _pod),
    "deployments": ("Name,Ready,Up-to-date,Available,Age,-Containers,-Images,-Selector", _deployment),
    "replicasets": ("Name,Desired,Current,Ready,Age,-Containers,-Images,-Selector", _replica_set),
    "statefulsets": ("Name,Ready,Age,-Containers,-Images", _stateful_set),
    "daemonsets": ("Name,Desired,Current,Ready,Up-to-date,Available,Node Selector,Age", _daemon_set),
    "nodes": ("Name,Status,Roles,Age,Version,-Internal-IP,-OS-Image", _node),
    "services": ("Name,Type,Cluster-IP,External-IP,Port(s),Age,-Selector", _service),
    "events": ("Last Seen,Type,Reason,Object,Message", _event),
    "namespaces": ("Name,Status,Age", lambda o: [name_of(o), dig(o, "status.phase") or "Active", _age(o)]),
    "configmaps": ("Name,Data,Age", lambda o: [name_of(o), _data(o), _age(o)]),
    "secrets": ("Name,Type,Data,Age", lambda o: [name_of(o), o.get("type", "Opaque"), _data(o), _age(o)]),
    "jobs": ("Name,Status,Completions,Age", _job),
    "cronjobs": ("Name,Schedule,Suspend,Active,Last Schedule,Age", _cron_job),
    "persistentvolumeclaims": ("Name,Status,Volume,Capacity,Access Modes,StorageClass,Age", _claim),
    "persistentvolumes": ("Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,Age", _volume),
    "ingresses": ("Name,Class,Hosts,Address,Ports,Age", _ingress),
    "horizontalpodautoscalers": ("Name,Reference,MinPods,MaxPods,Replicas,Age", _autoscaler),
    "endpointslices": ("Name,AddressType,Ports,Endpoints,Age", _slice),
    "poddisruptionbudgets": ("Name,Min Available,Max Unavailable,Allowed Disruptions,Age", _budget),
}  # fmt: skip


def table(resource: Resource, objects: Sequence[Object], meta: Object, include: str, columns: bool = True) -> Object:
    """A meta.k8s.io/v1 Table; `include` is the request's includeObject: None, Metadata or Object."""
    heading, cells = _TABLES.get(
        resource.plural, ("Name,Created At", lambda o: [name_of(o), o["metadata"].get("creationTimestamp")])
    )
    definitions = [
        {
            "name": name.removeprefix("-"),
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": int(name.startswith("-")),
        }
        for name in heading.split(",")
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": definitions if columns else None,
        "rows": [{"cells": cells(obj), "object": _included(obj, include)} for obj in objects],
    }


def partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _included(obj: Object, include: str) -> Object | None:
    if include == "Object":
        return obj
    return None if include == "None" else partial(obj)
