"""The shape of a remedy, and the words that most of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from agents.diagnoser.fields import Obj, kind_of
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Action, ActionKind, Language

Remedy = Callable[[Snapshot, Observation, Language], Iterable[Action]]


def say(language: Language, en: str, zh: str) -> str:
    """The one in the asker's language."""
    return zh if language == "zh" else en


def patch(resource: str, content: Any, reason: str, patch_type: str = "strategic", term: Any = "short") -> Action:
    """A patch_resource Action."""
    arguments = {"patch": content, "patch_type": patch_type}
    return Action(kind="patch_resource", resource=resource, arguments=arguments, reason=reason, term=term)


def act(kind: ActionKind, resource: str, reason: str, **arguments: Any) -> Action:
    """Any other Action for the short term."""
    return Action(kind=kind, resource=resource, arguments=arguments, reason=reason)


def pod_spec_patch(workload: Obj, spec: Obj) -> Obj:
    """A strategic patch of a workload's pod template."""
    if kind_of(workload) == "CronJob":
        return {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
    return {"spec": {"template": {"spec": spec}}}
