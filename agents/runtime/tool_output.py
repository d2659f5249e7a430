"""What a model gets to read of a tool's result: once, and never more than fits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mcp_types import CallToolResult

OUTPUT_LIMIT = 16_000
"""Characters of JSON that one tool result may cost a model (about 4,000 tokens)."""

TABLE_ROWS = 4
"""Fewer like rows are not worth a header."""

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

    Lists of like rows become CSV, which says every column's name once. Too long a result keeps its shape: lists and
    texts are shortened, and `cut` says so and what to do.
    """
    whole = _as_object(content)
    shown = cast(dict[str, Any], _shown(whole))
    if len(_dump(shown)) <= limit:
        return shown
    size = len(_dump(whole))
    for items, characters in _STEPS:
        shorter = cast(dict[str, Any], _shown(whole, items, characters))
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


def _shown(value: Any, items: int | None = None, characters: int | None = None) -> Any:
    """The value with at most so many items per list and characters per text."""
    if isinstance(value, dict):
        return {key: _shown(item, items, characters) for key, item in value.items()}
    if isinstance(value, list):
        kept: list[Any] = value[:items]
        more = len(value) - len(kept)
        is_table = _is_table(kept)
        rows = kept if is_table else [_shown(item, items, characters) for item in kept]
        if is_table or _is_table(rows):
            return f"{_csv(rows, characters)}… {more} more" if more else _csv(rows, characters)
        return [*rows, f"… {more} more"] if more else rows
    return _short(value, characters)


def _short(value: Any, characters: int | None) -> Any:
    if isinstance(value, str) and characters is not None and len(value) > characters:
        return f"{value[:characters]}… {len(value) - characters} more characters"
    return value


_FLAT = frozenset({type(None), bool, int, float, str})


def _is_table(rows: Sequence[Any]) -> bool:
    """Whether they are flat objects with the same keys, enough of them to be worth a header."""
    if len(rows) < TABLE_ROWS or set(map(type, rows)) != {dict}:
        return False
    headers = set(map(tuple, rows))
    cells = chain.from_iterable(map(dict.values, rows))
    return len(headers) == 1 and headers != {()} and _FLAT.issuperset(map(type, cells))


def _csv(rows: Sequence[dict[str, Any]], characters: int | None) -> str:
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        cells = [str(value).lower() if value is True or value is False else value for value in row.values()]
        writer.writerow(cells if characters is None else [_short(cell, characters) for cell in cells])
    return page.getvalue()
