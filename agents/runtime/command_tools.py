"""Tools that run what they are told: a shell, or a free command line. They are known by their names and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# fmt: off
_IN_NAMES = frozenset((
    "attach", "bash", "cmd", "command", "commands", "console", "debug", "eval", "exec", "execute", "forward",
    "powershell", "python", "repl", "script", "scripts", "sh", "shell", "ssh", "subprocess", "terminal",
))
_PARAMETERS = frozenset((
    "args", "argv", "bash", "cmdline", "code", "entrypoint", "exec", "scripts", "sh", "stdin",
))
_IN_PARAMETERS = frozenset(("cmd", "command", "commands", "script", "shell"))
# fmt: on
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def runs_commands(name: str, schema: dict[str, Any]) -> bool:
    """Whether a tool is a shell or takes a command line, whatever it says about itself. In doubt it does."""
    if set(words_of(name)) & _IN_NAMES:
        return True
    parameters = list(_parameter_names(schema))
    return any(each.lower() in _PARAMETERS or set(words_of(each)) & _IN_PARAMETERS for each in parameters)


def words_of(name: str) -> list[str]:
    """The words of an identifier in small letters: `podsExec` and `pods_exec` alike."""
    return [word.lower() for word in _WORD.findall(name)]


def _parameter_names(schema: Any) -> Iterator[str]:
    """Names of properties at any depth, through `$defs`, lists and alternatives."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from (str(name) for name in properties)
        for value in schema.values():
            yield from _parameter_names(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _parameter_names(item)
