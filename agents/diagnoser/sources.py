"""Where a container's configuration comes from: the ConfigMap or Secret behind a file path or a variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.fields import items, labels, namespace_of, resource_name, text
from agents.diagnoser.snapshot import Snapshot

_TOKENS = "kube-root-ca.crt"


@dataclass(frozen=True)
class Source:
    """One ConfigMap or Secret as a container sees it."""

    kind: str
    namespace: str
    name: str
    path: str = ""
    """Where it is mounted; empty when it is injected as variables."""
    variable: str = ""
    """The variable that takes `key`; empty for a whole object."""
    key: str = ""

    @property
    def resource(self) -> str:
        """As it is written in answers."""
        return resource_name(self.namespace, self.kind, self.name)


def sources_of(view: ContainerView) -> list[Source]:
    """Every ConfigMap and Secret that a container mounts or injects; the API access token is left out."""
    return [source for source in (*_mounted(view), *_injected(view)) if source.name and source.name != _TOKENS]


def _mounted(view: ContainerView) -> Iterator[Source]:
    namespace = namespace_of(view.pod)
    volumes = {text(v, "name"): v for v in items(view.pod, "spec", "volumes")}
    for mount in items(view.spec, "volumeMounts"):
        volume, path, key = volumes.get(text(mount, "name"), {}), text(mount, "mountPath"), text(mount, "subPath")
        yield Source("ConfigMap", namespace, text(volume, "configMap", "name"), path, key=key)
        yield Source("Secret", namespace, text(volume, "secret", "secretName"), path, key=key)
        for part in items(volume, "projected", "sources"):
            yield Source("ConfigMap", namespace, text(part, "configMap", "name"), path, key=key)
            yield Source("Secret", namespace, text(part, "secret", "name"), path, key=key)


def _injected(view: ContainerView) -> Iterator[Source]:
    namespace = namespace_of(view.pod)
    for kind, one, all_of in (
        ("ConfigMap", "configMapKeyRef", "configMapRef"),
        ("Secret", "secretKeyRef", "secretRef"),
    ):
        for entry in items(view.spec, "env"):
            name, key = (text(entry, "valueFrom", one, part) for part in ("name", "key"))
            yield Source(kind, namespace, name, variable=text(entry, "name"), key=key)
        for entry in items(view.spec, "envFrom"):
            yield Source(kind, namespace, text(entry, all_of, "name"))


def keys_of(snapshot: Snapshot, source: Source) -> list[str]:
    """The keys that the ConfigMap or Secret has now."""
    if source.kind == "ConfigMap":
        obj = snapshot.get("ConfigMap", source.namespace, source.name)
        return [*labels(obj, "data"), *labels(obj, "binaryData")]
    shape = snapshot.secrets.get((source.namespace, source.name))
    return list(shape.lengths) if shape else []


def source_of_variable(snapshot: Snapshot, view: ContainerView, variable: str) -> Source | None:
    """The object that gives a variable its value."""
    for source in sources_of(view):
        if not source.path and (
            source.variable == variable or (not source.variable and variable in keys_of(snapshot, source))
        ):
            return source
    return None


def source_of_text(snapshot: Snapshot, view: ContainerView, words: str) -> Source | None:
    """The object that a complaint is about: by the mounted path, a key's file name, or as the only one."""
    found = sources_of(view)
    mounted = [s for s in found if s.path]
    by_path = [s for s in mounted if s.path.rstrip("/") and s.path.rstrip("/") in words]
    if by_path:
        return max(by_path, key=lambda s: len(s.path))
    for source in found:
        if any(
            len(key) > 3 and key in words
            for key in (keys_of(snapshot, source) if not source.variable else [source.key])
        ):
            return source
    maps = list(dict.fromkeys(s for s in mounted if s.kind == "ConfigMap"))
    if len({s.resource for s in maps}) == 1:
        return maps[0]
    injected = {s.resource: s for s in found if s.kind == "ConfigMap" and not s.path}
    return next(iter(injected.values())) if not maps and len(injected) == 1 else None


def env_value(view: ContainerView, variable: str) -> str | None:
    """The literal value of a variable in the pod's spec, None when it has none."""
    for entry in items(view.spec, "env"):
        if text(entry, "name") == variable and "valueFrom" not in entry:
            return text(entry, "value")
    return None
