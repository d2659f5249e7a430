"""Our events as clients of A2A 0.3 want them, which in practice is kagent 0.10. Pure; what comes in is never changed.

Its user interface shows messages of statuses, and after a reload nothing but the task's history. So the answer is said
once as a message, for the history, and once as the artifact's last chunk, which makes it permanent while it is watched.
Lines of progress are marked as partial: shown while they come, and gone when the answer is there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from a2a.server.events import Event
from a2a.types import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from google.protobuf import json_format

from agents.runtime import wire
from agents.runtime.findings import Usage
from agents.runtime.kagent import words
from agents.runtime.kagent.formats import Tokens
from agents.runtime.kagent.pauses import confirmation_part
from agents.runtime.kagent.style import Style
from agents.runtime.pause import PAUSE_MEDIA_TYPE, REPLY_MEDIA_TYPE

WORKING = TaskState.TASK_STATE_WORKING
PRIVATE = frozenset({PAUSE_MEDIA_TYPE, REPLY_MEDIA_TYPE})
"""Parts that only our own programs read."""

_ANSWERS = uuid.UUID("5f0b6f0e-3f0a-4a3a-9d55-2f7f0e0d9a11")


def events_of(event: Event, style: Style) -> Iterator[Event]:
    """One event as one or two of 0.3."""
    if isinstance(event, Task):
        yield task_of(event, style)
    elif isinstance(event, TaskStatusUpdateEvent):
        yield _status_event(event, style)
    elif isinstance(event, TaskArtifactUpdateEvent) and event.last_chunk and event.artifact.artifact_id == wire.ANSWER:
        yield _answer_event(event, style)
        yield event
    else:
        yield event


def task_of(task: Task, style: Style) -> Task:
    """A snapshot: every step a message of its history, the answer as well."""
    shown = Task()
    shown.CopyFrom(task)
    del shown.history[:]
    shown.history.extend(message_of(message, WORKING, style) for message in task.history)
    if task.status.HasField("message"):
        shown.status.message.CopyFrom(message_of(task.status.message, task.status.state, style))
    if task.status.state == TaskState.TASK_STATE_COMPLETED:
        answers = (artifact for artifact in task.artifacts if artifact.artifact_id == wire.ANSWER)
        shown.history.extend(answer_message(answer, task.id, task.context_id, style) for answer in answers)
    return shown


def message_of(message: Message, state: int, style: Style) -> Message:
    """A message that was said in a state."""
    if message.role != Role.ROLE_AGENT:
        return _without_private(message)
    shown = Message()
    shown.CopyFrom(message)
    shown.metadata.update(words.marked(words.APP_NAME, style.app_name))
    pauses = wire.read_pauses(message.parts)
    if pauses:
        # In kagent the card asks by itself; other clients of 0.3 read the words.
        asked = style.namespace is not None and all(pause.questions for pause in pauses)
        kept = [] if asked else _public(message)
        _set_parts(shown, [*kept, *(confirmation_part(pause, style.agent_name) for pause in pauses)])
    elif notes := wire.read_notes(message.parts):
        _set_parts(shown, [_note_part(note, style) for note in notes])
    elif state == WORKING and wire.is_progress(message):
        _set_parts(shown, [_line(part) for part in _public(message)])
        shown.metadata.update({**words.marked(words.PARTIAL, True), words.STORED_PARTIAL: True})
    else:
        _set_parts(shown, _public(message))
    return shown


def is_partial(message: Message) -> bool:
    """Whether a rendered message is only for those who watch."""
    return json_format.MessageToDict(message.metadata).get(words.STORED_PARTIAL) is True


def answer_message(answer: Artifact, task_id: str, context_id: str, style: Style) -> Message:
    """The answer as a message; its id is the same whenever it is made."""
    text = wire.text_of(answer.parts)
    message = wire.agent_message([wire.text_part(text)], task_id=task_id, context_id=context_id)
    message.message_id = str(uuid.uuid5(_ANSWERS, task_id))
    message.metadata.update({**words.marked(words.APP_NAME, style.app_name), **_tokens(wire.read_usage(answer))})
    return message


def heartbeat(task_id: str, context_id: str) -> TaskStatusUpdateEvent:
    """A sign of life while there is nothing to say."""
    return TaskStatusUpdateEvent(task_id=task_id, context_id=context_id, status=TaskStatus(state=WORKING))


def _status_event(event: TaskStatusUpdateEvent, style: Style) -> TaskStatusUpdateEvent:
    if not event.status.HasField("message"):
        return event
    shown = TaskStatusUpdateEvent()
    shown.CopyFrom(event)
    shown.status.message.CopyFrom(message_of(event.status.message, event.status.state, style))
    shown.metadata.update(words.marked(words.APP_NAME, style.app_name))
    return shown


def _answer_event(event: TaskArtifactUpdateEvent, style: Style) -> TaskStatusUpdateEvent:
    message = answer_message(event.artifact, event.task_id, event.context_id, style)
    said = TaskStatusUpdateEvent(
        task_id=event.task_id, context_id=event.context_id, status=TaskStatus(state=WORKING, message=message)
    )
    said.status.timestamp.GetCurrentTime()
    said.metadata.update(json_format.MessageToDict(message.metadata))
    return said


def _tokens(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    tokens = Tokens(
        totalTokenCount=usage.input_tokens + usage.output_tokens,
        promptTokenCount=usage.input_tokens,
        candidatesTokenCount=usage.output_tokens,
    )
    return words.marked(words.USAGE, tokens.model_dump())


def _note_part(note: wire.ToolCallNote | wire.ToolResultNote, style: Style) -> Part:
    """A tool call or result under the keys that are read; another agent under its full name."""
    name = style.agent_name(note.name) if note.session else note.name
    if isinstance(note, wire.ToolCallNote):
        marks = words.marked(words.TYPE, words.FUNCTION_CALL)
        if note.session:
            marks |= words.marked(words.SUBAGENT_SESSION, note.session)
        return wire.data_part({"name": name, "id": note.id, "args": note.arguments}, marks)
    response: dict[str, Any] = {"result": note.response, "isError": note.failed}
    if note.session:
        response[words.SUBAGENT_SESSION] = note.session
    data = {"name": name, "id": note.id, "response": response}
    return wire.data_part(data, words.marked(words.TYPE, words.FUNCTION_RESPONSE))


def _line(part: Part) -> Part:
    """Lines are put one behind the other into one bubble."""
    if part.WhichOneof("content") != "text" or part.text.endswith("\n"):
        return part
    line = Part()
    line.CopyFrom(part)
    line.text += "\n\n"
    return line


def _public(message: Message) -> list[Part]:
    return [part for part in message.parts if wire.media_type_of(part) not in PRIVATE]


def _without_private(message: Message) -> Message:
    public = _public(message)
    if len(public) == len(message.parts):
        return message
    shown = Message()
    shown.CopyFrom(message)
    _set_parts(shown, public)
    return shown


def _set_parts(message: Message, parts: list[Part]) -> None:
    del message.parts[:]
    message.parts.extend(parts)
