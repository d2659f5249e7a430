"""Turns an agent's A2A events into Updates, whoever the agent is: pure, one instance per message that was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator

from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import Message, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus
from a2a.utils.errors import InvalidAgentResponseError

from agents.runtime import wire
from agents.runtime.findings import Finding, Language
from agents.runtime.states import INTERRUPTED, TERMINAL, state_name
from agents.runtime.updates import (
    Completed,
    Failed,
    InputRequired,
    Outcome,
    Progress,
    TaskStarted,
    Update,
)


class Reading:
    """What is known of the task so far. Events may come twice: after a dropped stream it starts from a snapshot."""

    def __init__(self, agent: str, language: Language, message_id: str) -> None:
        self.task = Task()
        self.outcome: Outcome | None = None
        self._agent = agent
        self._language: Language = language
        self._message_id = message_id
        self._told: set[str] = set()

    @property
    def task_id(self) -> str | None:
        """The task, as soon as the agent has named it."""
        return self.task.id or None

    def take(self, event: StreamResponse) -> Iterator[Update]:
        """The updates that an event amounts to; none when it says nothing new."""
        if self.outcome is not None:
            return
        kind = event.WhichOneof("payload")
        if kind == "task":
            yield from self._take_task(event.task)
        elif kind == "status_update":
            yield from self._named(event.status_update.task_id, event.status_update.context_id)
            yield from self._take_status(event.status_update.status)
        elif kind == "artifact_update":
            yield from self._named(event.artifact_update.task_id, event.artifact_update.context_id)
            self._take_artifact(event.artifact_update)
        elif kind == "message":
            yield self._ended(self._completed(wire.text_of(event.message.parts), event.message))

    def take_task(self, task: Task) -> Iterator[Update]:
        """The updates that a snapshot amounts to."""
        yield from self.take(StreamResponse(task=task))

    def _take_task(self, task: Task) -> Iterator[Update]:
        yield from self._named(task.id, task.context_id)
        del self.task.artifacts[:]
        self.task.artifacts.extend(task.artifacts)
        for message in self._since_asked(task):
            if message.role == Role.ROLE_AGENT:
                yield from self._tell(message)
        yield from self._take_status(task.status)

    def _since_asked(self, task: Task) -> list[Message]:
        """The history after our message: what came before it was told to whoever asked then."""
        history = list(task.history)
        places = [place for place, message in enumerate(history) if message.message_id == self._message_id]
        return history[places[0] + 1 :] if places else []

    def _named(self, task_id: str, context_id: str) -> Iterator[Update]:
        if not self.task.id and task_id:
            self.task.id, self.task.context_id = task_id, context_id
            yield TaskStarted(task_id, context_id)

    def _take_status(self, status: TaskStatus) -> Iterator[Update]:
        self.task.status.CopyFrom(status)
        if status.state in TERMINAL or status.state in INTERRUPTED:
            yield self._ended(self._outcome(status))
        elif status.HasField("message"):
            yield from self._tell(status.message)

    def _tell(self, message: Message) -> Iterator[Update]:
        if message.message_id in self._told:
            return
        self._told.add(message.message_id)
        text = wire.text_of(message.parts).strip()
        if text:
            yield Progress(text)

    def _take_artifact(self, event: TaskArtifactUpdateEvent) -> None:
        try:
            append_artifact_to_task(self.task, event)
        except InvalidAgentResponseError:
            # A chunk whose beginning was lost, or never sent; its text is still worth having.
            self.task.artifacts.append(event.artifact)

    def _ended(self, outcome: Outcome) -> Outcome:
        self.outcome = outcome
        return outcome

    def _outcome(self, status: TaskStatus) -> Outcome:
        text = wire.text_of(status.message.parts).strip()
        if status.state == TaskState.TASK_STATE_COMPLETED:
            return self._completed(text, status.message)
        if status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
            return InputRequired(text or "The agent needs more input.", wire.data_of(status.message.parts))
        if status.state == TaskState.TASK_STATE_AUTH_REQUIRED:
            return Failed(text or f"{self._agent} wants credentials", "unauthorized")
        reason = text or f"{self._agent} says that the task is {state_name(status.state)}, and not why"
        if status.state == TaskState.TASK_STATE_REJECTED:
            return Failed(reason, "rejected")
        return Failed(reason, "canceled" if status.state == TaskState.TASK_STATE_CANCELED else "failed")

    def _completed(self, text: str, message: Message) -> Outcome:
        try:
            finding = wire.read_finding(self.task.artifacts)
        except wire.WireError as error:
            return Failed(f"{self._agent}: {error}", "nonsense")
        if finding is not None:
            return Completed(finding)
        parts = [*message.parts, *(part for artifact in self.task.artifacts for part in artifact.parts)]
        words = wire.read_answer(self.task.artifacts) or text or _data_as_text(wire.data_of(parts))
        if not words:
            return Failed(f"{self._agent} finished without an answer", "nonsense")
        return Completed(Finding(specialist=self._agent, language=self._language, text=words))


def _data_as_text(data: list[dict[str, object]]) -> str:
    return "\n\n".join(f"```json\n{json.dumps(item, ensure_ascii=False, indent=2)}\n```" for item in data)
