"""Plain messages and answers are translated as ADK and LiteLLM do it, and what is not plain is left to them."""

from __future__ import annotations

import copy
import json
from typing import Any

import litellm
import pytest
from google.adk.models.lite_llm import (
    _get_completion_inputs,  # pyright: ignore[reportPrivateUsage]
    _model_response_to_generate_content_response,  # pyright: ignore[reportPrivateUsage]
)
from google.adk.models.llm_request import LlmRequest
from google.genai import types
from litellm.litellm_core_utils.llm_response_utils.convert_dict_to_response import convert_to_model_response_object

from agents.runtime.plain_answer import plain_answer
from agents.runtime.plain_messages import messages_of, response_of

MODEL = "openai/test-model"

ASKED = types.Content(role="user", parts=[types.Part(text="为什么 web-1 重启?")])


def called(*calls: tuple[str, dict[str, Any] | None], text: str = "") -> types.Content:
    parts = [types.Part(text=text)] if text else []
    for number, (name, args) in enumerate(calls):
        parts.append(types.Part(function_call=types.FunctionCall(id=f"c{number}", name=name, args=args)))
    return types.Content(role="model", parts=parts)


def results(*responses: dict[str, Any], **more: Any) -> types.Content:
    return types.Content(
        role="user",
        parts=[
            types.Part(function_response=types.FunctionResponse(id=f"c{number}", name="x", response=response, **more))
            for number, response in enumerate(responses)
        ],
    )


def request(*contents: types.Content, instruction: Any = "Look closely.", config: Any = None) -> LlmRequest:
    config = config or types.GenerateContentConfig(system_instruction=instruction)
    return LlmRequest(model=MODEL, contents=list(contents), config=config)


def without_nothing(messages: list[Any]) -> list[dict[str, Any]]:
    """LiteLLM sends no fields without a value."""
    return [{name: value for name, value in dict(message).items() if value is not None} for message in messages]


LOOK = ("list_pods", {"namespace": "shop", "limit": 3})


@pytest.mark.parametrize(
    "conversation",
    [
        request(ASKED),
        request(ASKED, instruction=None),
        request(ASKED, called(LOOK), results({"pods": ["a", "内存"]})),
        request(ASKED, called(LOOK, ("list_events", None), text="I look."), results({"a": 1}, {"error": "gone"})),
        request(ASKED, called(LOOK), results({}), called(("get_pod", {})), results({"x": None})),
        request(ASKED, types.Content(role="model", parts=[types.Part(text="Which?")]), ASKED),
    ],
)
async def test_a_conversation_is_what_adk_makes_of_it(conversation: LlmRequest):
    expected, *_ = await _get_completion_inputs(conversation, MODEL)
    assert messages_of(conversation) == without_nothing(expected)


IMAGE = types.Part(inline_data=types.Blob(data=b"x", mime_type="image/png"))


@pytest.mark.parametrize(
    "conversation",
    [
        request(),
        request(ASKED, called(LOOK)),
        request(ASKED, instruction=types.Content(parts=[types.Part(text="Look closely.")])),
        request(types.Content(role="user", parts=[])),
        request(types.Content(role="user", parts=[IMAGE])),
        request(types.Content(role="user", parts=[types.Part(text="a"), types.Part(text="b")])),
        request(types.Content(role="user", parts=[types.Part(text="a", thought=True)])),
        request(ASKED, called(LOOK), ASKED),
        request(ASKED, called(LOOK), called(LOOK), results({}), results({})),
        request(ASKED, called(LOOK), ASKED, results({})),
        request(ASKED, results({}), called(LOOK), ASKED),
        request(ASKED, config=types.GenerateContentConfig(temperature=0.0)),
        request(ASKED, config=types.GenerateContentConfig(response_mime_type="application/json")),
        request(ASKED, called(LOOK, LOOK), results({})),
        request(ASKED, called(LOOK), results({"at": object()})),
        request(ASKED, called(LOOK), results({}, parts=[types.FunctionResponsePart()])),
        request(ASKED, called(LOOK), types.Content(role="user", parts=[*(results({}).parts or ()), IMAGE])),
        request(ASKED, types.Content(role="model", parts=[types.Part(text="hm", thought=True)]), ASKED),
        request(ASKED, types.Content(role="model", parts=[types.Part(text="a"), types.Part(text="b")]), ASKED),
        request(ASKED, types.Content(role="model", parts=[]), ASKED),
        request(ASKED, types.Content(parts=[types.Part(text="who says so?")]), ASKED),
    ],
)
def test_other_conversations_are_left_to_adk(conversation: LlmRequest):
    assert messages_of(conversation) is None


def answer(
    content: Any = None,
    calls: list[dict[str, Any]] | None = None,
    end: str | None = None,
    usage: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What a server says."""
    message = {"role": "assistant", "content": content, "tool_calls": calls, **more}
    choice = {"index": 0, "message": message, "finish_reason": end or ("tool_calls" if calls else "stop")}
    tokens = usage or {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35}
    return {"id": "a", "object": "chat.completion", "model": "test-model", "choices": [choice], "usage": tokens}


def tool_call(arguments: Any = '{"namespace": "shop"}', name: str = "list_pods", **more: Any) -> dict[str, Any]:
    return {"id": "c0", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def by_litellm(data: dict[str, Any]) -> Any:
    empty = litellm.ModelResponse(choices=[])
    return convert_to_model_response_object(copy.deepcopy(data), model_response_object=empty)


DETAILS = {
    "prompt_tokens": 30,
    "completion_tokens": 5,
    "total_tokens": 35,
    "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}
TWO = [tool_call(), tool_call("", "list_events", id="c1", index=1), tool_call("{}", "now", id="c2")]
DEEP = json.dumps({"a": [1, {"b": None}], "c": "内存"})

PLAIN = [
    answer("**web-1** was killed. 内存不足。"),
    answer(""),
    answer(None),
    answer("done", usage=DETAILS),
    answer("done", refusal=None, annotations=[], audio=None),
    answer(None, [tool_call()]),
    answer("I look: {here}", TWO),
    answer(None, [tool_call(DEEP)]),
    answer("I look", [tool_call()], end="stop"),
    answer("done") | {"usage": None, "error": {}},
    answer("done") | {"system_fingerprint": None, "service_tier": "default", "created": 7},
]


@pytest.mark.parametrize("data", PLAIN)
def test_an_answer_is_what_litellm_and_adk_make_of_it(data: dict[str, Any]):
    heard, expected = plain_answer(json.dumps(data).encode(), tools=True), by_litellm(data)
    assert heard is not None
    by_adk = _model_response_to_generate_content_response(expected)
    if data["usage"] is None:
        by_adk.usage_metadata = None  # LiteLLM makes up zeros
    assert response_of(heard).model_dump(exclude_none=True) == by_adk.model_dump(exclude_none=True)
    assert heard.choices[0].message.content == expected.choices[0].message.content
    assert heard.model == expected.model


ODD = [
    answer("It was cut", end="length"),
    answer("", end="content_filter"),
    answer("so", reasoning_content="I think"),
    answer("so", reasoning="I think"),
    answer("<think>I think</think>so"),
    answer("<budget:thinking>I think</budget:thinking>so"),
    answer("so", thinking_blocks=[{"type": "thinking", "thinking": "I think", "signature": "s"}]),
    answer("so", refusal="I will not"),
    answer([{"type": "text", "text": "so"}]),
    answer('{"name": "list_pods", "arguments": {}}'),
    answer("<｜tool▁calls▁begin｜>list_pods"),
    answer(None, [tool_call("{'namespace': 'shop'}")]),
    answer(None, [tool_call("namespace=shop")]),
    answer(None, [tool_call("[1]")]),
    answer(None, [tool_call({"namespace": "shop"})]),
    answer(None, [tool_call(id="c0__thought__c2lnbmF0dXJl")]),
    answer(None, [tool_call(id=None)]),
    answer(None, [tool_call(type="custom")]),
    answer(None, [tool_call(extra_content={"google": {"thought_signature": "c2lnbmF0dXJl"}})]),
    answer(None, [tool_call(provider_specific_fields={"thought_signature": "c2lnbmF0dXJl"})]),
    answer(None, [tool_call('{"tool_uses": []}', "multi_tool_use.parallel")]),
    answer("so", usage={"prompt_tokens": 30.5, "completion_tokens": 5, "total_tokens": 35}),
    answer("so", usage={"total_tokens": 35}),
    answer("so", usage={"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35, "reasoning_tokens": 4}),
    answer("so", usage={"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35, "cached_tokens": 20}),
    answer("so") | {"vertex_ai_grounding_metadata": [{"webSearchQueries": ["x"]}]},
    answer("so") | {"choices": []},
    answer("so") | {"choices": answer("so")["choices"] * 2},
    answer("so") | {"error": {"message": "no credit"}},
    {"error": "no credit"},
    {"choices": [{"message": None}]},
    [],
    "so",
    None,
]


@pytest.mark.parametrize("data", ODD)
def test_other_answers_are_left_to_litellm(data: Any):
    assert plain_answer(json.dumps(data).encode(), tools=True) is None


@pytest.mark.parametrize(
    "data",
    [
        answer("done") | {"created": 1.5},
        answer("done") | {"id": 7, "system_fingerprint": 7},
        answer("done") | {"choices": [answer("done")["choices"][0] | {"index": "0"}]},
    ],
)
def test_litellm_reads_a_plain_answer_for_those_who_want_its_object(data: dict[str, Any]):
    heard = plain_answer(json.dumps(data).encode(), tools=True)
    assert heard is not None
    assert heard.by_litellm().model_dump() == by_litellm(data).model_dump()


def test_json_is_an_answer_where_there_are_no_tools_to_call():
    heard = plain_answer(json.dumps(answer('{"subtasks": []}')).encode(), tools=False)
    assert heard is not None
    assert heard.choices[0].message.content == '{"subtasks": []}'


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"choices": [', '\ufeff{"choices": []}'.encode(), b"\xff"])
def test_what_is_no_json_is_left_to_litellm(body: bytes):
    assert plain_answer(body, tools=False) is None
