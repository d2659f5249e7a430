"""A task as one client has been told of it: says which events it has not seen of a newer state. Pure.

Replicas share tasks, not events. Whoever watches a task on another replica than the one that works on it is told what
has changed in the stored task: every message and artifact once, in order.
"""

from __future__ import annotations

from a2a.server.events import Event
from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import (
    Artifact,
    Message,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)


class Shadow:
    """What a client knows of a task."""

    def __init__(self, task: Task) -> None:
        self.task = Task()
        self.task.CopyFrom(task)

    def told(self, event: Event) -> None:
        """The client has been told an event."""
        if isinstance(event, Task):
            self.task.CopyFrom(event)
        elif isinstance(event, TaskStatusUpdateEvent):
            if self.task.status.HasField("message"):
                self.task.history.append(self.task.status.message)
            self.task.status.CopyFrom(event.status)
        elif isinstance(event, TaskArtifactUpdateEvent):
            append_artifact_to_task(self.task, event)

    def news(self, fresh: Task) -> list[Event]:
        """The events that lead from what the client knows to `fresh`; they count as told."""
        known = {message.message_id for message in _messages(self.task)}
        events: list[Event] = [
            self._status(TaskStatus(state=TaskState.TASK_STATE_WORKING, message=message))
            for message in fresh.history
            if message.role == Role.ROLE_AGENT and message.message_id not in known
        ]
        before = {artifact.artifact_id: artifact for artifact in self.task.artifacts}
        events += [self._artifact(a) for a in fresh.artifacts if before.get(a.artifact_id) != a]
        if self.task.status != fresh.status:
            events.append(self._status(fresh.status))
        self.task.CopyFrom(fresh)
        return events

    def _status(self, status: TaskStatus) -> TaskStatusUpdateEvent:
        return TaskStatusUpdateEvent(task_id=self.task.id, context_id=self.task.context_id, status=status)

    def _artifact(self, artifact: Artifact) -> TaskArtifactUpdateEvent:
        return TaskArtifactUpdateEvent(
            task_id=self.task.id, context_id=self.task.context_id, artifact=artifact, last_chunk=True
        )


def _messages(task: Task) -> list[Message]:
    return [*task.history, *([task.status.message] if task.status.HasField("message") else [])]
