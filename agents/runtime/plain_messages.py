"""What turns say to a model and hear from it, between ADK's words and those of OpenAI's dialect.

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

from agents.runtime.plain_answer import PlainAnswer, Tokens

Message = dict[str, Any]


class _NotPlain(Exception):
    """There is more in it than is translated here."""


def messages_of(request: LlmRequest) -> list[Message] | None:
    """The conversation for a model; None when it is not plain."""
    instruction, contents = request.config.system_instruction, request.contents
    if not contents or contents[-1].role != "user" or not isinstance(instruction, str | None):
        return None
    if not request.config.model_fields_set <= {"system_instruction", "tools"}:
        return None
    messages: list[Message] = [{"role": "system", "content": instruction}] if instruction else []
    try:
        for content in contents:
            messages += _asked(content) if content.role == "user" else [_answered(content)]
    except _NotPlain:
        return None
    return messages if _is_paired(messages) else None


def _is_paired(messages: list[Message]) -> bool:
    """Whether the results of all tool calls follow them at once; ADK makes up those that are missing."""
    pending: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in pending:
                return False
            pending.remove(message["tool_call_id"])
        elif pending:
            return False
        pending += [call["id"] for call in message.get("tool_calls", ())]
    return not pending


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


def response_of(answer: PlainAnswer) -> LlmResponse:
    """A model's answer as ADK knows answers."""
    [choice] = answer.choices
    said = choice.message
    parts = [types.Part(text=said.content)] if said.content else []
    for call in said.calls:
        asked = types.FunctionCall(id=call.id, name=call.name, args=call.arguments)
        parts.append(types.Part(function_call=asked))
    return LlmResponse(
        content=types.Content(role="model", parts=parts),
        partial=False,
        model_version=answer.model,
        finish_reason=types.FinishReason.STOP,
        usage_metadata=_usage(answer.usage) if answer.usage else None,
    )


def _usage(tokens: Tokens) -> types.GenerateContentResponseUsageMetadata:
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=tokens.prompt_tokens,
        candidates_token_count=tokens.completion_tokens,
        total_token_count=tokens.total_tokens,
        cached_content_token_count=tokens.cached_tokens,
        thoughts_token_count=tokens.reasoning_tokens or None,
    )
