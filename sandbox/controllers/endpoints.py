"""Endpoints and EndpointSlices follow a Service's selector and its pods' readiness."""

from __future__ import annotations

from typing import Any

from sandbox.controllers.world import World
from sandbox.lifecycle import CONTROLLERS, random_suffix
from sandbox.objects import (
    Object,
    dig,
    is_deleted,
    is_finished,
    is_ready,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from sandbox.resources import NODES, PODS, Key

SLICES: Key = ("discovery.k8s.io", "endpointslices")
ENDPOINTS: Key = ("", "endpoints")
_SERVICE = "kubernetes.io/service-name"


def selects(service: Object, pod: Object) -> bool:
    selector: dict[str, str] = service["spec"].get("selector") or {}
    labels = labels_of(pod)
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def reconcile(world: World, service: Object) -> None:
    """Write the slices and Endpoints of one Service; those of a Service without selector are its owner's business."""
    if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
        return
    pods = [
        pod
        for pod in world.cluster.store.list(PODS, namespace_of(service))
        if selects(service, pod) and dig(pod, "status.podIP") and not is_finished(pod) and not is_deleted(pod)
    ]
    groups = _by_ports(service, pods)
    _write_slices(world, service, groups)
    _write_endpoints(world, service, groups)


Ports = tuple[tuple[str, int, str], ...]
"""Name, number and protocol of each port."""


def _by_ports(service: Object, pods: list[Object]) -> dict[Ports, list[Object]]:
    """Pods by the ports they serve: a named target port may have other numbers in other pods, or be missing."""
    groups: dict[Ports, list[Object]] = {}
    for pod in pods:
        ports: list[tuple[str, int, str]] = []
        for port in service["spec"].get("ports") or []:
            number = _target(port, pod)
            if number is not None:
                ports.append((port.get("name", ""), number, port.get("protocol", "TCP")))
        if ports or not service["spec"].get("ports"):
            groups.setdefault(tuple(ports), []).append(pod)
    return groups


def _target(port: Object, pod: Object) -> int | None:
    target: Any = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for declared in container.get("ports") or []:
            if declared.get("name") == target:
                return declared["containerPort"]
    return None


def _pod_reference(pod: Object) -> Object:
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}


def _ready_for(service: Object, pod: Object) -> bool:
    return is_ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))


def _endpoint(world: World, service: Object, pod: Object) -> Object:
    node = world.cluster.store.get(NODES, "", pod["spec"].get("nodeName") or "")
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": _ready_for(service, pod), "serving": is_ready(pod), "terminating": False},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": _pod_reference(pod),
    }
    if _named_by(service, pod):
        endpoint["hostname"] = pod["spec"]["hostname"]
    zone = labels_of(node).get("topology.kubernetes.io/zone") if node else None
    return {**endpoint, "zone": zone} if zone else endpoint


def _named_by(service: Object, pod: Object) -> bool:
    """Whether the pod has a DNS name of its own under this (headless) Service."""
    return bool(pod["spec"].get("hostname")) and pod["spec"].get("subdomain") == name_of(service)


def _in_order_of(present: list[Object], new: list[Object]) -> list[Object]:
    """The new entries, those that were there before in their old places."""
    places = {dig(item, "targetRef.uid"): place for place, item in enumerate(present)}
    return sorted(new, key=lambda item: places.get(dig(item, "targetRef.uid"), len(places)))


def _port(port: tuple[str, int, str]) -> Object:
    return {"name": port[0], "port": port[1], "protocol": port[2]}


def _write_slices(world: World, service: Object, groups: dict[Ports, list[Object]]) -> None:
    store, space = world.cluster.store, namespace_of(service)
    present = [obj for obj in store.list(SLICES, space) if labels_of(obj).get(_SERVICE) == name_of(service)]
    contents = [
        {"ports": [_port(p) for p in ports], "endpoints": [_endpoint(world, service, pod) for pod in pods]}
        for ports, pods in groups.items()
    ] or [{"ports": [], "endpoints": []}]
    for position, content in enumerate(contents):
        if position < len(present):
            old = present[position]
            ordered = _in_order_of(old.get("endpoints") or [], content["endpoints"])
            if ordered or old.get("endpoints"):
                store.put(SLICES, {**old, "ports": content["ports"], "endpoints": ordered})
            continue
        reference = {
            "apiVersion": "v1",
            "kind": "Service",
            "name": name_of(service),
            "uid": uid_of(service),
            "controller": True,
            "blockOwnerDeletion": True,
        }
        labels = {
            **labels_of(service),
            _SERVICE: name_of(service),
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        meta = {"name": f"{name_of(service)}-{random_suffix()}", "labels": labels, "ownerReferences": [reference]}
        resource = world.cluster.resource("discovery.k8s.io/v1", "endpointslices")
        body = {"metadata": meta, "addressType": "IPv4", **content}
        world.cluster.lifecycle.create(resource, body, space, CONTROLLERS)
    for surplus in present[len(contents) :]:
        store.delete(SLICES, space, name_of(surplus))


def _address(service: Object, pod: Object) -> Object:
    address: Object = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName")}
    if _named_by(service, pod):
        address["hostname"] = pod["spec"]["hostname"]
    return {**address, "targetRef": _pod_reference(pod)}


def _write_endpoints(world: World, service: Object, groups: dict[Ports, list[Object]]) -> None:
    subsets: list[Object] = []
    for ports, pods in groups.items():
        subset: Object = {}
        for field, wanted in (("addresses", True), ("notReadyAddresses", False)):
            chosen = [pod for pod in pods if _ready_for(service, pod) == wanted]
            if chosen:
                subset[field] = [_address(service, pod) for pod in chosen]
        if subset:
            subset["ports"] = [_port(port) for port in ports]
            subsets.append(subset)
    store, space, name = world.cluster.store, namespace_of(service), name_of(service)
    present = store.get(ENDPOINTS, space, name)
    if present is None:
        resource = world.cluster.resource("v1", "endpoints")
        body: Object = {"metadata": {"name": name, "labels": labels_of(service)}, "subsets": subsets}
        world.cluster.lifecycle.create(resource, body, space, CONTROLLERS)
        return
    for subset, old in zip(subsets, present.get("subsets") or [], strict=False):
        for field in ("addresses", "notReadyAddresses"):
            if field in subset:
                subset[field] = _in_order_of(old.get(field) or [], subset[field])
    kept = {field: value for field, value in present.items() if field != "subsets"}
    store.put(ENDPOINTS, {**kept, "subsets": subsets} if subsets else kept)
