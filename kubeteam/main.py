"""The one entry point. A command's module is imported when it runs, so that services start soon."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from importlib import import_module

import typer

from agents.runtime.logs import configure_logs
from agents.runtime.settings import SettingsError
from kubeteam.exits import USAGE, Complaint

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "ask": ("ask",),
    "report": ("report",),
    "requests": ("requests", "show", "reply", "cancel"),
    "incidents": ("incidents",),
    "approve": ("approve", "reject"),
    "journal": ("journal",),
    "migrate": ("migrate",),
    "serve": ("serve", "up"),
    "sandbox": ("sandbox",),
    "diagnose": ("diagnose",),
    "evaluate": ("eval",),
    "config": ("config",),
    "demo": ("demo",),
}
"""The modules of `kubeteam.commands`, each with the commands that it registers, in the order of the help."""

HELP = """A team of agents that operates Kubernetes: evidence first, no write without a yes.

Try it without a cluster and without a key:

- `kubeteam demo` (the whole story on the embedded cluster)
- `kubeteam ask --sandbox sandbox/incidents/checkout-oom "Why do checkouts fail?"`

On your cluster: `kubeteam up` in one terminal, then `kubeteam ask "is anything broken in namespace shop?"` in another.
Exit codes: 0 answered, 1 failed, 2 usage, 3 needs your input."""


def application(command: str | None = None) -> typer.Typer:
    """The command line. When `command` is one of ours, it alone (with its siblings) is imported."""
    app = typer.Typer(
        name="kubeteam",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        help=HELP,
    )
    # With a callback a single command keeps its name.
    app.callback()(lambda: None)
    known = [module for module, names in COMMANDS.items() if command in names]
    for module in known or COMMANDS:
        import_module(f"kubeteam.commands.{module}").register(app)
    return app


def main() -> None:
    """Runs the command line. A Complaint becomes one line on standard error and its exit code."""
    configure_logs(logging.ERROR)
    try:
        application(sys.argv[1] if len(sys.argv) > 1 else None)()
    except Complaint as complaint:
        sys.stderr.write(f"kubeteam: {complaint}\n")
        raise SystemExit(complaint.exit_code) from None
    except SettingsError as error:
        sys.stderr.write(f"kubeteam: {error}\n")
        raise SystemExit(USAGE) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
