"""A task as kagent's controller keeps it: 0.3 JSON, whatever dialect it was asked for in. Pure."""

from __future__ import annotations

from typing import Any, cast

from a2a.compat.v0_3.conversions import to_compat_task
from a2a.types import Message, Task

from agents.runtime import wire
from agents.runtime.findings import FINDING_MEDIA_TYPE, SUBTASK_MEDIA_TYPE
from agents.runtime.kagent import legacy
from agents.runtime.kagent.style import Style

MACHINE_READ = frozenset({FINDING_MEDIA_TYPE, SUBTASK_MEDIA_TYPE})
"""Parts that mean nothing to the people who read the record."""


def record_of(task: Task, style: Style) -> dict[str, Any]:
    """The body of `POST /api/tasks`: what was only for those who watched is left out."""
    shown = legacy.task_of(task, style)
    history = [_for_people(message) for message in shown.history if not legacy.is_partial(message)]
    del shown.history[:]
    shown.history.extend(history)
    if shown.status.HasField("message") and legacy.is_partial(shown.status.message):
        shown.status.ClearField("message")
    artifacts = [artifact for artifact in shown.artifacts if artifact.artifact_id != wire.FINDING]
    del shown.artifacts[:]
    shown.artifacts.extend(artifacts)
    content = to_compat_task(shown).model_dump(mode="json", by_alias=True, exclude_none=True)
    return cast(dict[str, Any], wire.integers(content))


def _for_people(message: Message) -> Message:
    kept = [part for part in message.parts if wire.media_type_of(part) not in MACHINE_READ]
    if len(kept) < len(message.parts):
        del message.parts[:]
        message.parts.extend(kept)
    return message
