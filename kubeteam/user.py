"""Who is at the command line: the name that decisions and questions are made in."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

User = Annotated[
    str | None, typer.Option("--user", help="Who asks or decides; default: your login.", envvar="KUBETEAM_USER")
]


def login() -> str | None:
    """The login name; None where there is none, as for a numeric user in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
