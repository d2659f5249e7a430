"""A specialist's turn without a model: what a client sees of it."""

from __future__ import annotations

import asyncio
from typing import Any

from a2a.types import Message, Part, Role, Task, TaskState

from agents.runtime.definition import ToolCall, Turn
from agents.runtime.wire import read_answer, read_finding, read_notes
from tests.runtime.specialists import Client, Cluster, definition, settings, specialist


def state_of(task: Task) -> str:
    return TaskState.Name(task.status.state).removeprefix("TASK_STATE_")


def reason_of(task: Task) -> str:
    return "".join(part.text for part in task.status.message.parts)


def notes_of(client: Client) -> list[Any]:
    messages = [event.status.message for event in client.events if event.DESCRIPTOR.name == "TaskStatusUpdateEvent"]
    return [note for message in messages for note in read_notes(message.parts)]


async def test_a_turn_ends_with_an_answer_and_a_finding():
    async with specialist(definition(Cluster()), settings()) as client:
        task = await client.ask("why does checkout fail?", inputs={"namespace": "prod"})
    finding = read_finding(task.artifacts)
    assert state_of(task) == "COMPLETED"
    assert read_answer(task.artifacts) == "The runbook saw: OOMKilled web-1"
    assert finding is not None
    assert finding.facts["list_pods"]["pods"] == ["prod/web-1", "prod/web-2"]
    assert finding.usage.calls == 0


async def test_a_client_that_does_not_know_findings_gets_only_the_answer():
    async with specialist(definition(Cluster()), settings()) as client:
        message = Message(message_id="1", role=Role.ROLE_USER, parts=[Part(text="why?")])
        task = await client.send(message, finding=False)
    assert [artifact.artifact_id for artifact in task.artifacts] == ["answer"]


async def test_a_person_who_asks_directly_is_answered_in_their_language():
    async with specialist(definition(Cluster()), settings()) as client:
        message = Message(message_id="1", role=Role.ROLE_USER, parts=[Part(text="为什么结账失败?")])
        task = await client.send(message)
    assert read_answer(task.artifacts).startswith("运行手册看到")


async def test_tool_calls_of_one_step_run_at_once():
    cluster = Cluster()
    cluster.seconds = 0.05
    async with specialist(definition(cluster), settings()) as client:
        await client.ask("why?")
    assert cluster.overlap == 2


async def test_a_client_sees_the_tool_calls_and_their_results():
    async with specialist(definition(Cluster()), settings()) as client:
        await client.ask("why?")
    notes = notes_of(client)
    calls = [note for note in notes if hasattr(note, "arguments")]
    results = [note for note in notes if hasattr(note, "response")]
    assert [call.name for call in calls] == ["list_pods", "list_events"]
    assert [result.id for result in results] == [call.id for call in calls]
    assert "OOMKilled" in str(results[1].response)


async def test_a_failing_tool_costs_only_its_part():
    async with specialist(definition(Cluster()), settings()) as client:
        task = await client.ask("why?", inputs={"namespace": "forbidden"})
    finding = read_finding(task.artifacts)
    assert finding is not None
    assert finding.missing == ["events may not be listed in forbidden"]
    assert "list_pods" in finding.facts


async def test_a_crashing_tool_tells_nobody_its_secrets():
    agent = definition(Cluster(), runbook=lambda turn: [ToolCall("crash")])
    async with specialist(agent, settings()) as client:
        task = await client.ask("why?")
    finding = read_finding(task.artifacts)
    assert finding is not None
    assert finding.missing == ["crash failed unexpectedly; the service's log says why"]


async def test_a_runbook_that_names_a_tool_that_does_not_exist_still_answers():
    agent = definition(Cluster(), runbook=lambda turn: [ToolCall("no_such_tool"), ToolCall("list_pods")])
    async with specialist(agent, settings()) as client:
        task = await client.ask("why?")
    finding = read_finding(task.artifacts)
    assert finding is not None
    assert "no_such_tool" in finding.missing[0]


async def test_a_runbook_that_never_ends_is_ended():
    def endless(turn: Turn) -> list[ToolCall]:
        return [ToolCall("list_pods", {"namespace": f"n{len(turn.results)}"})]

    cluster = Cluster()
    async with specialist(definition(cluster, runbook=endless), settings()) as client:
        task = await client.ask("why?")
    assert state_of(task) == "COMPLETED"
    assert len(cluster.calls) == 20


async def test_cancelling_a_task_reaches_the_running_tool():
    cluster = Cluster()
    cluster.seconds = 30
    async with specialist(definition(cluster), settings()) as client:
        asking = asyncio.create_task(client.ask("why?"))
        await asyncio.wait_for(cluster.busy.wait(), 5)
        await asyncio.wait_for(client.begun.wait(), 5)
        cancelled = await client.cancel(client.events[0].id)
        await asyncio.wait_for(asking, 5)
    assert cancelled is not None
    assert state_of(cancelled) == "CANCELED"
    assert sorted(cluster.cancelled) == ["list_events", "list_pods"]


async def test_a_deadline_ends_a_turn_whose_tools_do_not_answer():
    cluster = Cluster()
    cluster.seconds = 30
    async with specialist(definition(cluster), settings()) as client:
        task = await client.ask("为什么?", language="zh", deadline_seconds=0.2)
    assert state_of(task) == "FAILED"
    assert reason_of(task) == "weather 未能在时限内完成"


async def test_a_composition_that_crashes_fails_with_words_for_people(caplog: Any):
    def crash(turn: Turn) -> Any:
        raise KeyError("a secret detail")

    async with specialist(definition(Cluster(), compose=crash), settings()) as client:
        task = await client.ask("why?")
    assert state_of(task) == "FAILED"
    assert reason_of(task) == "weather failed while putting its results together; the service's log says why."
    assert "a secret detail" in caplog.text


async def test_a_message_without_words_is_refused_with_a_reason():
    async with specialist(definition(Cluster()), settings()) as client:
        message = Message(message_id="1", role=Role.ROLE_USER, parts=[Part(text="  ")])
        task = await client.send(message)
    assert state_of(task) == "FAILED"
    assert "no text" in reason_of(task)
