"""Changes of a workload: how many, restart, and back to an earlier revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.executor.action import ActionError, Note, Object
from agents.executor.changes.change import (
    Before,
    Change,
    known_arguments,
    of_kind,
    template_of,
    template_patch,
    whole_number,
)
from agents.runtime.findings import Action

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation that `kubectl rollout restart` sets."""
_HASH_LABELS = ("pod-template-hash", "controller-revision-hash")


def scale_workload(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`replicas`: how many, through the scale subresource."""
    given = known_arguments(arguments, "replicas")
    of_kind(before.target, "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
    if "replicas" not in given:
        raise ActionError("replicas is missing: to how many?")
    wanted = whole_number(given["replicas"], "replicas")
    obj = before.existing()
    now = obj.get("spec", {}).get("replicas", 1)
    return Change(
        arguments={"replicas": wanted},
        writes=(before.write("merge", {"spec": {"replicas": wanted}}, "scale"),),
        inverse=Action(kind="scale_workload", resource=str(before.target), arguments={"replicas": now}),
    )


def restart_rollout(before: Before, arguments: Mapping[str, Any]) -> Change:
    """Replaces every pod, one after the other, as `kubectl rollout restart` does. `restarted_at` is filled in."""
    given = known_arguments(arguments, "restarted_at")
    of_kind(before.target, "Deployment", "StatefulSet", "DaemonSet")
    if before.existing().get("spec", {}).get("paused"):
        raise ActionError(f"{before.target} is paused; a restart would not start until it is resumed")
    moment = str(given.get("restarted_at") or before.now.isoformat(timespec="seconds"))
    patch = template_patch(before.target.kind, {"metadata": {"annotations": {RESTARTED_AT: moment}}})
    return Change(
        arguments={"restarted_at": moment},
        writes=(before.write("merge", patch),),
        no_way_back=Note(code="restart_is_final"),
    )


def undo_rollout(before: Before, arguments: Mapping[str, Any]) -> Change:
    """Back to the pod template of an earlier revision: the one before, or `to_revision`."""
    given = known_arguments(arguments, "to_revision")
    of_kind(before.target, "Deployment", "StatefulSet", "DaemonSet")
    obj = before.existing()
    history = {revision_of(item): template_of_revision(item) for item in before.revisions}
    history.pop(0, None)
    if not history:
        raise ActionError(f"{before.target} has no rollout history to go back to")
    current = _current(obj, before, history)
    wanted = (
        whole_number(given["to_revision"], "to_revision", 1)
        if given.get("to_revision")
        else _previous(history, current)
    )
    if wanted is None or wanted not in history:
        known = ", ".join(map(str, sorted(history)))
        raise ActionError(
            f"{before.target} has no {f'revision {wanted}' if wanted else 'earlier revision'}; it has {known}"
        )
    patch = [{"op": "replace", "path": "/spec/template", "value": history[wanted]}]
    back = Action(kind="undo_rollout", resource=str(before.target), arguments={"to_revision": current})
    return Change(
        arguments={"to_revision": wanted},
        writes=(before.write("json", patch),),
        inverse=back if current else None,
        no_way_back=None if current else Note(code="revision_unknown"),
        notes=(Note(code="back_to_revision", facts={"revision": wanted}),),
    )


def revision_of(item: Object) -> int:
    """The number of a ReplicaSet's or ControllerRevision's revision; 0 when it has none."""
    annotations = item.get("metadata", {}).get("annotations") or {}
    number = item.get("revision", annotations.get("deployment.kubernetes.io/revision", 0))
    return int(number) if str(number).isdigit() else 0


def template_of_revision(item: Object) -> Object:
    """The pod template that a revision holds, as the workload would have it."""
    spec = (item.get("data") or {}).get("spec") or item.get("spec") or {}
    template = {key: value for key, value in (spec.get("template") or {}).items() if key != "$patch"}
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in _HASH_LABELS}
    return {**template, "metadata": {key: value for key, value in metadata.items() if value is not None}}


def _current(obj: Object, before: Before, history: dict[int, Object]) -> int:
    """The revision that the workload runs: what the controller says, else the one with the same template, else 0."""
    noted = revision_of(obj) if before.target.kind == "Deployment" else 0
    if noted in history:
        return noted
    template = template_of(before)
    same = [number for number, old in history.items() if old.get("spec") == template.get("spec")]
    return max(same, default=0)


def _previous(history: dict[int, Object], current: int) -> int | None:
    earlier = [number for number in history if number != current and (not current or number < current)]
    return max(earlier, default=None)
