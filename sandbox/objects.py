"""Reading Kubernetes objects: small pure questions about JSON, asked all over this room."""

from __future__ import annotations

from typing import Any, TypeVar

Object = dict[str, Any]
T = TypeVar("T")


def clone(value: T) -> T:
    """A deep copy of JSON; several times faster than `copy.deepcopy`."""
    copied: Any = value
    if isinstance(value, dict):
        copied = {key: clone(item) for key, item in value.items()}
    elif isinstance(value, list):
        copied = [clone(item) for item in value]
    return copied


def dig(obj: Any, path: str) -> Any:
    """The value at a dotted path, or None where the path ends early."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def name_of(obj: Object) -> str:
    return obj["metadata"]["name"]


def namespace_of(obj: Object) -> str:
    """The namespace, "" for a cluster-scoped object."""
    return obj["metadata"].get("namespace") or ""


def uid_of(obj: Object) -> str:
    return obj["metadata"].get("uid") or ""


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def controller_of(obj: Object) -> Object | None:
    """The owner reference of the controller, or None."""
    owners: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def condition(obj: Object, kind: str) -> Object | None:
    conditions: list[Object] = (obj.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item.get("type") == kind), None)


def is_true(obj: Object, kind: str) -> bool:
    """Whether the condition of this type has status True."""
    found = condition(obj, kind)
    return found is not None and found.get("status") == "True"


def is_ready(obj: Object) -> bool:
    return is_true(obj, "Ready")


def is_finished(pod: Object) -> bool:
    """Whether the pod has run to its end, well or badly."""
    return dig(pod, "status.phase") in ("Succeeded", "Failed")


def is_deleted(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def containers_of(pod_spec: Object) -> list[Object]:
    return [*(pod_spec.get("initContainers") or []), *(pod_spec.get("containers") or [])]


def statuses_of(pod: Object) -> list[Object]:
    """Container statuses, init containers first."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
