"""An operator that does not work explains custom resources that nobody looks after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.diagnoser.custom import group_of, is_custom
from agents.diagnoser.fields import Obj, items, kind_of, name_of, namespace_of, parts_of, strings, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.permissions import role_of
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot, template_of

_NEGLECTED = frozenset({"finalizer_stuck"})
"""Not what an operator rejects: one that says so works."""

_OPERATOR = re.compile(r"operator|controller|manager", re.IGNORECASE)
_SHORTEST = 4


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """From every fault of an operator's workload to neglected resources of the API groups that it serves."""
    neglected = [(o, obj) for o in observations if o.fault in _NEGLECTED and (obj := snapshot.find(o.resource))]
    neglected = [(o, obj) for o, obj in neglected if is_custom(obj)]
    for cause in observations if neglected else ():
        workload = (
            snapshot.find(cause.resource) if parts_of(cause.resource)[1] in ("Deployment", "StatefulSet") else None
        )
        if workload is None or cause.role == "effect":
            continue
        for effect, obj in neglected:
            if _serves(snapshot, workload, group_of(obj)):
                yield Edge(cause, effect)


def _serves(snapshot: Snapshot, workload: Obj, group: str) -> bool:
    """By the rights of its account, else by a name that says so: `pg-operator` for `pg.example.io`."""
    account = text(template_of(workload), "spec", "serviceAccountName") or "default"
    for binding in (
        *snapshot.kind("ClusterRoleBinding"),
        *snapshot.in_namespace("RoleBinding", namespace_of(workload)),
    ):
        subjects = [
            (text(s, "namespace") or namespace_of(binding), text(s, "name"))
            for s in items(binding, "subjects")
            if kind_of(s) == "ServiceAccount"
        ]
        if (namespace_of(workload), account) in subjects and any(
            group in strings(rule, "apiGroups") for rule in items(role_of(snapshot, binding), "rules")
        ):
            return True
    label, called = group.split(".")[0], f"{namespace_of(workload)} {name_of(workload)}"
    return len(label) >= _SHORTEST and label.rstrip("s") in called and bool(_OPERATOR.search(called))
