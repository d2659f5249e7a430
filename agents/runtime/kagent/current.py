"""Our events as clients of A2A 1.0 want them: as they are, but for what waits for a person, and for kagent 1.0.

Pure; what comes in is never changed. A client that activated the extension for approvals and questions gets them in its
form, and tool calls as an artifact besides, because its user interface reads nothing else. Only clients that understand
Findings see the pauses in our own form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from a2a.server.events import Event
from a2a.types import Artifact, Message, Part, Role, Task, TaskArtifactUpdateEvent, TaskStatusUpdateEvent

from agents.runtime import wire
from agents.runtime.findings import FINDING_EXTENSION
from agents.runtime.kagent import words
from agents.runtime.kagent.pauses import add_request
from agents.runtime.kagent.style import Style
from agents.runtime.pause import PAUSE_MEDIA_TYPE
from agents.runtime.states import INTERRUPTED

Extensions = Collection[str]


def events_of(event: Event, extensions: Extensions, style: Style, calls: int) -> Iterator[Event]:
    """One event as one or two; `calls` is how many events with tool calls came before."""
    if isinstance(event, Task):
        yield task_of(event, extensions, style)
    elif isinstance(event, TaskStatusUpdateEvent) and event.status.HasField("message"):
        message = event.status.message
        shown = event
        if event.status.state in INTERRUPTED:
            shown = TaskStatusUpdateEvent()
            shown.CopyFrom(event)
            shown.status.message.CopyFrom(question_of(message, extensions, style))
        yield shown
        if words.HITL in extensions and (parts := tool_parts(message)):
            yield TaskArtifactUpdateEvent(
                task_id=event.task_id, context_id=event.context_id, artifact=_transcript(parts), append=calls > 0
            )
    else:
        yield event


def task_of(task: Task, extensions: Extensions, style: Style) -> Task:
    """A snapshot."""
    waits = task.status.state in INTERRUPTED and task.status.HasField("message")
    parts: list[Part] = []
    if words.HITL in extensions:
        parts = [part for message in (*task.history, task.status.message) for part in tool_parts(message)]
    if not waits and not parts:
        return task
    shown = Task()
    shown.CopyFrom(task)
    if waits:
        shown.status.message.CopyFrom(question_of(task.status.message, extensions, style))
    if parts:
        shown.artifacts.insert(0, _transcript(parts))
    return shown


def question_of(message: Message, extensions: Extensions, style: Style) -> Message:
    """The message of a task that waits, in the forms that the client understands."""
    pauses = wire.read_pauses(message.parts)
    if not pauses:
        return message
    shown = Message()
    shown.CopyFrom(message)
    if FINDING_EXTENSION not in extensions:
        public = [part for part in message.parts if wire.media_type_of(part) != PAUSE_MEDIA_TYPE]
        del shown.parts[:]
        shown.parts.extend(public)
    if words.HITL in extensions:
        add_request(shown, pauses, style.agent_name)
    return shown


def tool_parts(message: Message) -> list[Part]:
    """The tool calls and results of an agent's message, as it wrote them."""
    if message.role != Role.ROLE_AGENT:
        return []
    return [part for part in message.parts if wire.read_notes([part])]


def _transcript(parts: list[Part]) -> Artifact:
    return Artifact(artifact_id=words.TRANSCRIPT, name=words.TRANSCRIPT, parts=parts)
