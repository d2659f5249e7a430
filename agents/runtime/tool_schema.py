"""JSON schemas of tools, without what a model pays for and does not need."""

from __future__ import annotations

from typing import Any, cast

_NOISE = ("title", "$schema", "additionalProperties", "x-mcp-header")


def compact_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema in fewer tokens: no titles, no null defaults, and `X | None` as an optional X."""
    if not schema.get("properties"):
        return {"type": "object", "properties": {}}
    return cast(dict[str, Any], _compact(schema))


def _compact(node: Any) -> Any:
    if isinstance(node, list):
        return [_compact(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = cast(dict[str, Any], node)
    compacted: dict[str, Any] = {}
    for key, value in _without_null(node).items():
        if key == "properties":
            compacted[key] = {name: _compact(item) for name, item in value.items()}
        elif key in _NOISE or (key == "default" and value is None):
            continue
        elif key in ("enum", "const", "required", "default", "examples"):
            compacted[key] = value
        else:
            compacted[key] = _compact(value)
    return compacted


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """Pydantic writes an optional parameter as `anyOf: [X, null]`; not being required says the same."""
    options = node.get("anyOf")
    if not isinstance(options, list):
        return node
    real = [option for option in options if option != {"type": "null"}]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**real[0], **rest} if len(real) == 1 else {**rest, "anyOf": real}
