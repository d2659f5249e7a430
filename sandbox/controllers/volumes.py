"""Claims and volumes: binding what a storage class can provide, and letting go of what nobody uses."""

from __future__ import annotations

from sandbox import quantities, times
from sandbox.controllers.events import Recorder
from sandbox.controllers.scheduler import claim_names
from sandbox.controllers.world import CLAIMS, CLASSES, VOLUMES, World, ref_of
from sandbox.lifecycle import CONTROLLERS
from sandbox.objects import Object, annotations_of, dig, is_deleted, is_finished, name_of, namespace_of, uid_of
from sandbox.resources import PODS

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_PROTECTION = "kubernetes.io/pvc-protection"
COMPONENT = "persistentvolume-controller"


def bind_for(world: World, pod: Object) -> None:
    """Bind the claims of a pod about to be scheduled, as far as they can be."""
    for name in claim_names(pod):
        claim = world.cluster.store.get(CLAIMS, namespace_of(pod), name)
        if claim is not None:
            bind(world, claim)


def bind(world: World, claim: Object) -> None:
    """Bind a pending claim when somebody made that possible: changed or created it, its class, or a volume."""
    if dig(claim, "status.phase") not in (None, "Pending") or is_deleted(claim):
        return
    storage_class = _class_of(world, claim)
    volume = _matching_volume(world, claim)
    concerned = [claim, *(item for item in (storage_class, volume) if item is not None)]
    if volume is None and (storage_class is None or storage_class.get("provisioner") == _NO_PROVISIONER):
        return
    if any(ref_of(obj) in world.touched for obj in concerned) or _is_new(world, claim):
        _bound(world, claim, volume or _provisioned(world, claim, storage_class))


def _is_new(world: World, claim: Object) -> bool:
    """Whether the claim was made since the capture, by a person or by a controller."""
    return times.parse(claim["metadata"]["creationTimestamp"]) >= world.cluster.folder.shift.present


def _class_of(world: World, claim: Object) -> Object | None:
    name = claim["spec"].get("storageClassName")
    if name is not None:
        return world.cluster.store.get(CLASSES, "", name) if name else None
    classes = world.cluster.store.list(CLASSES)
    return next((item for item in classes if annotations_of(item).get(_DEFAULT_CLASS) == "true"), None)


def _matching_volume(world: World, claim: Object) -> Object | None:
    wanted = quantities.parse(dig(claim, "spec.resources.requests.storage") or 0)
    for volume in world.cluster.store.list(VOLUMES):
        spec = volume["spec"]
        fits = set(claim["spec"].get("accessModes") or []) <= set(spec.get("accessModes") or [])
        same_class = (spec.get("storageClassName") or "") == (claim["spec"].get("storageClassName") or "")
        large = quantities.parse(dig(spec, "capacity.storage") or 0) >= wanted
        if dig(volume, "status.phase") == "Available" and not spec.get("claimRef") and fits and same_class and large:
            return volume
    return None


def _provisioned(world: World, claim: Object, storage_class: Object | None) -> Object:
    spec = claim["spec"]
    volume: Object = {
        "metadata": {"name": f"pvc-{uid_of(claim)}"},
        "spec": {
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "capacity": {"storage": dig(spec, "resources.requests.storage") or "1Gi"},
            "persistentVolumeReclaimPolicy": (storage_class or {}).get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(storage_class) if storage_class else "",
            "csi": {"driver": (storage_class or {}).get("provisioner", ""), "volumeHandle": f"pvc-{uid_of(claim)}"},
        },
    }
    created = world.cluster.lifecycle.create(world.cluster.resource("v1", "persistentvolumes"), volume, "", CONTROLLERS)
    message = f"Successfully provisioned volume {name_of(created)}"
    world.events.normal(claim, "ProvisioningSucceeded", message, COMPONENT)
    return created


def _bound(world: World, claim: Object, volume: Object) -> None:
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
    }
    store = world.cluster.store
    store.put(VOLUMES, {**volume, "spec": {**volume["spec"], "claimRef": reference}, "status": {"phase": "Bound"}})
    capacity = {"storage": dig(volume, "spec.capacity.storage")}
    status = {"phase": "Bound", "accessModes": volume["spec"].get("accessModes"), "capacity": capacity}
    spec = {**claim["spec"], "volumeName": name_of(volume)}
    if "storageClassName" in volume["spec"]:
        spec.setdefault("storageClassName", volume["spec"]["storageClassName"])
    store.put(CLAIMS, {**claim, "spec": spec, "status": status})


def grow(world: World, claim: Object) -> None:
    """Follow a raised request of a bound claim, when its class allows expansion."""
    wanted = dig(claim, "spec.resources.requests.storage")
    storage_class = _class_of(world, claim)
    if dig(claim, "status.phase") != "Bound" or wanted == dig(claim, "status.capacity.storage"):
        return
    if storage_class is None or not storage_class.get("allowVolumeExpansion"):
        return
    status = {**claim["status"], "capacity": {**(claim["status"].get("capacity") or {}), "storage": wanted}}
    world.cluster.store.put(CLAIMS, {**claim, "status": status})
    volume = world.cluster.store.get(VOLUMES, "", claim["spec"].get("volumeName") or "")
    if volume is not None:
        spec = {**volume["spec"], "capacity": {"storage": wanted}}
        world.cluster.store.put(VOLUMES, {**volume, "spec": spec})
    _announce_growth(world.events, claim)


def _announce_growth(events: Recorder, claim: Object) -> None:
    events.normal(claim, "FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded", "kubelet")


def release(world: World, claim: Object) -> None:
    """Remove the protection of a deleted claim that no pod uses any more."""
    finalizers: list[str] = claim["metadata"].get("finalizers") or []
    if not is_deleted(claim) or _PROTECTION not in finalizers:
        return
    pods = world.cluster.store.list(PODS, namespace_of(claim))
    if any(name_of(claim) in claim_names(pod) for pod in pods if not is_finished(pod)):
        return
    kept = [name for name in finalizers if name != _PROTECTION]
    freed = {**claim, "metadata": {**claim["metadata"], "finalizers": kept}}
    world.cluster.store.put(CLAIMS, freed)
    if not kept:
        world.cluster.store.delete(CLAIMS, namespace_of(claim), name_of(claim))
