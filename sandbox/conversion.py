"""Events have two API versions with different field names; they are stored as v1 and converted for events.k8s.io."""

from __future__ import annotations

from sandbox.objects import Object
from sandbox.resources import Resource

_RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_GROUP = "events.k8s.io"


def needed(resource: Resource) -> bool:
    return resource.group == _GROUP


def outward(resource: Resource, obj: Object) -> Object:
    """An object as this version of the API shows it."""
    if not needed(resource):
        return obj
    renamed = {_RENAMED.get(name, name): value for name, value in obj.items()}
    return {**renamed, "kind": "Event", "apiVersion": resource.api_version}


def inward(resource: Resource, obj: Object) -> Object:
    """An object of this version of the API as it is stored."""
    if not needed(resource):
        return obj
    back = {new: old for old, new in _RENAMED.items()}
    return {back.get(name, name): value for name, value in obj.items()} | {"apiVersion": "v1"}
