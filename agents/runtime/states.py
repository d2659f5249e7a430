"""Which A2A task states end a task, and which wait for somebody."""

from __future__ import annotations

from a2a.types import Task, TaskState

TERMINAL = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_REJECTED,
    }
)
INTERRUPTED = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})
OPEN = frozenset({TaskState.TASK_STATE_UNSPECIFIED, TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING})
"""A task in one of these has somebody working on it, or its worker died."""


def is_terminal(task: Task) -> bool:
    """No event may follow."""
    return task.status.state in TERMINAL


def is_settled(task: Task) -> bool:
    """Nobody works on it: it has ended or waits for somebody. A blocking send returns here."""
    return task.status.state in TERMINAL or task.status.state in INTERRUPTED


def state_name(state: int) -> str:
    """`completed`, `input-required`: the word that people read."""
    return TaskState.Name(state).removeprefix("TASK_STATE_").lower().replace("_", "-")
