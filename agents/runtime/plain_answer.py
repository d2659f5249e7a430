"""Answers of OpenAI's dialect that say nothing but text, tool calls and counts of tokens, which nearly all do.

LiteLLM and ADK look into every answer for what a dozen providers add to the dialect, and make twenty objects of it.
What is plain is read here at once, and whatever holds more is left to them; `tests/runtime/test_plain_messages.py`
compares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

_MESSAGE = {"role", "content", "tool_calls"}
_CALL = {"id", "type", "index", "function"}
_FUNCTION = {"name", "arguments"}
"""All that a plain answer's message, its calls and their functions have values for."""
_ENDS = ("stop", "tool_calls")
_MAYBE_CALLS = ("{", "｜")
"""What a tool call written as text has in it, JSON's or DeepSeek's own; ADK knows how to read it."""
_THOUGHTS = ("<think", "<budget:thinking")
"""What LiteLLM takes out of an answer's text."""
_USAGE = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
"""All that plain counts of tokens have; other providers' own count the same otherwise."""
_SIGNED = "__thought__"
"""Stands before a signature of Gemini's in a call's id."""
_PARALLEL = "multi_tool_use.parallel"
"""A tool that OpenAI's models make up to call several; LiteLLM knows which."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What the model says."""

    content: str | None
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The one that there is."""

    message: Message
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an answer cost."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """An answer, in the words of `litellm.ModelResponse`."""

    model: str | None
    choices: tuple[Choice]
    usage: Tokens | None
    raw: dict[str, Any]
    """As it came."""

    def by_litellm(self) -> Any:
        """The `litellm.ModelResponse` that LiteLLM makes of it."""
        import litellm
        from litellm.litellm_core_utils.llm_response_utils import convert_dict_to_response as litellms

        empty = litellm.ModelResponse(choices=[])
        return litellms.convert_to_model_response_object(response_object=self.raw, model_response_object=empty)


def plain_answer(body: bytes, *, tools: bool) -> PlainAnswer | None:
    """A good response's body, to a request with or without tools; None when it is not plain, or no answer at all."""
    try:
        return _read(from_json(body), tools)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read(data: dict[str, Any], tools: bool) -> PlainAnswer | None:
    [first] = data["choices"]
    message, end, model = first["message"], first["finish_reason"], data.get("model")
    content = message.get("content")
    calls = tuple(map(_call, message.get("tool_calls") or ()))
    odd = (
        data.get("error")
        or end not in _ENDS
        or message["role"] != "assistant"
        or not _said(message) <= _MESSAGE
        or not isinstance(content, str | None)
        or not isinstance(model, str | None)
        or data.get("vertex_ai_grounding_metadata")
        or (content and any(sign in content for sign in _THOUGHTS))
        or (content and tools and not calls and any(sign in content for sign in _MAYBE_CALLS))
    )
    if odd:
        return None
    return PlainAnswer(
        model, (Choice(Message(content, calls), "tool_calls" if calls else end),), _tokens(data.get("usage")), data
    )


def _call(call: dict[str, Any]) -> Call:
    """Raises ValueError when there is more to it."""
    function, name = call["function"], call["function"]["name"]
    arguments = json.loads(function["arguments"] or "{}")
    odd = (
        call["type"] != "function"
        or not (call["id"] and isinstance(call["id"], str) and name and isinstance(name, str))
        or not (_said(call) <= _CALL and _said(function) <= _FUNCTION)
        or not isinstance(arguments, dict)
        or _SIGNED in call["id"]
        or name == _PARALLEL
    )
    if odd:
        raise ValueError(name)
    return Call(call["id"], name, arguments)


def _said(fields: dict[str, Any]) -> set[str]:
    """Those that have a value."""
    return {name for name, value in fields.items() if value}


def _tokens(usage: dict[str, Any] | None) -> Tokens | None:
    if usage is None:
        return None
    if not _said(usage) <= _USAGE:
        raise ValueError(usage)
    read, written = usage["prompt_tokens"], usage["completion_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    counts = (read, written, usage["total_tokens"], cached, thought)
    if not all(type(count) is int for count in counts):
        raise ValueError(counts)
    return Tokens(*counts)
