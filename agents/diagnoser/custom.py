"""Custom resources as their operators report on them: what is bad about one, what it makes, and what it waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agents.diagnoser.fields import (
    Obj,
    dig,
    flag,
    items,
    kind_of,
    labels,
    mapping,
    moment,
    name_of,
    namespace_of,
    resource_name,
    resource_of,
    text,
)  # fmt: skip
from agents.diagnoser.snapshot import Snapshot

_READY = frozenset(
    {
        "Ready", "Available", "Synced", "Reconciled", "Healthy", "Accepted", "Valid", "Programmed", "Applied",
        "Configured", "Deployed", "Released", "Succeeded", "Completed", "Approved", "Resolved", "Bound", "Provisioned",
        "Installed", "ReconcileSuccess", "ResourcesReady", "SecretSynced",
    }
)  # fmt: skip
_BAD = re.compile(
    r"^(?:Not[A-Z]\w*|Degraded|Stalled|Fail(?:ed|ing|ure)|Error(?:ed)?|Invalid|Rejected|Blocked|Misconfigured|Unhealthy)$"
    r"|(?:Error|Failed|Failure|Degraded)$"
)
_REASON = re.compile(
    r"fail|error|invalid|not_?found|notexist|unsupported|denied|forbidden|reject|missing|conflict|mismatch|unauthori"
    r"|exceed|timeout|exception|refused",
    re.IGNORECASE,
)
_UNDER_WAY = re.compile(
    r"progress|pending|creating|reconciling|initializ|provisioning|installing|updating|scaling|notactive|paused|suspend"
    r"|dependencynotready|waiting",
    re.IGNORECASE,
)
_PHASES = re.compile(
    r"^(?:failed|failure|error|errored|invalid|rejected|degraded|misconfigured|crashed)$", re.IGNORECASE
)
_BUILT_IN = frozenset({"", "apps", "batch", "autoscaling", "policy", "extensions"})


@dataclass(frozen=True)
class Report:
    """What an operator says is wrong."""

    reason: str
    messages: tuple[str, ...]
    """Complaints, the most telling first."""
    conditions: tuple[str, ...]
    """`Ready=False SecretSyncedError`."""
    since: datetime | None


def is_custom(obj: Obj) -> bool:
    """Whether an operator's definition, and not Kubernetes itself, gives the object its meaning."""
    group = group_of(obj)
    return group not in _BUILT_IN and not group.endswith(".k8s.io")


def group_of(obj: Obj) -> str:
    """The API group, empty for the core group."""
    version = text(obj, "apiVersion")
    return version.split("/")[0] if "/" in version else ""


def report_of(obj: Obj) -> Report | None:
    """What is bad by the present status; None when it is good, unknown, or still under way."""
    if flag(obj, "spec", "suspend") or flag(obj, "spec", "paused"):
        return None
    bad = [c for c in _conditions(obj) if _is_bad(c)]
    failing = [c for c in bad if not _UNDER_WAY.search(text(c, "reason"))]
    phase = next((p for key in ("phase", "state") if (p := text(obj, "status", key)) and _PHASES.match(p)), "")
    if not failing and not phase:
        return None
    ranked = sorted(failing, key=lambda c: (not _REASON.search(text(c, "reason")), -len(text(c, "message"))))
    words = [text(c, "message") for c in ranked]
    words += [w for key in ("message", "error", "errorMessage", "reason") if (w := text(obj, "status", key))]
    shown = [f"{text(c, 'type')}={text(c, 'status')} {text(c, 'reason')}" for c in bad]
    since = [at for c in failing if (at := moment(c, "lastTransitionTime"))]
    return Report(
        reason=text(ranked[0], "reason") if ranked else phase,
        messages=tuple(dict.fromkeys(w for w in words if w)),
        conditions=tuple(shown + ([f"phase {phase}"] if phase else [])),
        since=min(since, default=None),
    )


def _conditions(obj: Obj) -> list[Obj]:
    nested = [c for parent in items(obj, "status", "parents") for c in items(parent, "conditions")]
    return [*items(obj, "status", "conditions"), *nested]


def _is_bad(condition: Obj) -> bool:
    kind, status = text(condition, "type"), text(condition, "status")
    if kind in _READY:
        return status == "False"
    if _BAD.search(kind):
        return status == "True"
    return status == "False" and bool(_REASON.search(text(condition, "reason")))


def products_of(obj: Obj) -> Iterator[tuple[str, str]]:
    """Kind and name of the Secrets and ConfigMaps that a custom resource is likely to make in its namespace."""
    for path in (("secretName",), ("target", "name"), ("writeConnectionSecretToRef", "name"), ("output", "secretName"),
                 ("secret", "name"), ("destination", "name"), ("outputSecret", "name")):  # fmt: skip
        name = text(obj, "spec", *path)
        if name:
            yield "Secret", name
    for template in (mapping(obj, "spec", "secretTemplate"), mapping(obj, "spec", "template")):
        name = text(template, "metadata", "name")
        if name:
            yield "Secret", name
    for kind in ("Secret", "ConfigMap"):
        yield kind, text(obj, "metadata", "name")


def references_of(snapshot: Snapshot, obj: Obj) -> Iterator[str]:
    """Objects that the resource names in its spec (`issuerRef`), lists in its status, or runs as workloads."""
    yield from _references(dig(obj, "spec"), namespace_of(obj), 0)
    for listed in items(obj, "status", "resources"):
        yield resource_name(text(listed, "namespace"), text(listed, "kind"), text(listed, "name"))
    for other in owned_by(snapshot, obj):
        if not is_custom(other):
            yield resource_of(other)
    for workload in snapshot.workloads():
        instance = labels(workload, "metadata", "labels").get("app.kubernetes.io/instance")
        if instance == name_of(obj) and namespace_of(workload) == namespace_of(obj):
            yield resource_of(workload)


def owned_by(snapshot: Snapshot, obj: Obj) -> list[Obj]:
    """Objects whose ownerReferences name this one."""
    uid = text(obj, "metadata", "uid")
    return [o for o in snapshot.objects if uid and any(text(r, "uid") == uid for r in _owners(o))]


def custom_owner(snapshot: Snapshot, obj: Obj) -> Obj | None:
    """The custom resource that this one was made for."""
    owner = snapshot.owner(obj)
    return owner if owner is not None and is_custom(owner) else None


def _owners(obj: Obj) -> list[Obj]:
    return items(obj, "metadata", "ownerReferences")


def _references(value: object, namespace: str, depth: int, key: str = "") -> Iterator[str]:
    if depth > 4:
        return
    if isinstance(value, list):
        for member in value:
            yield from _references(member, namespace, depth + 1, key)
    elif isinstance(value, dict):
        implied = key[:1].upper() + key[1:].removesuffix("Ref") if key.endswith("Ref") else ""
        kind, name = kind_of(value) or implied, text(value, "name")
        if kind and name:
            yield resource_name(text(value, "namespace") or namespace, kind, name)
            yield resource_name("", kind, name)
        for inner_key, inner in value.items():
            yield from _references(inner, namespace, depth + 1, str(inner_key))
