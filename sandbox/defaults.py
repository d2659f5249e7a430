"""What the API server fills in. Templates are compared with defaults filled in, or every seeded workload would roll."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

from sandbox.objects import Object, clone, containers_of

HASH_LABEL = "pod-template-hash"
_WORKLOAD: dict[str, Object] = {
    "Deployment": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate"},
    },
    "ReplicaSet": {"replicas": 1},
    "StatefulSet": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    },
    "DaemonSet": {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    },
    "Job": {"backoffLimit": 6, "completions": 1, "parallelism": 1, "completionMode": "NonIndexed", "suspend": False},
    "CronJob": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
}
_POD: Object = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_PROBE: Object = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1}
_VOLUME_MODES = {"configMap": 420, "secret": 420, "projected": 420, "downwardAPI": 420}


def fill(obj: Object) -> None:
    """Fill in the defaults of an object, in place."""
    kind = obj["kind"]
    if kind in _WORKLOAD:
        spec = obj.setdefault("spec", {})
        for name, value in _WORKLOAD[kind].items():
            spec.setdefault(name, clone(value))
        if kind == "Deployment" and spec["strategy"].get("type", "RollingUpdate") == "RollingUpdate":
            rolling = spec["strategy"].setdefault("rollingUpdate", {})
            rolling.setdefault("maxSurge", "25%")
            rolling.setdefault("maxUnavailable", "25%")
    if kind == "Service":
        _fill_service(obj.setdefault("spec", {}))
    pod_spec = pod_spec_of(obj)
    if pod_spec is not None:
        fill_pod_spec(pod_spec, job=kind in ("Job", "CronJob"))
    if kind == "Secret" and obj.get("stringData") is None:
        obj.setdefault("type", "Opaque")


def pod_spec_of(obj: Object) -> Object | None:
    """The pod spec in a Pod, a workload or a CronJob."""
    spec: Object = obj.get("spec") or {}
    if obj["kind"] == "Pod":
        return spec
    if obj["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return (spec.get("template") or {}).get("spec")


def fill_pod_spec(spec: Object, job: bool = False) -> None:
    for name, value in _POD.items():
        if not (job and name == "restartPolicy"):
            spec.setdefault(name, clone(value))
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in containers_of(spec):
        _fill_container(container)
    for volume in spec.get("volumes") or []:
        for source, mode in _VOLUME_MODES.items():
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", mode)


def _fill_container(container: Object) -> None:
    image = str(container.get("image", ""))
    latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    limits = container["resources"].get("limits") or {}
    if limits:
        requests = container["resources"].setdefault("requests", {})
        for name, value in limits.items():
            requests.setdefault(name, value)
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe: Object | None = container.get(name)
        if probe:
            for field, value in _PROBE.items():
                probe.setdefault(field, value)
            if isinstance(probe.get("httpGet"), dict):
                probe["httpGet"].setdefault("scheme", "HTTP")
                probe["httpGet"].setdefault("path", "/")
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")


def _fill_service(spec: Object) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        address = spec.setdefault("clusterIP", f"10.96.{random.randint(1, 250)}.{random.randint(1, 250)}")
        spec.setdefault("clusterIPs", [address])
        spec.setdefault("internalTrafficPolicy", "Cluster")
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def comparable(template: Object) -> Object:
    """A pod template as two of them may be compared: defaulted, without its hash label and without empty values."""
    copied = clone(template)
    fill_pod_spec(copied.setdefault("spec", {}))
    labels: Object = (copied.get("metadata") or {}).get("labels") or {}
    labels.pop(HASH_LABEL, None)
    for quantity in (
        section
        for container in containers_of(copied["spec"])
        for section in (container["resources"].get("limits"), container["resources"].get("requests"))
        if section
    ):
        quantity.update({name: str(value) for name, value in quantity.items()})
    return _pruned(copied) or {}


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: item for name, raw in value.items() if (item := _pruned(raw)) not in (None, {}, [], "")}
        return {name: item for name, item in kept.items() if name != "creationTimestamp"}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return value


def template_hash(template: Object) -> str:
    """A name for a template, of the letters that Kubernetes uses."""
    digest = hashlib.sha256(json.dumps(comparable(template), sort_keys=True).encode()).digest()
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[byte % len(letters)] for byte in digest[:10])
