"""Events, as controllers and kubelet write them."""

from __future__ import annotations

from sandbox import times
from sandbox.cluster import Cluster
from sandbox.lifecycle import CONTROLLERS, random_suffix
from sandbox.objects import Object, name_of, namespace_of, uid_of
from sandbox.resources import EVENTS

SCHEDULER, KUBELET = "default-scheduler", "kubelet"


class Recorder:
    """Writes Events; the same one again counts up instead of adding another."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._resource = cluster.resource("v1", "events")

    def normal(self, obj: Object, reason: str, message: str, component: str) -> None:
        self._record(obj, "Normal", reason, message, component)

    def warning(self, obj: Object, reason: str, message: str, component: str, field: str = "") -> None:
        self._record(obj, "Warning", reason, message, component, field)

    def about(self, obj: Object) -> list[Object]:
        """Events about an object."""
        return [
            event
            for event in self._cluster.store.list(EVENTS, namespace_of(obj))
            if event.get("involvedObject", {}).get("name") == name_of(obj)
            and event["involvedObject"].get("kind") == obj["kind"]
        ]

    def _record(self, obj: Object, kind: str, reason: str, message: str, component: str, field: str = "") -> None:
        now, space = times.stamp(), namespace_of(obj) or "default"
        for event in self.about(obj):
            if (event.get("reason"), event.get("message")) == (reason, message):
                self._cluster.store.put(EVENTS, {**event, "count": event.get("count", 1) + 1, "lastTimestamp": now})
                return
        about: Object = {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "name": name_of(obj),
            "uid": uid_of(obj),
            "resourceVersion": obj["metadata"].get("resourceVersion", ""),
        }
        if namespace_of(obj):
            about["namespace"] = namespace_of(obj)
        if field:
            about["fieldPath"] = field
        event: Object = {
            "metadata": {"name": f"{name_of(obj)}.{random_suffix(10)}"},
            "involvedObject": about,
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": "",
        }
        self._cluster.lifecycle.create(self._resource, event, space, CONTROLLERS)
