"""Leaves out what a client says it does not read: to make a data part and to read it costs more than the rest."""

from __future__ import annotations

from a2a.server.events import Event
from a2a.types import SendMessageConfiguration, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from agents.runtime.wire import ANSWER, FINDING_MEDIA_TYPE

JSON = "application/json"
MARKDOWN = "text/markdown"
READ_BY_PROGRAMS = ["text/plain", FINDING_MEDIA_TYPE]
"""For clients that take facts and words from the Finding, and need no notes of tools at work."""


def reads_all(configuration: SendMessageConfiguration) -> bool:
    """Whether a client is told everything: all are, but those that want a Finding and neither JSON nor Markdown."""
    modes = configuration.accepted_output_modes
    return FINDING_MEDIA_TYPE not in modes or JSON in modes or MARKDOWN in modes


def for_programs(event: Event) -> Event | None:
    """The event without the data parts of work in progress and without the Markdown answer, whose words are in the
    Finding; None when nothing is left. The event itself stays whole.
    """
    if isinstance(event, TaskArtifactUpdateEvent) and event.artifact.artifact_id == ANSWER:
        return None
    if not isinstance(event, TaskStatusUpdateEvent) or event.status.state != TaskState.TASK_STATE_WORKING:
        return event
    parts = [part for part in event.status.message.parts if part.WhichOneof("content") != "data"]
    if len(parts) == len(event.status.message.parts):
        return event
    if not parts:
        return None
    shorter = TaskStatusUpdateEvent()
    shorter.CopyFrom(event)
    del shorter.status.message.parts[:]
    shorter.status.message.parts.extend(parts)
    return shorter
