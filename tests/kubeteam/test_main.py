"""The command line finds each command in the module that the table names."""

from __future__ import annotations

import pytest
import typer

from kubeteam.main import COMMANDS, application


def names(app: typer.Typer) -> list[str]:
    """The app's commands, in the order of the help."""
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", COMMANDS)
def test_a_module_registers_the_commands_that_the_table_names(module: str) -> None:
    for command in COMMANDS[module]:
        assert names(application(command)) == list(COMMANDS[module])


@pytest.mark.parametrize("command", [None, "--help", "nonsense"])
def test_the_help_knows_all_commands(command: str | None) -> None:
    assert names(application(command)) == [name for commands in COMMANDS.values() for name in commands]
