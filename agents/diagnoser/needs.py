"""What an object needs in order to work: Services it calls, workloads behind a Service, claims, nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.diagnoser.fields import Obj, items, kind_of, labels, name_of, namespace_of, parts_of, resource_name, text
from agents.diagnoser.hosts import Hosts
from agents.diagnoser.snapshot import WORKLOADS, Snapshot, template_of

_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class Needs:
    """Answers `of(resource)` for one Snapshot; answers are kept."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._hosts = Hosts(snapshot)
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, resource: str) -> tuple[str, ...]:
        """The objects that this one depends on directly."""
        if resource not in self._known:
            obj = self._snapshot.find(resource)
            self._known[resource] = tuple(dict.fromkeys(self._of(obj))) if obj is not None else ()
        return self._known[resource]

    def _of(self, obj: Obj) -> Iterator[str]:
        kind, namespace = kind_of(obj), namespace_of(obj)
        if kind == "Service":
            for workload in self._snapshot.workloads_behind(obj):
                yield resource_name(namespace_of(workload), kind_of(workload), name_of(workload))
        elif kind == "Ingress":
            yield resource_name(namespace, "Service", text(obj, "spec", "defaultBackend", "service", "name"))
            for rule in items(obj, "spec", "rules"):
                for path in items(rule, "http", "paths"):
                    yield resource_name(namespace, "Service", text(path, "backend", "service", "name"))
        elif kind in ("HTTPRoute", "GRPCRoute"):
            for rule in items(obj, "spec", "rules"):
                for backend in items(rule, "backendRefs"):
                    yield resource_name(text(backend, "namespace") or namespace, "Service", text(backend, "name"))
        elif kind == "PersistentVolumeClaim":
            yield resource_name("", "PersistentVolume", text(obj, "spec", "volumeName"))
        elif kind in WORKLOADS or kind == "Pod":
            yield from self._of_workload(obj)

    def _of_workload(self, workload: Obj) -> Iterator[str]:
        namespace = namespace_of(workload)
        for host in self.mentioned_hosts(workload):
            service = self._hosts.service(host, namespace)
            if service is not None:
                yield resource_name(namespace_of(service), "Service", name_of(service))
        pods = self._snapshot.active_pods_of(workload) or [workload]
        for pod in pods:
            for volume in items(template_of(pod), "spec", "volumes"):
                claim = text(volume, "persistentVolumeClaim", "claimName")
                if claim:
                    yield resource_name(namespace, "PersistentVolumeClaim", claim)
            node = text(pod, "spec", "nodeName")
            if node:
                yield resource_name("", "Node", node)

    def mentioned_hosts(self, workload: Obj) -> list[str]:
        """Words of env values, arguments and injected ConfigMaps that may be host names."""
        spec, namespace = template_of(workload).get("spec"), namespace_of(workload)
        words: list[str] = []
        for container in (*items(spec, "initContainers"), *items(spec, "containers")):
            values = [text(e, "value") for e in items(container, "env")]
            values += [str(a) for key in ("command", "args") for a in (container.get(key) or []) if isinstance(a, str)]
            for entry in items(container, "envFrom"):
                values += self._config_values(namespace, text(entry, "configMapRef", "name"))
            for entry in items(container, "env"):
                name, key = (text(entry, "valueFrom", "configMapKeyRef", part) for part in ("name", "key"))
                values += self._config_values(namespace, name, key)
            for value in values:
                words += _WORD.findall(value)
        for volume in items(spec, "volumes"):
            for value in self._config_values(namespace, text(volume, "configMap", "name")):
                words += _WORD.findall(value[:20_000])
        own = name_of(workload)
        return [word for word in dict.fromkeys(words) if word != own]

    def _config_values(self, namespace: str, name: str, key: str = "") -> list[str]:
        data = labels(self._snapshot.get("ConfigMap", namespace, name), "data") if name else {}
        return [data[key]] if key and key in data else list(data.values()) if not key else []


def is_service(resource: str) -> bool:
    """Whether a written resource names a Service."""
    return parts_of(resource)[1] == "Service"
