"""Clients that take facts from a Finding are spared the notes of tools at work; all others get them."""

from __future__ import annotations

import pytest
from a2a.types import (
    SendMessageConfiguration,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)

from agents.runtime import wire
from agents.runtime.findings import Finding
from agents.runtime.output_modes import READ_BY_PROGRAMS, for_programs, reads_all

CALL = wire.tool_call_part(wire.ToolCallNote("c1", "list_pods", {}))
RESULT = wire.tool_result_part(wire.ToolResultNote("c1", "list_pods", "three"))
LINE = wire.text_part("Calling list_pods", "text/plain")


def status(*parts: object, state: TaskState = TaskState.TASK_STATE_WORKING) -> TaskStatusUpdateEvent:
    return TaskStatusUpdateEvent(status=TaskStatus(state=state, message=wire.agent_message(parts)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("modes", "everything"),
    [
        ([], True),
        (["text", "text/plain"], True),
        ([*READ_BY_PROGRAMS, "application/json"], True),
        ([*READ_BY_PROGRAMS, "text/markdown"], True),
        (READ_BY_PROGRAMS, False),
    ],
)
def test_only_a_client_that_wants_findings_and_no_json_goes_for_programs(modes: list[str], everything: bool) -> None:
    assert reads_all(SendMessageConfiguration(accepted_output_modes=modes)) is everything


def test_the_line_for_people_stays_and_the_stored_event_is_whole() -> None:
    event = status(LINE, CALL)
    shown = for_programs(event)
    assert isinstance(shown, TaskStatusUpdateEvent)
    assert list(shown.status.message.parts) == [LINE]
    assert list(event.status.message.parts) == [LINE, CALL]


def test_what_is_only_notes_is_not_sent() -> None:
    assert for_programs(status(RESULT)) is None


def test_the_answers_words_are_not_sent_twice() -> None:
    answer = TaskArtifactUpdateEvent(artifact=wire.answer_artifact("All is well."))
    finding = TaskArtifactUpdateEvent(
        artifact=wire.finding_artifact(Finding(specialist="metrics", text="All is well."))
    )
    assert for_programs(answer) is None
    assert for_programs(finding) is finding


def test_a_status_that_somebody_may_wait_for_is_sent_as_it_is() -> None:
    for state in (TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_COMPLETED):
        event = status(CALL, state=state)
        assert for_programs(event) is event
    plain = status(LINE)
    assert for_programs(plain) is plain
