"""What every change is made of: the state it reads, and the plan it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.cluster.writes import Precondition
from agents.executor.action import ActionError, Note, Object, Target
from agents.executor.cluster_api import Verb, Write
from agents.runtime.findings import Action


@dataclass(frozen=True)
class Before:
    """What was read of the cluster before the change."""

    target: Target
    object: Object | None
    """None when there is no such object."""
    now: datetime
    revisions: tuple[Object, ...] = ()
    """ReplicaSets or ControllerRevisions that the workload owns; read for undo_rollout only."""
    pods: tuple[Object, ...] = ()
    """The pods on the node; read for drain_node only."""

    def write(self, verb: Verb, body: Any = None, subresource: str = "") -> Write:
        """A request about the existing object, which must still be as it was read."""
        return Write(verb, self.target, body, subresource, Precondition.of(self.existing()))

    def existing(self) -> Object:
        """The object. Raises ActionError when there is none."""
        if self.object is None:
            raise ActionError(f"there is no {self.target}")
        return self.object


@dataclass(frozen=True)
class Change:
    """What a kind of Action makes of its arguments and the state before."""

    arguments: dict[str, Any]
    """The arguments, complete and normal: planning again with these gives the same requests."""
    writes: tuple[Write, ...]
    """In order. The first one is what the dry run and the diff are about."""
    inverse: Action | None = None
    no_way_back: Note | None = None
    notes: tuple[Note, ...] = field(default=())


Plan = Callable[[Before, Mapping[str, Any]], Change]
"""Raises ActionError for arguments that are wrong or do not fit the object."""

TEMPLATE_PATHS: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Kinds with a pod template that can be changed, and where it is."""


def known_arguments(arguments: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The arguments that are set. Raises ActionError for one that the kind does not take."""
    unknown = sorted(set(arguments) - set(names))
    if unknown:
        raise ActionError(
            f"unknown argument {', '.join(unknown)}; this kind of change takes {', '.join(names) or 'none'}"
        )
    return {key: value for key, value in arguments.items() if value is not None}


def of_kind(target: Target, *kinds: str) -> None:
    """Raises ActionError when the target is of another kind."""
    if target.kind not in kinds:
        raise ActionError(f"{target} is a {target.kind}; this kind of change is for {', '.join(kinds)}")


def template_of(before: Before) -> Object:
    """The pod template of a workload. Raises ActionError when the kind has none."""
    of_kind(before.target, *TEMPLATE_PATHS)
    node: Any = before.existing()
    for key in TEMPLATE_PATHS[before.target.kind]:
        node = node.get(key) or {}
    return node


def template_patch(kind: str, template: Object) -> Object:
    """A patch of the workload around a patch of its pod template."""
    patch: Object = template
    for key in reversed(TEMPLATE_PATHS[kind]):
        patch = {key: patch}
    return patch


def container_of(before: Before, name: str | None) -> tuple[str, Object]:
    """The list (`containers` or `initContainers`) and the container in it.

    Without a name: the only one. Raises ActionError when the name is unknown, or is needed.
    """
    spec = template_of(before).get("spec") or {}
    containers: list[Object] = spec.get("containers") or []
    if name is None:
        if len(containers) == 1:
            return "containers", containers[0]
        names = ", ".join(str(container.get("name")) for container in containers)
        raise ActionError(f"{before.target} has several containers; say which: {names}")
    for group in ("containers", "initContainers"):
        for container in spec.get(group) or []:
            if container.get("name") == name:
                return group, container
    names = ", ".join(str(c.get("name")) for group in ("containers", "initContainers") for c in spec.get(group) or [])
    raise ActionError(f"{before.target} has no container {name!r}; it has {names}")


def whole_number(value: Any, name: str, least: int = 0) -> int:
    """An integer. JSON from an A2A data part turns 5 into 5.0, which is accepted. Raises ActionError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ActionError(f"{name} must be a whole number, not {value!r}")
    try:
        number = float(value)
    except ValueError as error:
        raise ActionError(f"{name} must be a whole number, not {value!r}") from error
    if number != int(number) or number < least:
        raise ActionError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(number)
