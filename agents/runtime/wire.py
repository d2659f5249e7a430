"""The A2A wire of the house: how instructions, answers, findings, tool calls and progress look inside messages.

One writer and one reader for every shape, so that servers, the planner's client and other dialects cannot drift apart.
JSON travels as text parts with a media type of its own, because A2A data parts turn every integer into a double; tool
calls and results are data parts, because that is where user interfaces look for them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from a2a.types import Artifact, Message, Part, Role
from pydantic import ValidationError

from agents.runtime.findings import (
    FINDING_EXTENSION,
    FINDING_MEDIA_TYPE,
    SUBTASK_MEDIA_TYPE,
    Finding,
    SubtaskInput,
    Usage,
)
from agents.runtime.language import language_of
from agents.runtime.pause import PAUSE_MEDIA_TYPE, REPLY_MEDIA_TYPE, Pause, Pauses, Reply
from agents.runtime.proto_json import set_fields, to_json, value_of

ANSWER = "answer"
"""Artifact id and name of the Markdown answer."""
FINDING = "finding"
"""Artifact id and name of the structured Finding."""

PART_TYPE = "adk_type"
"""Metadata key of a data part's kind; ADK and kagent 0.10 read it."""
PART_TYPE_URI = "kagent.dev/a2a/part-type"
"""The same for kagent 1.0."""
MEDIA_TYPE = "mediaType"
"""Metadata key that repeats a text part's media type for clients of A2A 0.3."""
SESSION = "kagent_subagent_session_id"
"""Metadata key of a call that another agent answers: the contextId of its task."""
SESSION_RESULT = "subagent_session_id"
"""The same in the response."""
PROGRESS = "kubeteam_progress"
"""Metadata key of messages that only those who watch need."""
USAGE = "kubeteam_usage"
"""Metadata key of the answer: what the models cost."""
CALL = "function_call"
RESULT = "function_response"


class WireError(ValueError):
    """A message or artifact that does not hold what its media type promises; the text says which and why."""


@dataclass(frozen=True)
class ToolCallNote:
    """A tool is being called; `id` pairs it with its result."""

    id: str
    name: str
    arguments: dict[str, Any]
    session: str = ""
    """The conversation (contextId) of the agent that is called, when the tool is another agent."""


@dataclass(frozen=True)
class ToolResultNote:
    """A tool answered; `response` is its structured content or text."""

    id: str
    name: str
    response: Any
    failed: bool = False
    session: str = ""


def text_part(text: str, media_type: str = "text/markdown") -> Part:
    """A part that people read."""
    return Part(text=text, media_type=media_type)


def subtask_part(subtask: SubtaskInput) -> Part:
    """The structured input that accompanies an instruction."""
    return _json_part(subtask.model_dump_json(exclude_defaults=True), SUBTASK_MEDIA_TYPE)


def finding_part(finding: Finding) -> Part:
    """The structured result."""
    return _json_part(finding.model_dump_json(exclude_defaults=True), FINDING_MEDIA_TYPE)


def pause_part(pauses: Sequence[Pause]) -> Part:
    """What an input-required status waits for, beside the words of its question."""
    return _json_part(Pauses(pauses=tuple(pauses)).model_dump_json(exclude_defaults=True), PAUSE_MEDIA_TYPE)


def reply_part(reply: Reply) -> Part:
    """What a person says to the pauses of a task."""
    return _json_part(reply.model_dump_json(exclude_defaults=True), REPLY_MEDIA_TYPE)


def _json_part(text: str, media_type: str) -> Part:
    part = Part(text=text, media_type=media_type)
    # Text parts of A2A 0.3 have no media type, but they do have metadata.
    set_fields(part.metadata, {MEDIA_TYPE: media_type})
    return part


def instruction_message(
    instruction: str,
    subtask: SubtaskInput | None = None,
    *,
    message_id: str | None = None,
    context_id: str | None = None,
    task_id: str | None = None,
) -> Message:
    """A user's message: the instruction and, for agents that understand it, the subtask."""
    parts = [text_part(instruction, "text/plain")]
    if subtask is not None:
        parts.append(subtask_part(subtask))
    return Message(
        message_id=message_id or str(uuid.uuid4()),
        context_id=context_id or "",
        task_id=task_id or "",
        role=Role.ROLE_USER,
        parts=parts,
        extensions=[FINDING_EXTENSION] if subtask is not None else [],
    )


def progress_message(text: str, *, task_id: str = "", context_id: str = "") -> Message:
    """A short human line for a WORKING status."""
    message = agent_message([text_part(text, "text/plain")], task_id=task_id, context_id=context_id)
    set_fields(message.metadata, {PROGRESS: True})
    return message


def is_progress(message: Message) -> bool:
    """Whether a message is only a line for those who watch."""
    return PROGRESS in message.metadata


def agent_message(parts: Iterable[Part], *, task_id: str = "", context_id: str = "") -> Message:
    """A message from the agent, such as a question, a refusal, or the notes of tools at work."""
    return Message(
        message_id=str(uuid.uuid4()), task_id=task_id, context_id=context_id, role=Role.ROLE_AGENT, parts=list(parts)
    )


def answer_artifact(text: str, usage: Usage | None = None) -> Artifact:
    """The answer for people, and what it cost where models were asked."""
    artifact = Artifact(artifact_id=ANSWER, name=ANSWER, parts=[text_part(text)])
    if usage is not None and usage.calls:
        set_fields(artifact.metadata, {USAGE: usage.model_dump()})
    return artifact


def read_usage(artifact: Artifact) -> Usage | None:
    """What an answer cost, when it says so."""
    found = to_json(artifact.metadata).get(USAGE)
    return Usage.model_validate(integers(found)) if isinstance(found, dict) else None


def finding_artifact(finding: Finding) -> Artifact:
    """The result for programs; send it only when the request activated FINDING_EXTENSION."""
    return Artifact(artifact_id=FINDING, name=FINDING, parts=[finding_part(finding)], extensions=[FINDING_EXTENSION])


def tool_call_part(note: ToolCallNote) -> Part:
    """`{"name", "id", "args"}`, as ADK and kagent write it."""
    part = _data_part({"name": note.name, "id": note.id, "args": note.arguments}, CALL)
    if note.session:
        set_fields(part.metadata, {SESSION: note.session})
    return part


def tool_result_part(note: ToolResultNote) -> Part:
    """`{"name", "id", "response": {"result", "isError"}}`."""
    response = {"result": note.response, "isError": note.failed}
    if note.session:
        response[SESSION_RESULT] = note.session
    return _data_part({"name": note.name, "id": note.id, "response": response}, RESULT)


def data_part(data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Part:
    """A data part. Integers become doubles on the way: put what must stay exact into text."""
    part = Part(data=value_of(dict(data)))
    if metadata:
        set_fields(part.metadata, metadata)
    return part


def _data_part(data: Mapping[str, Any], kind: str) -> Part:
    return data_part(data, {PART_TYPE: kind, PART_TYPE_URI: kind})


def text_of(parts: Iterable[Part]) -> str:
    """What people read: text parts that are prose, one per line block."""
    return "\n".join(p.text for p in parts if p.WhichOneof("content") == "text" and _is_prose(_media_type(p)))


def _media_type(part: Part) -> str:
    if part.media_type or not part.HasField("metadata"):
        return part.media_type
    return str(to_json(part.metadata).get(MEDIA_TYPE, ""))


def _is_prose(media_type: str) -> bool:
    return media_type in ("", "text/plain", "text/markdown") or media_type.startswith(("text/plain;", "text/markdown;"))


def data_of(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The objects of data parts. Whole numbers that came as doubles are integers again."""
    values = (integers(to_json(p.data)) for p in parts if p.WhichOneof("content") == "data")
    return [value for value in values if isinstance(value, dict)]


def integers(value: Any) -> Any:
    """JSON with whole numbers that came as doubles as integers again."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [integers(item) for item in value]
    return value


def read_instruction(message: Message) -> tuple[str, SubtaskInput]:
    """The instruction and the subtask; without a subtask part one is made of the instruction alone.

    Raises WireError when a subtask part is present and wrong.
    """
    instruction = text_of(message.parts)
    subtask = read_subtask(message.parts)
    if subtask is None:
        subtask = SubtaskInput(question=instruction, language=language_of(instruction))
    return instruction or subtask.question, subtask


def read_subtask(parts: Iterable[Part]) -> SubtaskInput | None:
    """The subtask part, or None. Raises WireError when it does not hold a SubtaskInput."""
    text = _text_of_type(parts, SUBTASK_MEDIA_TYPE)
    if text is None:
        return None
    try:
        return SubtaskInput.model_validate_json(text)
    except ValidationError as error:
        raise WireError(f"the part of type {SUBTASK_MEDIA_TYPE} is not a SubtaskInput: {_first(error)}") from error


def read_finding(artifacts: Iterable[Artifact]) -> Finding | None:
    """The Finding among a task's artifacts, or None. Raises WireError when the part does not hold one."""
    text = _text_of_type((part for artifact in artifacts for part in artifact.parts), FINDING_MEDIA_TYPE)
    if text is None:
        return None
    try:
        return Finding.model_validate_json(text)
    except ValidationError as error:
        raise WireError(f"the part of type {FINDING_MEDIA_TYPE} is not a Finding: {_first(error)}") from error


def read_answer(artifacts: Iterable[Artifact]) -> str:
    """The answer's text; of an agent that has no artifact `answer`, the text of all its artifacts."""
    all_artifacts = list(artifacts)
    answers = [artifact for artifact in all_artifacts if artifact.artifact_id == ANSWER]
    return "\n\n".join(text for artifact in answers or all_artifacts if (text := _joined(artifact)))


def read_notes(parts: Iterable[Part]) -> list[ToolCallNote | ToolResultNote]:
    """Tool calls and results among the parts, in order; also those of ADK's and kagent's own agents."""
    notes: list[ToolCallNote | ToolResultNote] = []
    for part in parts:
        kind = _kind(part)
        if kind not in (CALL, RESULT):
            continue
        session = str(to_json(part.metadata).get(SESSION, ""))
        for data in data_of([part]):
            notes.append(_call_note(data, session) if kind == CALL else _result_note(data))
    return notes


def _call_note(data: dict[str, Any], session: str) -> ToolCallNote:
    return ToolCallNote(str(data.get("id", "")), str(data.get("name", "")), dict(data.get("args") or {}), session)


def _result_note(data: dict[str, Any]) -> ToolResultNote:
    response = data.get("response")
    body: dict[str, Any] = response if isinstance(response, dict) else {"result": response}
    result = body.get("result", body)
    session = str(body.get(SESSION_RESULT, ""))
    failed = bool(body.get("isError"))
    return ToolResultNote(str(data.get("id", "")), str(data.get("name", "")), result, failed, session)


def read_pauses(parts: Iterable[Part]) -> tuple[Pause, ...]:
    """What a status waits for; empty when it does not say. Raises WireError when the part does not hold Pauses."""
    text = _text_of_type(parts, PAUSE_MEDIA_TYPE)
    if text is None:
        return ()
    try:
        return Pauses.model_validate_json(text).pauses
    except ValidationError as error:
        raise WireError(f"the part of type {PAUSE_MEDIA_TYPE} does not hold pauses: {_first(error)}") from error


def read_reply(parts: Iterable[Part]) -> Reply | None:
    """What a person says to the pauses of the task, or None. Raises WireError when the part does not hold a Reply."""
    text = _text_of_type(parts, REPLY_MEDIA_TYPE)
    if text is None:
        return None
    try:
        return Reply.model_validate_json(text)
    except ValidationError as error:
        raise WireError(f"the part of type {REPLY_MEDIA_TYPE} is not a Reply: {_first(error)}") from error


def media_type_of(part: Part) -> str:
    """The media type that a part states, in either dialect; empty when it states none."""
    return _media_type(part)


def _kind(part: Part) -> str:
    metadata = to_json(part.metadata)
    return str(metadata.get(PART_TYPE) or metadata.get("kagent_type") or metadata.get(PART_TYPE_URI) or "")


def _joined(artifact: Artifact) -> str:
    """Chunks of a streamed artifact are parts of one text, so nothing comes between them."""
    return "".join(p.text for p in artifact.parts if p.WhichOneof("content") == "text" and _is_prose(_media_type(p)))


def _text_of_type(parts: Iterable[Part], media_type: str) -> str | None:
    chunks = [p.text for p in parts if p.WhichOneof("content") == "text" and _media_type(p) == media_type]
    return "".join(chunks) if chunks else None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
