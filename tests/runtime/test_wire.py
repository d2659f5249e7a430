"""What is written on the A2A wire is read back as it was."""

from __future__ import annotations

import pytest
from a2a.types import Artifact, Message, Part
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from agents.runtime import wire
from agents.runtime.findings import FINDING_EXTENSION, SUBTASK_MEDIA_TYPE, Finding, SubtaskInput

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    inputs=st.dictionaries(st.text(max_size=8), json_values | st.just(2**60), max_size=4), question=st.text(max_size=40)
)
def test_a_subtask_survives_the_wire_exactly(inputs: dict[str, object], question: str) -> None:
    subtask = SubtaskInput(question=question, language="zh", inputs=inputs)
    message = wire.instruction_message("look at it", subtask)
    over_the_wire = json_format.Parse(json_format.MessageToJson(message), Message())
    assert wire.read_instruction(over_the_wire) == ("look at it", subtask)
    assert list(message.extensions) == [FINDING_EXTENSION]


@given(arguments=st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_tool_notes_survive_the_wire(arguments: dict[str, object]) -> None:
    call = wire.ToolCallNote("c1", "top_resources", arguments)
    result = wire.ToolResultNote("c1", "top_resources", {"rows": [arguments]}, failed=True)
    assert wire.read_notes([wire.tool_call_part(call), wire.text_part("x"), wire.tool_result_part(result)]) == [
        call,
        result,
    ]


def test_a_plain_message_becomes_a_subtask_in_the_language_of_its_words() -> None:
    instruction, subtask = wire.read_instruction(wire.instruction_message("为什么结账服务重启？"))
    assert instruction == subtask.question == "为什么结账服务重启？"
    assert subtask.language == "zh"


def test_a_finding_survives_and_its_words_are_read_beside_it() -> None:
    finding = Finding(specialist="diagnoser", text="**OOM**", facts={"bytes": 2**60})
    artifacts = [wire.answer_artifact("**OOM**"), wire.finding_artifact(finding)]
    assert wire.read_finding(artifacts) == finding
    assert wire.read_answer(artifacts) == "**OOM**"


def test_a_foreign_agents_artifacts_are_its_answer() -> None:
    chunks = Artifact(artifact_id="x", parts=[Part(text="one "), Part(text="two")])
    assert wire.read_answer([chunks, Artifact(artifact_id="y", parts=[Part(text="three")])]) == "one two\n\nthree"
    assert wire.read_finding([chunks]) is None


def test_a_broken_subtask_says_which_field_is_wrong() -> None:
    message = Message(parts=[Part(text='{"question": 3}', media_type=SUBTASK_MEDIA_TYPE)])
    with pytest.raises(wire.WireError, match="question"):
        wire.read_instruction(message)
