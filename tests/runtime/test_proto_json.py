"""Our reader of ProtoJSON takes what protobuf's takes, makes the same of it, and refuses the same."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from a2a.types import (
    AgentCard,
    Message,
    Part,
    SendMessageRequest,
    StreamResponse,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError, SerializeToJsonError
from google.protobuf.struct_pb2 import Struct, Value

from agents.runtime import wire
from agents.runtime.cards import load_card
from agents.runtime.findings import Evidence, Finding
from agents.runtime.proto_json import parse, set_fields, to_json, value_of
from agents.runtime.settings import Settings

MOMENT = datetime(2026, 11, 21, 9, 14, tzinfo=UTC)


def _status(state: TaskState, *parts: Part) -> TaskStatus:
    status = TaskStatus(state=state)
    status.timestamp.FromDatetime(MOMENT)
    if parts:
        status.message.CopyFrom(wire.agent_message(parts, task_id="t", context_id="c"))
    return status


def _messages() -> Iterator[Any]:
    evidence = Evidence(source="list_pods", query="{}", observed_at=MOMENT, excerpt="三个")
    found = Finding(specialist="metrics", text="内存不足", evidence=[evidence])
    call = wire.tool_call_part(wire.ToolCallNote("c1", "list_pods", {"n": 3, "deep": [{"x": None, "y": [True]}]}))
    working = _status(TaskState.TASK_STATE_WORKING, wire.text_part("Calling list_pods"), call)
    task = Task(id="t", context_id="c", status=_status(TaskState.TASK_STATE_COMPLETED))
    task.history.append(wire.instruction_message("why?"))
    task.artifacts.extend([wire.answer_artifact("All is well."), wire.finding_artifact(found)])
    task.metadata.update({"a": {"b": [1, 2.5, "c", None]}})
    yield StreamResponse(task=task)
    yield StreamResponse(status_update=TaskStatusUpdateEvent(task_id="t", context_id="c", status=working))
    artifact = wire.finding_artifact(found)
    yield StreamResponse(
        artifact_update=TaskArtifactUpdateEvent(task_id="t", context_id="c", artifact=artifact, last_chunk=True)
    )
    files = [Part(raw=b"\x00\xff", filename="a.bin", media_type="application/octet-stream"), Part(url="http://x/y")]
    yield StreamResponse(message=Message(message_id="m", parts=files, extensions=["https://a", "https://b"]))
    yield StreamResponse(message=Message())
    yield load_card("diagnoser", Settings())


MESSAGES = list(_messages())


def _both(data: Any, kind: type[Any]) -> list[Any]:
    """What our reader and protobuf's make of it: a message, or that it was refused."""
    outcomes: list[Any] = []
    for read in (parse, lambda data, message: ParseDict(data, message, ignore_unknown_fields=True)):
        try:
            outcomes.append(read(copy.deepcopy(data), kind()))
        except ParseError:
            outcomes.append("refused")
    return outcomes


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.DESCRIPTOR.name)
@pytest.mark.parametrize("own_names", [False, True])
def test_every_kind_of_message_comes_back_whole(message: Any, own_names: bool) -> None:
    data = MessageToDict(message, preserving_proto_field_name=own_names)
    assert parse(data, type(message)()) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.DESCRIPTOR.name)
def test_every_kind_of_message_is_shown_as_protobuf_shows_it(message: Any) -> None:
    assert to_json(message) == MessageToDict(message)


def test_odd_messages_are_shown_as_protobuf_shows_them() -> None:
    dice = random.Random(11)
    shown = 0
    for _ in range(1000):
        message = dice.choice(MESSAGES)
        data = MessageToDict(message)
        _spoil(data, dice)
        try:
            spoilt = ParseDict(data, type(message)(), ignore_unknown_fields=True)
        except ParseError:
            continue
        assert to_json(spoilt) == MessageToDict(spoilt)
        shown += 1
    assert shown > 300


def test_a_number_that_json_does_not_know_is_not_shown() -> None:
    for value in (float("nan"), float("-inf")):
        part = Part(data=Value(number_value=value))
        with pytest.raises(SerializeToJsonError):
            to_json(part)


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = {"x": value} if level % 2 else [value]
    return value


FREE = [
    None,
    "内存",
    7,
    2**70,
    10**400,
    -0.5,
    True,
    [],
    {},
    [None, [1, {"a": []}], "b"],
    {"a": {}, "b": [], "c": {"d": None, "e": [True, "x", 1.5]}},
    (1, 2),
    {"a": (1, {"b": ()})},
    {7: "a key that is no text"},
    object(),
    {"a": b"bytes"},
    *map(_nested, (30, 31, 32, 33, 45, 60, 120)),
]


def _outcome(make: Callable[[], Any]) -> Any:
    """What it makes, or that it was refused."""
    try:
        return make()
    except (ParseError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return type(error)


@pytest.mark.parametrize("data", FREE, ids=lambda data: type(data).__name__)
def test_any_json_becomes_a_value_as_protobuf_makes_it(data: Any) -> None:
    assert _outcome(lambda: value_of(data)) == _outcome(lambda: ParseDict(data, Value()))


@pytest.mark.parametrize("data", FREE[:-1], ids=lambda data: type(data).__name__)
def test_fields_are_set_as_protobuf_sets_them(data: Any) -> None:
    def fields(change: Callable[[Struct, dict[str, Any]], None]) -> Struct:
        struct = Struct()
        struct.update({"kept": [1], "new": {"gone": True}})
        change(struct, {"new": data})
        return struct

    assert _outcome(lambda: fields(set_fields)) == _outcome(lambda: fields(Struct.update))


def test_what_is_odd_or_wrong_is_treated_as_protobuf_treats_it() -> None:
    dice = random.Random(7)
    refused = 0
    for _ in range(3000):
        message = dice.choice(MESSAGES)
        data = MessageToDict(message)
        for _ in range(dice.choice((1, 1, 2))):
            _spoil(data, dice)
        ours, theirs = _both(data, type(message))
        assert ours == theirs, data
        refused += ours == "refused"
    assert 300 < refused < 2700


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21T09:14:00Z",
        "2026-11-21T09:14:00.5Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-11-21T09:14:00.123456789Z",
        "2026-11-21T09:14:00.25+08:00",
        "2026-11-21T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "２０26-11-21T09:14:00Z",
        "2026-11-21 09:14:00Z",
        "2026-11-21T09:14:00",
        "",
        7,
    ],
)
def test_times_are_read_as_protobuf_reads_them(time: Any) -> None:
    ours, theirs = _both({"state": "TASK_STATE_WORKING", "timestamp": time}, TaskStatus)
    assert ours == theirs


@pytest.mark.parametrize(
    "data",
    [
        {"messageId": "a", "message_id": None},
        {"messageId": "a", "message_id": "b"},
        {"message_id": None, "messageId": "a"},
        {"parts": [{"text": "a"}], "reference_task_ids": ["x"], "referenceTaskIds": ["y"]},
    ],
)
def test_a_field_under_both_its_names_is_read_as_protobuf_reads_it(data: dict[str, Any]) -> None:
    ours, theirs = _both(data, Message)
    assert ours == theirs


def test_an_error_says_where_as_protobuf_says_it() -> None:
    data = {"message": {"messageId": "m"}, "configuration": {"historyLength": "many"}}
    with pytest.raises(ParseError) as theirs:
        ParseDict(data, SendMessageRequest(), ignore_unknown_fields=True)
    with pytest.raises(ParseError) as ours:
        parse(data, SendMessageRequest())
    assert str(ours.value) == str(theirs.value)
    assert "configuration" in str(ours.value)


def test_a_card_in_an_older_dialect_is_read_as_far_as_it_goes() -> None:
    ours, theirs = _both({"name": "x", "protocolVersion": "0.3.0", "url": "http://x", "skills": [{}]}, AgentCard)
    assert ours == theirs
    assert ours.name == "x"


def _spoil(data: Any, dice: random.Random) -> None:
    """Changes one place, anywhere in it."""
    places = list(_places(data))
    if not places:
        return
    inside, key = dice.choice(places)
    odd = (None, True, 0, 1.5, "", "x", "TASK_STATE_WORKING", [], ["x"], {}, {"x": 1}, [{}], "2026-11-21T09:14:00Z")
    if isinstance(inside, dict) and dice.random() < 0.3:
        inside[dice.choice(("unheardOf", "text", "url", "data", "message", "task"))] = dice.choice(odd)
    else:
        inside[key] = dice.choice(odd)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield data, key
        yield from _places(value)
