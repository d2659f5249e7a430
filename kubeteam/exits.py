"""How a command ends: exit codes, and the one exception that carries a sentence for the person."""

from __future__ import annotations

ANSWERED = 0
FAILED = 1
USAGE = 2
NEEDS_INPUT = 3

_BY_STATUS = {"answered": ANSWERED, "input_required": NEEDS_INPUT}


def exit_code(status: str) -> int:
    """The exit code for a request's status."""
    return _BY_STATUS.get(status, FAILED)


class Complaint(Exception):
    """Something the person should know: what failed, and what to do. Ends the command with `exit_code`."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
