"""Pieces of pod status: conditions and container states as a kubelet reports them."""

from __future__ import annotations

import random
from datetime import timedelta

from sandbox import times
from sandbox.controllers.causes import Cause
from sandbox.objects import Object, containers_of, name_of, namespace_of, uid_of

RESTARTS = 2
"""How often a new crashing pod has restarted when it is first seen: enough to be told from a start that takes long."""


def make_condition(kind: str, value: bool, reason: str, message: str) -> Object:
    entry: Object = {"type": kind, "status": str(value), "lastProbeTime": None, "lastTransitionTime": times.stamp()}
    if reason:
        entry["reason"] = reason
    if message:
        entry["message"] = message
    return entry


def _status(container: Object, ready: bool, state: Object, restarts: int, last: Object | None) -> Object:
    image = container.get("image", "")
    return {
        "name": container["name"],
        "image": image,
        "imageID": image if ready else "",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
    }


def running(container: Object, before: Object | None) -> Object:
    """A container that runs; one that had crashed before was restarted once more."""
    before = before or {}
    crashed = bool(before.get("lastState")) or "terminated" in (before.get("state") or {})
    restarts = before.get("restartCount", 0) + (1 if crashed else 0)
    return _status(container, True, {"running": {"startedAt": times.stamp()}}, restarts, before.get("lastState"))


def completed(container: Object) -> Object:
    now = times.stamp()
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    return {**_status(container, True, {"terminated": ended}, 0, None), "started": False}


def creating() -> Object:
    return {"waiting": {"reason": "ContainerCreating"}}


def waiting(container: Object, state: Object, last: Object | None, restarts: int) -> Object:
    return _status(container, False, state, restarts, last)


def broken_state(pod: Object, cause: Cause) -> tuple[Object, Object | None, int]:
    """Current state, last state and restarts of the container at fault."""
    if cause.kind == "mount":
        return creating(), None, 0
    if cause.kind == "config":
        return {"waiting": {"reason": "CreateContainerConfigError", "message": cause.message}}, None, 0
    if cause.kind == "image":
        image = next((c.get("image") for c in containers_of(pod["spec"]) if c["name"] == cause.container), "")
        return {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}, None, 0
    now = times.now()
    killed = {
        "exitCode": 137,
        "reason": "OOMKilled",
        "startedAt": times.stamp(now - timedelta(seconds=8)),
        "finishedAt": times.stamp(now - timedelta(seconds=1)),
    }
    whole = f"{cause.container} pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    message = f"back-off 20s restarting failed container={whole}"
    return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, {"terminated": killed}, RESTARTS


def quality(pod: Object) -> str:
    resources = [container.get("resources") or {} for container in pod["spec"]["containers"]]
    if not any(item.get("requests") or item.get("limits") for item in resources):
        return "BestEffort"
    limits = [item.get("limits") or {} for item in resources]
    complete = all("cpu" in limit and "memory" in limit for limit in limits)
    same = all((item.get("requests") or limit) == limit for item, limit in zip(resources, limits, strict=True))
    return "Guaranteed" if complete and same else "Burstable"


def free_address() -> str:
    return f"10.244.{random.randint(200, 250)}.{random.randint(2, 250)}"


def same_reasons(old: str, new: str) -> bool:
    """Whether two scheduling messages give the same reasons, in whatever order and detail."""

    def parts(message: str) -> set[str]:
        listed = message.partition(": ")[2].partition(". ")[0]
        return {part.strip(" .") for part in listed.split(", ")}

    return parts(old) == parts(new)
