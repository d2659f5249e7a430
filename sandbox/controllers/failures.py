"""What failed when the scenario was captured: the memory by which new pods of a broken workload break again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sandbox import quantities
from sandbox.controllers.world import REPLICA_SETS, Ref, World, ref_of
from sandbox.defaults import comparable
from sandbox.objects import (
    Object,
    annotations_of,
    containers_of,
    dig,
    is_deleted,
    is_finished,
    is_ready,
    name_of,
    namespace_of,
    statuses_of,
)
from sandbox.resources import PODS

REVISION = "deployment.kubernetes.io/revision"
_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_ALREADY_RESTARTING = 3
_SAMPLE = re.compile(r"container_memory_working_set_bytes\{(?P<labels>[^}]*)\} (?P<value>\S+) ")


@dataclass(frozen=True)
class Failure:
    """A captured pod that was not well."""

    workload: Ref
    pod: Object
    template: Object
    """In comparable form (see `defaults.comparable`)."""
    good: Object | None
    """The last template of the workload that is believed to work, in the same form."""
    events: tuple[Object, ...] = ()
    inexplicable: bool = False
    """No checkable cause was found for it: it fails again as long as its template and surroundings stay."""


@dataclass
class Memory:
    """All failures at capture, and what follows from them."""

    failures: dict[Ref, list[Failure]] = field(default_factory=dict)
    bad_images: dict[str, Failure] = field(default_factory=dict)
    needs: dict[tuple[Ref, str], Fraction] = field(default_factory=dict)
    """By workload and container: the memory below which the container is killed, in bytes."""

    def of(self, workload: Ref) -> list[Failure]:
        return self.failures.get(workload, [])


def remember(world: World, explained: Callable[[Object, Memory], bool]) -> Memory:
    """Look at the captured pods. `explained` says whether a pod's failure has a checkable cause."""
    memory = Memory()
    pods = world.cluster.store.list(PODS)
    for pod in pods:
        _remember_memory(world, pod, memory)
        for status in statuses_of(pod):
            reason = dig(status, "state.waiting.reason")
            if reason in _PULL_REASONS:
                memory.bad_images[_image_of(pod, status["name"])] = _failure(world, pod)
    for pod in pods:
        failing = dig(pod, "status.phase") == "Failed" if is_finished(pod) else not is_ready(pod)
        if not failing or is_deleted(pod) or _has_healthy_twin(world, pod):
            continue
        found = _failure(world, pod)
        if not explained(pod, memory):
            found = Failure(found.workload, pod, found.template, found.good, found.events, inexplicable=True)
        memory.failures.setdefault(found.workload, []).append(found)
    return memory


def _image_of(pod: Object, container: str) -> str:
    return next((c.get("image", "") for c in containers_of(pod["spec"]) if c["name"] == container), "")


def _failure(world: World, pod: Object) -> Failure:
    template = comparable(world.template_of(pod))
    events = tuple(world.events.about(pod))
    return Failure(ref_of(world.top_owner(pod)), pod, template, _good_template(world, pod, template), events)


def _has_healthy_twin(world: World, pod: Object) -> bool:
    """Whether a pod of the very same template is ready: then the template is not what is wrong."""
    owner = world.owner(pod)
    return owner is not None and any(is_ready(twin) for twin in world.pods_of(owner))


def _good_template(world: World, pod: Object, failing: Object) -> Object | None:
    """The template of the newest older revision that differs; one with ready pods is preferred."""
    top = world.top_owner(pod)
    candidates = [
        (_revision(rs), rs, rs["spec"]["template"])
        for key, rs in world.cluster.store.owned_by(top)
        if key == REPLICA_SETS
    ]
    for key, revision in world.cluster.store.owned_by(top):
        template = dig(revision, "data.spec.template")
        if key == ("apps", "controllerrevisions") and template:
            candidates.append((int(revision.get("revision", 0)), revision, template))
    ordered = sorted(candidates, key=lambda item: item[0], reverse=True)
    proven = [template for _, owner, template in ordered if any(is_ready(p) for p in world.pods_of(owner))]
    for template in proven + [template for _, _, template in ordered]:
        found = comparable({name: value for name, value in template.items() if name != "$patch"})
        if found.get("spec") != failing.get("spec"):
            return found
    return None


def _revision(replica_set: Object) -> int:
    written = annotations_of(replica_set).get(REVISION, "0")
    return int(written) if written.isdigit() else 0


# Memory


def _remember_memory(world: World, pod: Object, memory: Memory) -> None:
    for status in statuses_of(pod):
        ends = (dig(status, "state.terminated"), dig(status, "lastState.terminated"))
        killed = any(end and end.get("reason") == "OOMKilled" for end in ends)
        again = not status.get("ready") or status.get("restartCount", 0) >= _ALREADY_RESTARTING
        limit = _limit(pod["spec"], status["name"])
        if not killed or not again or limit is None:
            continue
        key = (ref_of(world.top_owner(pod)), status["name"])
        memory.needs[key] = max(memory.needs.get(key, Fraction(0)), _need(world, pod, status["name"], limit))


def _limit(pod_spec: Object, container: str) -> Fraction | None:
    found = next((c for c in containers_of(pod_spec) if c["name"] == container), None)
    written = dig(found, "resources.limits.memory")
    return quantities.parse(written) if written is not None else None


def _need(world: World, pod: Object, container: str, limit: Fraction) -> Fraction:
    """What the container needs: the most it was seen to use, or what the last good revision gave it, or a quarter
    more than the limit it died of."""
    top = name_of(world.top_owner(pod))
    seen = [value for value in _seen_usage(world, namespace_of(pod), top, container) if value > limit]
    if seen:
        return max(seen)
    good = _good_template(world, pod, comparable(world.template_of(pod)))
    allowed = _limit(good["spec"], container) if good else None
    return allowed if allowed and allowed > limit else limit * 5 / 4


def _seen_usage(world: World, namespace: str, workload: str, container: str) -> Iterator[Fraction]:
    usage = world.cluster.usage
    for pod, containers in (usage.pods if usage else {}).items():
        if pod.startswith(f"{namespace}/{workload}-") and container in containers:
            yield quantities.parse(containers[container]["memory"])
    samples = world.cluster.folder.path / "metrics.om"
    if not samples.is_file():
        return
    wanted = (f'namespace="{namespace}"', f'container="{container}"', f'pod="{workload}-')
    for match in _SAMPLE.finditer(samples.read_text()):
        if all(label in match["labels"] for label in wanted):
            yield Fraction(float(match["value"]))


# Templates


def differing(left: Any, right: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths at which two comparable templates differ; list items are told apart by their name."""
    if isinstance(left, dict) and isinstance(right, dict):
        names = [*left, *(name for name in right if name not in left)]
        return [p for name in names for p in differing(left.get(name), right.get(name), (*path, name))]
    if _named(left) and _named(right):
        return differing({i["name"]: i for i in left}, {i["name"]: i for i in right}, path)
    return [] if left == right else [path]


def value_at(template: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        if _named(template):
            template = {item["name"]: item for item in template}
        template = template.get(step) if isinstance(template, dict) else None
    return template


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, dict) and "name" in i for i in value)


def still_at_fault(failure: Failure, template: Object) -> bool:
    """Whether a (comparable) template still has what made the captured one fail."""
    failing, new = failure.template.get("spec"), template.get("spec")
    if failing == new:
        return True
    if failure.good is None:
        # With nothing to compare to, more or less resources are no repair, but any other change is taken for one.
        return all("resources" in path for path in differing(failing, new))
    suspects = differing(failing, failure.good.get("spec"))
    return all(value_at(new, path) == value_at(failing, path) for path in suspects)
