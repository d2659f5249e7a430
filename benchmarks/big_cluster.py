"""A generated cluster of any size with five known faults in it, as a scenario folder."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Obj = dict[str, Any]

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PODS_PER_WORKLOAD = 5
EVENTS_PER_POD = 2
FAULTS = {
    "team-001/Deployment/app-0001": "oom_killed",
    "team-002/Deployment/app-0002": "image_not_found",
    "team-003/Deployment/app-0003": "pending_insufficient_resources",
    "team-004/Deployment/app-0004": "secret_missing",
    "team-005/Service/app-0005": "service_selector_mismatch",
}


def write(folder: Path, pods: int, nodes: int) -> None:
    """Writes a cluster with `pods` pods on `nodes` nodes, two events per pod, and the faults above."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = {
        "title": f"{pods} pods on {nodes} nodes",
        "captured_at": stamp(0),
        "cluster": {"name": f"big-{pods}", "version": "v1.34.1"},
        "questions": {"en": "What is broken?"},
        "expect": {"healthy": False, "root_causes": [{"resource": r, "fault": f} for r, f in FAULTS.items()]},
    }
    (folder / "scenario.yaml").write_text(json.dumps(scenario))
    with (folder / "objects.yaml").open("w") as file:
        for obj in Cluster(pods, nodes).objects():
            file.write("---\n" + json.dumps(obj) + "\n")  # JSON is YAML, and cheaper to write


def stamp(minutes_ago: float) -> str:
    """A time before NOW as the API writes it."""
    return (NOW - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cluster:
    """Objects of a healthy cluster, five workloads of which are not."""

    def __init__(self, pods: int, nodes: int) -> None:
        self._random = random.Random(20261120)
        self._workloads = pods // PODS_PER_WORKLOAD
        self._nodes = [f"node-{n:04}" for n in range(nodes)]

    def objects(self) -> Iterator[Obj]:
        """Every object, namespaces first."""
        for name in ("default", "kube-system", *(f"team-{n:03}" for n in range(100))):
            yield self._object("v1", "Namespace", name, status={"phase": "Active"})
        for name in self._nodes:
            yield self._node(name)
        for number in range(self._workloads):
            yield from self._workload(number)

    def _workload(self, number: int) -> Iterator[Obj]:
        namespace, name = f"team-{number % 100:03}", f"app-{number:04}"
        fault = FAULTS.get(f"{namespace}/Deployment/{name}")
        labels, pod_hash = {"app": name}, f"{number:08x}f"[-9:]
        spec = self._pod_spec(fault)
        template = {"metadata": {"labels": labels}, "spec": spec}
        ready = 0 if fault else PODS_PER_WORKLOAD
        status = {"observedGeneration": 1, "replicas": PODS_PER_WORKLOAD, "updatedReplicas": PODS_PER_WORKLOAD}
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        selector = {"matchLabels": labels}
        deployment = self._object(
            "apps/v1",
            "Deployment",
            name,
            namespace,
            spec={"replicas": PODS_PER_WORKLOAD, "selector": selector, "template": template},
            status=status,
        )
        deployment["metadata"] |= {"generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}}
        yield deployment
        pod_labels = labels | {"pod-template-hash": pod_hash}
        replica_set = self._object(
            "apps/v1",
            "ReplicaSet",
            f"{name}-{pod_hash}",
            namespace,
            owner=deployment,
            labels=pod_labels,
            spec={
                "replicas": PODS_PER_WORKLOAD,
                "selector": {"matchLabels": pod_labels},
                "template": {"metadata": {"labels": pod_labels}, "spec": spec},
            },
            status={"replicas": PODS_PER_WORKLOAD, "readyReplicas": ready},
        )
        replica_set["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
        yield replica_set
        pods = [self._pod(replica_set, pod_labels, spec, fault, index) for index in range(PODS_PER_WORKLOAD)]
        yield from pods
        for pod in pods:
            yield from self._events(pod, fault)
        yield from self._service(namespace, name, labels, pods, fault)

    def _pod_spec(self, fault: str | None) -> Obj:
        memory = "900Gi" if fault == "pending_insufficient_resources" else "128Mi"
        container: Obj = {
            "name": "app",
            "image": "registry.example.com/app:1.4.1" + ("-typo" if fault == "image_not_found" else ""),
            "ports": [{"containerPort": 8080, "protocol": "TCP", "name": "http"}],
            "resources": {"requests": {"cpu": "100m", "memory": memory}, "limits": {"memory": memory}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 10},
        }
        if fault == "secret_missing":
            container["env"] = [
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "app-login", "key": "password"}}}
            ]
        return {"containers": [container], "restartPolicy": "Always", "serviceAccountName": "default"}

    def _pod(self, owner: Obj, labels: dict[str, str], spec: Obj, fault: str | None, index: int) -> Obj:
        pending = fault == "pending_insufficient_resources"
        placed = spec if pending else spec | {"nodeName": self._random.choice(self._nodes)}
        name = f"{owner['metadata']['name']}-{index:05}"
        pod = self._object(
            "v1", "Pod", name, owner["metadata"]["namespace"], owner=owner, labels=labels, spec=placed, minutes_ago=50
        )
        pod["status"] = {
            "phase": "Pending" if fault and fault != "oom_killed" else "Running",
            "conditions": self._conditions(fault),
            "podIP": f"10.{self._random.randrange(255)}.{self._random.randrange(255)}.{self._random.randrange(255)}",
        }
        if not pending:
            pod["status"]["containerStatuses"] = [self._container_status(spec, fault)]
        return pod

    def _conditions(self, fault: str | None) -> list[Obj]:
        ready = {"type": "Ready", "status": "False" if fault else "True", "lastTransitionTime": stamp(49)}
        scheduled: Obj = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(50)}
        if fault == "pending_insufficient_resources":
            scheduled |= {"status": "False", "reason": "Unschedulable", "message": self._unschedulable()}
            return [scheduled]
        return [scheduled, ready]

    def _unschedulable(self) -> str:
        total = len(self._nodes)
        return f"0/{total} nodes are available: {total} Insufficient memory. preemption: 0/{total} nodes are available."

    def _container_status(self, spec: Obj, fault: str | None) -> Obj:
        waiting = {
            "oom_killed": ("CrashLoopBackOff", "back-off 5m0s restarting failed container=app"),
            "image_not_found": ("ImagePullBackOff", 'Back-off pulling image "registry.example.com/app:1.4.1-typo"'),
            "secret_missing": ("CreateContainerConfigError", 'secret "app-login" not found'),
        }.get(fault or "")
        killed = {"exitCode": 137, "reason": "OOMKilled", "startedAt": stamp(5), "finishedAt": stamp(4)}
        return {
            "name": "app",
            "image": spec["containers"][0]["image"],
            "imageID": "",
            "ready": fault is None,
            "started": fault is None,
            "restartCount": 9 if fault == "oom_killed" else 0,
            "state": {"waiting": dict(zip(("reason", "message"), waiting, strict=True))}
            if waiting
            else {"running": {"startedAt": stamp(49)}},
            "lastState": {"terminated": killed} if fault == "oom_killed" else {},
        }

    def _events(self, pod: Obj, fault: str | None) -> Iterator[Obj]:
        told = {
            "image_not_found": ("Failed", 'Failed to pull image "registry.example.com/app:1.4.1-typo": not found'),
            "pending_insufficient_resources": ("FailedScheduling", self._unschedulable()),
            "secret_missing": ("Failed", 'Error: secret "app-login" not found'),
            "oom_killed": ("BackOff", "Back-off restarting failed container app in pod"),
        }.get(fault or "")
        for number in range(EVENTS_PER_POD):
            last = told is not None and number == EVENTS_PER_POD - 1
            reason, message = told if told and last else ("Pulled", "Container image already present on machine")
            event = self._object("v1", "Event", f"{pod['metadata']['name']}.{number}", pod["metadata"]["namespace"])
            event |= {
                "involvedObject": {"kind": "Pod", "apiVersion": "v1"}
                | {key: pod["metadata"][key] for key in ("name", "namespace", "uid")},
                "reason": reason,
                "message": message,
                "type": "Warning" if last else "Normal",
                "count": 12 if last else 1,
                "firstTimestamp": stamp(49),
                "lastTimestamp": stamp(3 if last else 48),
                "source": {"component": "kubelet"},
            }
            yield event

    def _service(
        self, namespace: str, name: str, labels: dict[str, str], pods: list[Obj], fault: str | None
    ) -> Iterator[Obj]:
        lost = f"{namespace}/Service/{name}" in FAULTS
        selector = {"app": f"{name}-old"} if lost else labels
        port = {"port": 80, "targetPort": 8080, "protocol": "TCP"}
        service = self._object(
            "v1",
            "Service",
            name,
            namespace,
            spec={"type": "ClusterIP", "clusterIP": "10.96.0.9", "selector": selector, "ports": [port]},
        )
        yield service
        endpoints = [] if lost else pods
        addresses = [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": fault is None},
                "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": namespace},
            }
            for pod in endpoints
        ]
        of_service = {"kubernetes.io/service-name": name}
        slices = self._object("discovery.k8s.io/v1", "EndpointSlice", f"{name}-abcde", namespace, labels=of_service)
        yield slices | {"addressType": "IPv4", "endpoints": addresses, "ports": [{"port": 8080, "protocol": "TCP"}]}

    def _node(self, name: str) -> Obj:
        amounts = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
        conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": stamp(9000)}]
        status = {"capacity": amounts, "allocatable": amounts, "conditions": conditions}
        return self._object("v1", "Node", name, labels={"kubernetes.io/hostname": name}, spec={}, status=status)

    def _object(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        owner: Obj | None = None,
        labels: dict[str, str] | None = None,
        minutes_ago: float = 9000,
        **fields: Any,
    ) -> Obj:
        metadata: Obj = {
            "name": name,
            "uid": f"{self._random.getrandbits(64):016x}",
            "creationTimestamp": stamp(minutes_ago),
            "resourceVersion": str(self._random.randrange(1, 10**7)),
        }
        if namespace:
            metadata["namespace"] = namespace
        if labels:
            metadata["labels"] = labels
        if owner:
            reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
            metadata["ownerReferences"] = [reference | {key: owner["metadata"][key] for key in ("name", "uid")}]
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | fields
