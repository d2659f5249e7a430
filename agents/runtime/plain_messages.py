"""What turns of ours say to a model and hear from it, between ADK's words and those of OpenAI's dialect.

ADK's `LiteLlm` knows files, thoughts, signatures, and the ways of many providers, and looks for all of them in every
message of every call. A turn of ours holds text, tool calls and their results; these are translated here, and whatever
holds more is left to ADK. `tests/runtime/test_plain_messages.py` compares both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

Message = dict[str, Any]

_MESSAGE = {"role", "content", "tool_calls"}
_CALL = {"id", "type", "index", "function"}
_FUNCTION = {"name", "arguments"}
"""All that a plain answer's message, its calls and their functions have values for."""
_ENDS = {"stop": types.FinishReason.STOP, "tool_calls": types.FinishReason.STOP}
_MAYBE_CALLS = ("{", "｜")
"""What a tool call written as text has in it, JSON or DeepSeek's own; ADK knows how to read them."""
_SIGNED = "__thought__"
"""Stands before a signature of Gemini's in a call's id."""


class _NotPlain(Exception):
    """There is more in it than is translated here."""


def messages_of(request: LlmRequest) -> list[Message] | None:
    """The conversation for a model; None when it is not plain."""
    instruction, contents = request.config.system_instruction, request.contents
    if not contents or contents[-1].role != "user" or not isinstance(instruction, str | None):
        return None
    messages: list[Message] = [{"role": "system", "content": instruction}] if instruction else []
    try:
        for content in contents:
            messages += _asked(content) if content.role == "user" else [_answered(content)]
    except _NotPlain:
        return None
    return messages if _is_paired(messages) else None


def _is_paired(messages: list[Message]) -> bool:
    """Whether every tool call has its result; ADK makes up those that are missing."""
    calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    return calls == [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def _asked(content: types.Content) -> Iterable[Message]:
    """A person's text, or the results of tool calls."""
    parts = content.parts or []
    if len(parts) == 1 and parts[0].text and _only(parts[0], "text"):
        return [{"role": "user", "content": parts[0].text}]
    if not parts:
        raise _NotPlain
    return [_result(part) for part in parts]


def _result(part: types.Part) -> Message:
    result = part.function_response
    if result is None or not result.id or result.parts or not _only(part, "function_response"):
        raise _NotPlain
    return {"role": "tool", "tool_call_id": result.id, "content": _json(result.response)}


def _answered(content: types.Content) -> Message:
    """What the model said before: its words, its calls, or both."""
    if content.role != "model" or not content.parts:
        raise _NotPlain
    message: Message = {"role": "assistant"}
    calls: list[Message] = []
    for part in content.parts:
        call = part.function_call
        if call is not None and call.id and call.name and _only(part, "function_call"):
            function = {"name": call.name, "arguments": _json(call.args)}
            calls.append({"type": "function", "id": call.id, "function": function})
        elif part.text and "content" not in message and _only(part, "text"):
            message["content"] = part.text
        else:
            raise _NotPlain
    if calls:
        message["tool_calls"] = calls
    return message


def _only(part: types.Part, name: str) -> bool:
    """Whether a part says nothing else. Pydantic's validation gives parts no fields but those that were set."""
    return part.model_fields_set == {name}


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _NotPlain from error


def response_of(answer: Any) -> LlmResponse | None:
    """A model's answer, a `litellm.ModelResponse`, as ADK knows answers; None when it is not plain."""
    if len(answer.choices) != 1:
        return None
    [choice] = answer.choices
    message, end = choice.message, _ENDS.get(choice.finish_reason)
    if end is None or not _said(message) <= _MESSAGE:
        return None
    try:
        parts = [_call(call) for call in message.tool_calls or ()]
        if message.content:
            parts.insert(0, _words(message.content, alone=not parts))
    except _NotPlain:
        return None
    return LlmResponse(
        content=types.Content(role="model", parts=parts),
        partial=False,
        model_version=answer.model,
        finish_reason=end,
        usage_metadata=_usage(getattr(answer, "usage", None)),
    )


def _said(model: Any) -> set[str]:
    """The fields of an object of LiteLLM's that have a value, declared or not."""
    return {name for name, value in {**vars(model), **(model.model_extra or {})}.items() if value}


def _words(text: object, *, alone: bool) -> types.Part:
    if not isinstance(text, str) or (alone and any(sign in text for sign in _MAYBE_CALLS)):
        raise _NotPlain
    return types.Part(text=text)


def _call(call: Any) -> types.Part:
    function = call.function
    if call.type != "function" or not _said(call) <= _CALL or not _said(function) <= _FUNCTION or _SIGNED in call.id:
        raise _NotPlain
    try:
        arguments = json.loads(function.arguments or "{}")
    except (TypeError, ValueError) as error:
        raise _NotPlain from error
    if not isinstance(arguments, dict):
        raise _NotPlain
    return types.Part(function_call=types.FunctionCall(id=call.id, name=function.name, args=arguments))


def _usage(usage: Any) -> types.GenerateContentResponseUsageMetadata | None:
    if usage is None:
        return None
    read, written = usage.prompt_tokens_details, usage.completion_tokens_details
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=usage.prompt_tokens,
        candidates_token_count=usage.completion_tokens,
        total_token_count=usage.total_tokens,
        cached_content_token_count=(read and read.cached_tokens) or 0,
        thoughts_token_count=(written and written.reasoning_tokens) or None,
    )
