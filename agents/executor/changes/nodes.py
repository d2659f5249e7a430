"""Changes of a node: closed to new pods, open again, emptied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.cluster.writes import Precondition
from agents.executor.action import ActionError, Note, Object, Target
from agents.executor.changes.change import Before, Change, known_arguments, of_kind
from agents.executor.cluster_api import Write
from agents.runtime.findings import Action

_MIRROR = "kubernetes.io/config.mirror"


def cordon_node(before: Before, arguments: Mapping[str, Any]) -> Change:
    """No new pods on this node; those that run stay."""
    known_arguments(arguments)
    return Change({}, (_schedulable(before, False),), inverse=_action("uncordon_node", before))


def uncordon_node(before: Before, arguments: Mapping[str, Any]) -> Change:
    """New pods may be placed on this node again."""
    known_arguments(arguments)
    return Change({}, (_schedulable(before, True),), inverse=_action("cordon_node", before))


def drain_node(before: Before, arguments: Mapping[str, Any]) -> Change:
    """Cordons the node, then evicts its pods, respecting PodDisruptionBudgets; DaemonSet and static pods stay.

    `force` also evicts pods that nothing recreates, `delete_emptydir_data` those that lose scratch data. `pods` is
    filled in with `namespace/name/uid`: only pods that were seen when the Action was proposed are ever evicted.
    """
    given = known_arguments(arguments, "force", "delete_emptydir_data", "pods")
    leaving = [pod for pod in before.pods if _leaves(pod)]
    listed = given.get("pods")
    if listed is not None:
        leaving = [pod for pod in leaving if pod_id(pod) in listed]
    problems = [problem for pod in leaving if (problem := _problem(pod, given))]
    if problems:
        raise ActionError(f"{before.target} cannot be drained like this: {'; '.join(problems)}")
    arguments_complete = {
        "force": bool(given.get("force")),
        "delete_emptydir_data": bool(given.get("delete_emptydir_data")),
        "pods": sorted(listed) if listed is not None else sorted(map(pod_id, leaving)),
    }
    evictions = tuple(
        Write(
            "evict",
            Target(pod["metadata"]["namespace"], "Pod", pod["metadata"]["name"]),
            precondition=Precondition(uid=pod["metadata"]["uid"]),
        )
        for pod in sorted(leaving, key=pod_id)
    )
    return Change(
        arguments=arguments_complete,
        writes=(_schedulable(before, False), *evictions),
        inverse=_action("uncordon_node", before),
        notes=(Note(code="evicted_pods_do_not_return"),),
    )


def pod_id(pod: Object) -> str:
    """`namespace/name/uid`."""
    metadata = pod["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"


def _leaves(pod: Object) -> bool:
    metadata = pod["metadata"]
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not (
        finished
        or metadata.get("deletionTimestamp")
        or _MIRROR in (metadata.get("annotations") or {})
        or _controller(pod) in ("DaemonSet", "Node")
    )


def _controller(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((str(owner.get("kind")) for owner in owners if owner.get("controller")), "")


def _problem(pod: Object, given: Mapping[str, Any]) -> str:
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if not _controller(pod) and not given.get("force"):
        return f"pod {name} belongs to no controller and would not come back (force evicts it)"
    scratch = any("emptyDir" in volume for volume in (pod.get("spec") or {}).get("volumes") or [])
    if scratch and not given.get("delete_emptydir_data"):
        return f"pod {name} would lose the data in its emptyDir (delete_emptydir_data accepts that)"
    return ""


def _schedulable(before: Before, yes: bool) -> Write:
    of_kind(before.target, "Node")
    return before.write("merge", {"spec": {"unschedulable": None if yes else True}})


def _action(kind: Any, before: Before) -> Action:
    return Action(kind=kind, resource=str(before.target))
