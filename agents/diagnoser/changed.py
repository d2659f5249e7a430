"""Who changed an object last, and when: audit events when there are any, else managedFields."""

from __future__ import annotations

from datetime import datetime

from agents.diagnoser.fields import Obj, items, kind_of, moment, name_of, namespace_of, number, text
from agents.diagnoser.snapshot import Snapshot

WRITES = ("create", "update", "patch", "delete")
_PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "StorageClass": "storageclasses"}
_CONTROLLERS = ("kube-controller-manager", "kubelet", "kube-scheduler", "kube-apiserver", "cloud-controller-manager")


def writes_to(snapshot: Snapshot, obj: Obj) -> list[Obj]:
    """Successful audit events that changed an object (not its status), oldest first."""
    kind = kind_of(obj)
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    found: list[Obj] = []
    for event in snapshot.audit:
        about = event.get("objectRef")
        if (
            text(event, "verb") in WRITES
            and text(about, "resource") == plural
            and text(about, "name") == name_of(obj)
            and text(about, "namespace") == namespace_of(obj)
            and text(about, "subresource") != "status"
            and number(event, "responseStatus", "code") < 300
        ):
            found.append(event)
    return sorted(found, key=lambda e: text(e, "requestReceivedTimestamp"))


def managers(obj: Obj) -> list[tuple[datetime, str]]:
    """People's and tools' field managers with the time of their last change, oldest first; controllers are left out."""
    found = [
        (at, text(entry, "manager"))
        for entry in items(obj, "metadata", "managedFields")
        if (at := moment(entry, "time")) and text(entry, "subresource") != "status"
    ]
    return sorted((at, name) for at, name in found if name not in _CONTROLLERS)


def changed_at(snapshot: Snapshot, obj: Obj) -> datetime | None:
    """When somebody last changed an object, None when nothing tells."""
    written = [moment(e, "requestReceivedTimestamp") for e in writes_to(snapshot, obj)]
    known = [at for at in (*written, *(at for at, _ in managers(obj))) if at is not None]
    return max(known, default=None)


def deletion_of_service(snapshot: Snapshot, namespace: str, name: str) -> dict[str, str]:
    """Who deleted a Service, when, and which ports it had, as the audit log tells; {} when it does not."""
    for event in reversed(snapshot.audit):
        about = event.get("objectRef")
        if (
            text(event, "verb") == "delete"
            and (text(about, "resource"), text(about, "namespace"), text(about, "name"))
            == ("services", namespace, name)
            and number(event, "responseStatus", "code") < 300
        ):
            old = event.get("responseObject")
            ports = [f"{text(p, 'port')} -> {text(p, 'targetPort')}" for p in items(old, "spec", "ports")]
            return {
                "deleted_by": text(event, "user", "username"),
                "deleted_at": text(event, "requestReceivedTimestamp"),
                "old_ports": ", ".join(ports),
            }
    return {}
