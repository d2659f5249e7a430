"""What a specialist may do with other people's tools: read. A write goes another road, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from mcp_types import Tool as McpToolType

from agents.runtime.definition import ToolCall
from agents.runtime.kubectl_grammar import KubectlRefused, parse_kubectl
from agents.runtime.tools import ToolFailure

NEVER_CALLED = ("configuration_view",)
"""Tools that say they only read, and were seen to print credentials."""

_NAMES_AND_FILTERS = ("name", "namespace", "resource_name", "resource_types", "query", "question", "filter_pattern")
"""Parameters where the word means no kind to read: an audit log may well be asked who touched Secrets."""


class WriteGate(Protocol):
    """Takes a write that a specialist wants made by another server's tool."""

    async def __call__(self, server: str, call: ToolCall) -> Any:
        """What the specialist is told. Raises ToolFailure when the write goes nowhere."""
        ...


async def refuse_writes(server: str, call: ToolCall) -> Any:
    """The gate without a road: every write is refused."""
    raise ToolFailure(
        f"{call.name} of {server} does not say that it only reads, so it counts as a write. It was not called: "
        "changes go through the executor, which shows them and asks a person. Have it proposed with the executor's "
        f"tool call_tool (server={server}, tool={call.name}, arguments), or say what should be changed."
    )


def is_read_only(tool: McpToolType) -> bool:
    """Only a tool that says `readOnlyHint: true` reads; silence, and not being destructive, count as a write."""
    return tool.annotations is not None and tool.annotations.read_only_hint is True


def checked_arguments(name: str, arguments: dict[str, Any], *, takes_command_line: bool) -> dict[str, Any]:
    """The arguments that may be sent. A command line is parsed, and only what was understood is written anew.

    Raises ToolFailure for a command that is not known to read, and for Secrets.
    """
    if name in NEVER_CALLED:
        raise ToolFailure(f"{name} prints credentials and is never called")
    if takes_command_line:
        return _with_checked_command(name, arguments)
    kinds = {key: value for key, value in arguments.items() if key not in _NAMES_AND_FILTERS}
    if any(_names_secret(value) for value in _strings(kinds)):
        raise ToolFailure("Secrets are not read here")
    return arguments


def _with_checked_command(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    command = arguments.get("command")
    if not isinstance(command, str):
        raise ToolFailure(f"{name} needs its command line as text in `command`")
    try:
        return {**arguments, "command": str(parse_kubectl(command))}
    except KubectlRefused as error:
        raise ToolFailure(f"{name} was not called: {error}") from error


def _names_secret(value: str) -> bool:
    return value.strip().lower().partition("/")[0].partition(".")[0] in ("secret", "secrets")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split(",")
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
