"""Why a pod on a node cannot run: causes that can be checked, and the memory of how its like failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox import quantities
from sandbox.controllers.failures import Failure, Memory, still_at_fault
from sandbox.controllers.world import CONFIG_MAPS, SECRETS, World, ref_of
from sandbox.defaults import comparable
from sandbox.objects import Object, containers_of, dig, is_ready, name_of, namespace_of
from sandbox.resources import Key
from sandbox.store import Change

_NOT_THERE = re.compile(r"not found|manifest unknown|does not exist\b(?!.*authoriz)|invalid", re.IGNORECASE)
# Objects whose change cannot end another pod's failure.
_BYSTANDERS = (
    "Pod", "ReplicaSet", "Event", "Lease", "Endpoints", "EndpointSlice", "ControllerRevision", "Namespace",
    "PodDisruptionBudget", "HorizontalPodAutoscaler", "Job", "CronJob", "CustomResourceDefinition",
)  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """Why a container does not run: `mount`, `image`, `config`, `memory`, or `like` a captured failure."""

    kind: str
    container: str = ""
    message: str = ""
    failure: Failure | None = None


def find(world: World, memory: Memory, pod: Object) -> Cause | None:
    """The cause that keeps a pod from running now, or None when nothing does."""
    cause = checkable(world, memory, pod)
    if cause is not None:
        return cause
    failure = inherited(world, memory, pod)
    return Cause("like", failure=failure) if failure is not None and failure.pod["spec"].get("nodeName") else None


def checkable(world: World, memory: Memory, pod: Object) -> Cause | None:
    """The first cause that the state of the cluster shows."""
    for message in _missing_volumes(world, pod):
        return Cause("mount", message=message)
    workload = ref_of(world.top_owner(pod))
    for container in containers_of(pod["spec"]):
        name = container["name"]
        bad = memory.bad_images.get(container.get("image", ""))
        if bad is not None and not _pull_repaired(world, pod, bad):
            return Cause("image", name, failure=bad)
        for message in _missing_configuration(world, pod, container):
            return Cause("config", name, message)
        need, limit = memory.needs.get((workload, name)), dig(container, "resources.limits.memory")
        if need is not None and limit is not None and quantities.parse(limit) < need:
            failure = next(iter(memory.of(workload)), None)
            return Cause("memory", name, failure=failure)
    return None


def inherited(world: World, memory: Memory, pod: Object) -> Failure | None:
    """The captured failure that this pod repeats, if any."""
    template = comparable(world.template_of(pod))
    for failure in memory.of(ref_of(world.top_owner(pod))):
        if failure.inexplicable and still_at_fault(failure, template) and not _ended_elsewhere(world, failure):
            return failure
    return None


def _pull_repaired(world: World, pod: Object, bad: Failure) -> bool:
    """Whether an image that exists but could not be pulled can be pulled now: by other credentials or elsewhere."""
    messages = [dig(s, "state.waiting.message") or "" for s in dig(bad.pod, "status.containerStatuses") or []]
    messages += [event.get("message", "") for event in bad.events if event.get("reason") == "Failed"]
    if any(_NOT_THERE.search(message) for message in messages):
        return False
    fields = ("imagePullSecrets", "serviceAccountName", "nodeSelector", "affinity")
    spec, failing = comparable(world.template_of(pod))["spec"], bad.template["spec"]
    if any(spec.get(name) != failing.get(name) for name in fields):
        return True
    space = namespace_of(pod)
    return any(kind in ("Secret", "ServiceAccount") and where == space for kind, where, _ in world.touched)


# References


def _get(world: World, key: Key, pod: Object, name: str) -> Object | None:
    return world.cluster.store.get(key, namespace_of(pod), name)


def _volume_sources(pod: Object) -> Iterator[tuple[str, Object]]:
    for volume in pod["spec"].get("volumes") or []:
        yield volume["name"], volume
        for source in dig(volume, "projected.sources") or []:
            yield volume["name"], source


def _missing_volumes(world: World, pod: Object) -> Iterator[str]:
    for volume, source in _volume_sources(pod):
        for field, name_field, key in (("configMap", "name", CONFIG_MAPS), ("secret", "secretName", SECRETS)):
            wanted: Object | None = source.get(field)
            if not isinstance(wanted, dict) or wanted.get("optional"):
                continue
            name = wanted.get(name_field) or wanted.get("name") or ""
            # The CA that every namespace gets from a controller, whether or not the scenario shows it.
            if name == "kube-root-ca.crt":
                continue
            found = _get(world, key, pod, name)
            if found is None:
                yield f'MountVolume.SetUp failed for volume "{volume}" : {field.lower()} "{name}" not found'
                continue
            for item in wanted.get("items") or []:
                if item["key"] not in _content(found):
                    why = f"references non-existent {field.lower()} key: {item['key']}"
                    yield f'MountVolume.SetUp failed for volume "{volume}" : {why}'


def _content(obj: Object) -> Object:
    return {**(obj.get("data") or {}), **(obj.get("binaryData") or {})}


def _missing_configuration(world: World, pod: Object, container: Object) -> Iterator[str]:
    """What a kubelet says when it cannot make the environment of a container."""
    space = namespace_of(pod)
    for source in container.get("envFrom") or []:
        for field, key in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            wanted = source.get(field)
            if wanted and not wanted.get("optional") and _get(world, key, pod, wanted["name"]) is None:
                yield f'{field.removesuffix("Ref").lower()} "{wanted["name"]}" not found'
    for variable in container.get("env") or []:
        for field, key, kind in (("configMapKeyRef", CONFIG_MAPS, "ConfigMap"), ("secretKeyRef", SECRETS, "Secret")):
            wanted = (variable.get("valueFrom") or {}).get(field)
            if not wanted or wanted.get("optional"):
                continue
            found = _get(world, key, pod, wanted["name"])
            if found is None:
                yield f'{kind.lower()} "{wanted["name"]}" not found'
            elif wanted["key"] not in _content(found):
                yield f"couldn't find key {wanted['key']} in {kind} {space}/{wanted['name']}"


def references(pod: Object) -> set[tuple[str, str]]:
    """Kind and name of the ConfigMaps and Secrets a pod uses."""
    found: set[tuple[str, str]] = set()
    for _, source in _volume_sources(pod):
        found |= {
            ("ConfigMap", dig(source, "configMap.name")),
            ("Secret", dig(source, "secret.secretName")),
            ("Secret", dig(source, "secret.name")),
        }
    for container in containers_of(pod["spec"]):
        for source in [
            *(container.get("envFrom") or []),
            *((v.get("valueFrom") or {}) for v in container.get("env") or []),
        ]:
            for field, kind in (
                ("configMapRef", "ConfigMap"),
                ("secretRef", "Secret"),
                ("configMapKeyRef", "ConfigMap"),
                ("secretKeyRef", "Secret"),
            ):
                found.add((kind, dig(source, f"{field}.name")))
    return {(kind, name) for kind, name in found if name}


# Repairs elsewhere


def _ended_elsewhere(world: World, failure: Failure) -> bool:
    """Whether somebody changed another object that may have caused this failure."""
    return any(_may_repair(world, failure, change) for change in world.touched.values())


def _may_repair(world: World, failure: Failure, change: Change) -> bool:
    obj = change.last
    kind, space = obj["kind"], namespace_of(obj)
    if kind in _BYSTANDERS or ref_of(obj) == failure.workload:
        return False
    if space not in ("", "kube-system", namespace_of(failure.pod)):
        return False
    if kind in ("ConfigMap", "Secret"):
        return space == "kube-system" or (kind, name_of(obj)) in references(failure.pod)
    if kind in ("Deployment", "StatefulSet", "DaemonSet"):
        return _is_well(world, change)
    return kind != "Node" or failure.pod["spec"].get("nodeName") in (None, name_of(obj))


def _is_well(world: World, change: Change) -> bool:
    """Whether a changed workload is ready, as a dependency must be before it helps anybody."""
    if change.new is None:
        return False
    workload = world.cluster.store.get(change.key, namespace_of(change.new), name_of(change.new))
    if workload is None:
        return False
    pods = [pod for pod in _all_pods(world, workload) if is_ready(pod)]
    return bool(pods) and len(pods) >= (dig(workload, "spec.replicas") or 1)


def _all_pods(world: World, workload: Object) -> list[Object]:
    found = world.pods_of(workload)
    for _, dependent in world.cluster.store.owned_by(workload):
        if dependent["kind"] == "ReplicaSet":
            found += world.pods_of(dependent)
    return found


def inherited_refusal(world: World, owner: Object) -> str | None:
    """Why pods of this owner were refused at capture, when nothing that can be checked explains it and nobody has
    changed anything about it: pod security, admission webhooks."""
    if owner["kind"] != "ReplicaSet":
        return None
    failed = [c for c in dig(owner, "status.conditions") or [] if c.get("type") == "ReplicaFailure"]
    refusals = [c.get("message", "") for c in failed if c.get("status") == "True"]
    checkable_refusal = ("exceeded quota", "failed quota", "usage per Container", "service account", "serviceaccount")
    for message in refusals:
        if any(words in message for words in checkable_refusal):
            continue
        spaces = ("", namespace_of(owner))
        admission = (
            "Namespace",
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "Deployment",
            "Service",
        )
        changed = any(kind in admission and where in spaces for kind, where, _ in world.touched)
        if not changed:
            return message
    return None
