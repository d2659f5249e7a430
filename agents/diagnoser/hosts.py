"""Host names and addresses as a pod sees them: which Service or pod they mean, or that they mean nothing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from agents.diagnoser.fields import Obj, flag, items, name_of, namespace_of, resource_of, strings, text
from agents.diagnoser.snapshot import Snapshot

Meaning = Literal["service", "pod", "missing", "external"]
"""`missing`: a name that only the cluster could resolve, and that names no Service in it."""


@dataclass(frozen=True)
class Target:
    """What a host turned out to mean."""

    host: str
    port: int
    meaning: Meaning
    obj: Obj | None = None
    near: str = ""
    """For a missing name: the existing Service that it resembles, written as a resource."""


class Hosts:
    """Resolves hosts against the Services and pods of one Snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _addresses(self) -> dict[str, Obj]:
        found: dict[str, Obj] = {}
        for pod in self._snapshot.kind("Pod"):
            if text(pod, "status", "podIP") and not flag(pod, "spec", "hostNetwork"):
                found[text(pod, "status", "podIP")] = pod
        for service in self._snapshot.kind("Service"):
            for address in (text(service, "spec", "clusterIP"), *strings(service, "spec", "clusterIPs")):
                if address and address != "None":
                    found[address] = service
            for entry in items(service, "status", "loadBalancer", "ingress"):
                if text(entry, "ip"):
                    found[text(entry, "ip")] = service
        return found

    def service(self, host: str, namespace: str) -> Obj | None:
        """The Service that a name or address means to a pod of that namespace."""
        found = self._addresses.get(host)
        if found is not None:
            return found if found.get("kind") == "Service" else None
        names = host.lower().rstrip(".").removesuffix(".cluster.local").removesuffix(".svc").split(".")
        if len(names) == 1:
            return self._snapshot.get("Service", namespace, names[0])
        if len(names) == 2:
            return self._snapshot.get("Service", names[1], names[0])
        # pod.service.namespace: a pod of a StatefulSet behind its headless Service
        return self._snapshot.get("Service", names[2], names[1]) if len(names) == 3 else None

    def target(self, host: str, port: int, namespace: str) -> Target:
        """What a host means to a pod of that namespace."""
        found = self._addresses.get(host) or self.service(host, namespace)
        if found is not None:
            return Target(host, port, "pod" if found.get("kind") == "Pod" else "service", found)
        if is_address(host) or not self._is_internal(host):
            return Target(host, port, "external")
        return Target(host, port, "missing", near=self._near(host, namespace))

    def _is_internal(self, host: str) -> bool:
        parts = host.lower().rstrip(".").split(".")
        if len(parts) == 1 or parts[-1] == "svc" or parts[-2:] == ["cluster", "local"]:
            return True
        return len(parts) == 2 and self._snapshot.get("Namespace", "", parts[1]) is not None

    def _near(self, host: str, namespace: str) -> str:
        parts = host.lower().split(".")
        place = parts[1] if len(parts) > 1 else namespace
        here = {name_of(s): s for s in self._snapshot.in_namespace("Service", place)}
        close = get_close_matches(parts[0], list(here), n=1, cutoff=0.75)
        if close:
            return resource_of(here[close[0]])
        others = [s for s in self._snapshot.kind("Service") if name_of(s) == parts[0]]
        others.sort(key=lambda s: (namespace_of(s) != namespace, namespace_of(s)))
        return resource_of(others[0]) if others else ""


def is_address(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
