"""What a model gets to read of a tool's result: once, and never more than fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mcp_types import CallToolResult

OUTPUT_LIMIT = 16_000
"""Characters of JSON that one tool result may cost a model (about 4,000 tokens)."""

_STEPS = ((200, 4000), (100, 2000), (50, 1000), (20, 600), (10, 400), (5, 200), (2, 100))
"""Longest list and longest text that are kept, from generous to strict."""


def content_of(result: CallToolResult) -> Any:
    """A tool's result as one value: its structured content when there is some, else its text, parsed when it is JSON.

    MCP sends structured results twice, once more as text; only one of them is ever used.
    """
    if result.structured_content is not None:
        return result.structured_content
    text = text_of(result)
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def text_of(result: CallToolResult) -> str:
    """The text blocks of a result; other blocks are named by their type."""
    blocks = (block.text if block.type == "text" else f"[{block.type}]" for block in result.content)
    return "\n".join(blocks)


def fit(content: Any, limit: int = OUTPUT_LIMIT) -> dict[str, Any]:
    """A tool's content as the JSON object that a model reads, at most about `limit` characters.

    Too long a result keeps its shape: lists and texts are shortened, and `cut` says so and what to do.
    """
    whole = _as_object(content)
    size = len(_dump(whole))
    if size <= limit:
        return whole
    for items, characters in _STEPS:
        shorter = cast(dict[str, Any], _shorten(whole, items, characters))
        shorter["cut"] = (
            f"{size} characters were too many: lists are cut after {items} items, texts after {characters} "
            "characters. Ask more narrowly to see the rest."
        )
        if len(_dump(shorter)) <= limit:
            return shorter
    return {"result": _dump(whole)[: limit - 200], "cut": f"{size} characters were too many. Ask more narrowly."}


def _as_object(content: Any) -> dict[str, Any]:
    return cast(dict[str, Any], content) if isinstance(content, dict) else {"result": content}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _shorten(value: Any, items: int, characters: int) -> Any:
    if isinstance(value, dict):
        return {key: _shorten(item, items, characters) for key, item in value.items()}
    if isinstance(value, list):
        kept = [_shorten(item, items, characters) for item in value[:items]]
        return [*kept, f"… {len(value) - items} more"] if len(value) > items else kept
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}… {len(value) - characters} more characters"
    return value
