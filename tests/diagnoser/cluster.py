"""Small hand-made clusters: just the fields that a fault needs, as the API spells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agents.diagnoser.engine import Diagnosis, diagnose
from agents.diagnoser.snapshot import LogKey, Snapshot

NOW = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def obj(kind: str, name: str, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"{kind}-{namespace}-{name}", "creationTimestamp": ago(600)}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= fields.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **fields}


def node(name: str = "node-1", cpu: str = "4", memory: str = "16Gi", **spec: Any) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": cpu, "memory": memory, "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    labels = spec.pop("labels", {})
    return obj("Node", name, "", metadata={"labels": labels}, spec=spec, status=status)


def owner(of: dict[str, Any]) -> list[dict[str, Any]]:
    meta = of["metadata"]
    return [{"kind": of["kind"], "name": meta["name"], "uid": meta["uid"], "controller": True}]


def deployment(
    name: str = "web",
    container: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    replicas: int = 1,
    **spec: Any,
) -> list[dict[str, Any]]:
    """A Deployment with its ReplicaSets, the newest last; `before` is the container of the revision before."""
    labels = {"app": name}
    made = {"name": name, "image": f"{name}:2", **(container or {})}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [made], **spec}}
    top = obj(
        "Deployment", name, spec={"replicas": replicas, "template": template, "selector": {"matchLabels": labels}}
    )
    sets = []
    versions = ([{"name": name, "image": f"{name}:1", **before}] if before is not None else []) + [made]
    for number, version in enumerate(versions, 1):
        annotations = {"deployment.kubernetes.io/revision": str(number)}
        newest = number == len(versions)
        sets.append(
            obj(
                "ReplicaSet",
                f"{name}-{number}",
                metadata={
                    "annotations": annotations,
                    "ownerReferences": owner(top),
                    "creationTimestamp": ago(40 if newest else 9000),
                },
                spec={
                    "replicas": replicas if newest else 0,
                    "template": {"metadata": {"labels": labels}, "spec": {**template["spec"], "containers": [version]}},
                },
                status={"replicas": replicas if newest else 0},
            )
        )
    return [top, *sets]


def pod(parent: list[dict[str, Any]], status: dict[str, Any], suffix: str = "a", **more: Any) -> dict[str, Any]:
    """A pod of the newest ReplicaSet. `status` is that of its first container."""
    replica_set = parent[-1]
    template = replica_set["spec"]["template"]
    container = template["spec"]["containers"][0]
    ready = bool(status.get("ready"))
    named = {"name": container["name"], "restartCount": 0, **status}
    spec = {**template["spec"], "nodeName": "node-1", **more.pop("spec", {})}
    return obj(
        "Pod",
        f"{replica_set['metadata']['name']}-{suffix}",
        metadata={
            "labels": template["metadata"]["labels"],
            "ownerReferences": owner(replica_set),
            "creationTimestamp": ago(30),
        },
        spec=spec,
        status={
            "phase": "Running",
            "startTime": ago(30),
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": ago(25)}],
            "containerStatuses": [named],
            **more,
        },
    )


RUNNING = {"ready": True, "state": {"running": {"startedAt": ago(29)}}}
UNREADY = {"ready": False, "state": {"running": {"startedAt": ago(29)}}}


def crashed(code: int = 1, reason: str = "Error", restarts: int = 7, message: str = "") -> dict[str, Any]:
    last = {"exitCode": code, "reason": reason, "startedAt": ago(4), "finishedAt": ago(3), "message": message}
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
    return {"ready": False, "restartCount": restarts, "state": {"waiting": waiting}, "lastState": {"terminated": last}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}


def pending(parent: list[dict[str, Any]], message: str, **spec: Any) -> dict[str, Any]:
    made = pod(parent, {}, spec=spec)
    del made["spec"]["nodeName"]
    made["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }
    return made


def event(about: dict[str, Any], reason: str, message: str, count: int = 3, kind: str = "Warning") -> dict[str, Any]:
    meta = about["metadata"]
    involved = {"kind": about["kind"], "name": meta["name"], "namespace": meta.get("namespace", ""), "uid": meta["uid"]}
    return obj(
        "Event",
        f"{meta['name']}.{reason}.{abs(hash(message))}",
        involvedObject=involved,
        reason=reason,
        message=message,
        type=kind,
        count=count,
        firstTimestamp=ago(25),
        lastTimestamp=ago(1),
    )


def service(name: str, port: int = 80, target: Any = 8080, selector: dict[str, str] | None = None) -> dict[str, Any]:
    ports = [{"port": port, "targetPort": target, "protocol": "TCP"}]
    return obj("Service", name, spec={"selector": selector or {"app": name}, "ports": ports, "clusterIP": "10.96.0.9"})


def logs_of(made: dict[str, Any], text: str, *, previous: bool = False) -> dict[LogKey, str]:
    container = made["spec"]["containers"][0]["name"]
    return {LogKey(made["metadata"]["namespace"], made["metadata"]["name"], container, previous): text}


def snapshot(*objects: Any, logs: dict[LogKey, str] | None = None, **more: Any) -> Snapshot:
    """Objects, or lists of them, as a Snapshot. A node and a namespace come with it."""
    flat: list[dict[str, Any]] = []
    for member in objects:
        flat += member if isinstance(member, list) else [member]
    if not any(o["kind"] == "Node" for o in flat):
        flat.append(node())
    flat.append(obj("Namespace", "shop", ""))
    return Snapshot(flat, now=NOW, logs=logs or {}, **more)


def found(seen: Snapshot, question: str = "") -> list[tuple[str, str]]:
    """Resource and fault of every root cause."""
    return [(c.resource, c.fault) for c in answer(seen, question).root_causes]


def answer(seen: Snapshot, question: str = "") -> Diagnosis:
    return diagnose(seen, question)
