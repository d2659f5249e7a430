"""A client's view of a task: what comes at once, what waits a moment for company, and where it ends."""

from __future__ import annotations

import asyncio

import pytest
from a2a.server.events import Event
from a2a.types import Message, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent

from agents.runtime import reader
from agents.runtime.reader import BACKLOG, Reader

ARTIFACT = TaskArtifactUpdateEvent(task_id="t")
WORKING = TaskStatusUpdateEvent(task_id="t", status=TaskStatus(state=TaskState.TASK_STATE_WORKING))
COMPLETED = TaskStatusUpdateEvent(task_id="t", status=TaskStatus(state=TaskState.TASK_STATE_COMPLETED))
ASKS = TaskStatusUpdateEvent(task_id="t", status=TaskStatus(state=TaskState.TASK_STATE_INPUT_REQUIRED))


class Client:
    """Reads in a task of its own and notes how often it woke up."""

    def __init__(self) -> None:
        self.readers = set[Reader]()
        self.reader = Reader(self.readers)
        self.seen: list[Event] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.reader:
            self.seen.append(event)

    async def after(self, *events: Event) -> list[Event]:
        """What it has seen once everybody had a turn, but no time has passed."""
        for event in events:
            self.reader.put(event, "t")
        for _ in range(3):
            await asyncio.sleep(0)
        return self.seen


async def test_states_come_at_once_and_an_artifact_with_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LINGER_SECONDS", 60)
    client = Client()
    assert await client.after(WORKING) == [WORKING]
    assert await client.after(ARTIFACT) == [WORKING]
    assert await client.after(ASKS) == [WORKING, ARTIFACT, ASKS]
    assert not client.task.done()
    client.reader.end()
    await client.task


async def test_an_artifact_that_nothing_follows_comes_by_itself() -> None:
    reading = Reader(set())
    reading.put(ARTIFACT, "t")
    assert await asyncio.wait_for(anext(aiter(reading)), 5) == ARTIFACT


async def test_the_end_of_a_task_is_the_end_of_what_is_read() -> None:
    ends: list[Event] = [COMPLETED, Message(message_id="m"), Task(id="t", status=COMPLETED.status)]
    for last in ends:
        client = Client()
        assert await client.after(ARTIFACT, last) == [ARTIFACT, last]
        assert client.task.done()
        assert not client.readers


async def test_a_reader_that_is_too_far_behind_is_dropped() -> None:
    readers = set[Reader]()
    reading = Reader(readers)
    for _ in range(BACKLOG + 1):
        reading.put(WORKING, "t")
    assert not readers
    assert [event async for event in reading] == []
