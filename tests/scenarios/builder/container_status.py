"""The status of one container, as the kubelet reports it."""

import copy
import hashlib

from tests.scenarios.builder.clock import ts


def full_name(image):
    """The image with its registry, as the runtime resolves it."""
    head = image.split("/")[0]
    if "/" in image and ("." in head or ":" in head):
        return image
    return "docker.io/" + image if "/" in image else "docker.io/library/" + image


def _terminated(state, container_id):
    out = {
        "containerID": container_id,
        "exitCode": state["code"],
        "finishedAt": ts(state["fin"]),
        "reason": state["reason"],
        "startedAt": ts(state["at"]),
    }
    if state.get("message"):
        out["message"] = state["message"]
    return out


def _mounts(container):
    for mount in container.get("volumeMounts", []):
        out = {"mountPath": mount["mountPath"], "name": mount["name"]}
        if mount.get("readOnly"):
            out |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
        yield out


class ContainerStatuses:
    """Statuses from the states of `states.py`."""

    def _container_id(self, container):
        seed = f"{container['name']}{self.name}{self.rng.random()}"
        return "containerd://" + hashlib.sha256(seed.encode()).hexdigest()

    def container_status(self, container, state, init=False):
        """One entry of containerStatuses or initContainerStatuses."""
        full = full_name(container["image"])
        repository = full.rsplit(":", 1)[0] if ":" in full.split("/")[-1] else full
        never = state["s"] == "waiting" and not state.get("last")
        out = {
            "image": container["image"] if never else full,
            "imageID": "" if never else f"{repository}@sha256:{hashlib.sha256(full.encode()).hexdigest()}",
            "lastState": {},
            "name": container["name"],
            "ready": False,
            "restartCount": state.get("restarts", 0),
            "started": False,
        }
        if state.get("last"):
            out["containerID"] = self._container_id(container)
            out["lastState"] = {"terminated": _terminated(state["last"], out["containerID"])}
        if state["s"] == "waiting":
            out["state"] = {"waiting": {"reason": state["reason"]}}
            if state.get("message"):
                out["state"]["waiting"]["message"] = state["message"]
        else:
            out["containerID"] = self._container_id(container)
        if state["s"] == "terminated":
            out["state"] = {"terminated": _terminated(state, out["containerID"])}
            out["ready"] = bool(init and state["code"] == 0)
        if state["s"] == "running":
            out["state"] = {"running": {"startedAt": ts(state["at"])}}
            out["ready"], out["started"] = state["ready"], state["started"]
            resources = container.get("resources", {})
            out["resources"] = copy.deepcopy(resources)
            if resources.get("requests"):
                out["allocatedResources"] = copy.deepcopy(resources["requests"])
        if not never and (mounts := list(_mounts(container))):
            out["volumeMounts"] = mounts
        return out
