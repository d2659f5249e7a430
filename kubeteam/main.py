"""The one entry point. Commands import what they need when they run, so that `--help` answers at once."""

from __future__ import annotations

import logging
import sys

import typer

from agents.runtime.logs import configure_logs
from agents.runtime.settings import SettingsError
from kubeteam.commands import (
    approve,
    ask,
    config,
    demo,
    diagnose,
    evaluate,
    incidents,
    journal,
    migrate,
    report,
    requests,
    sandbox,
    serve,
)
from kubeteam.exits import USAGE, Complaint

app = typer.Typer(
    name="kubeteam",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""A team of agents that operates Kubernetes: evidence first, no write without a yes.

Try it without a cluster and without a key:

- `kubeteam demo` (the whole story on the embedded cluster)
- `kubeteam ask --sandbox sandbox/incidents/checkout-oom "Why do checkouts fail?"`

On your cluster: `kubeteam up` in one terminal, then `kubeteam ask "is anything broken in namespace shop?"` in another.
Exit codes: 0 answered, 1 failed, 2 usage, 3 needs your input.""",
)
for module in (
    ask,
    report,
    requests,
    incidents,
    approve,
    journal,
    migrate,
    serve,
    sandbox,
    diagnose,
    evaluate,
    config,
    demo,
):
    module.register(app)


def main() -> None:
    """Runs the command line. A Complaint becomes one line on standard error and its exit code."""
    configure_logs(logging.ERROR)
    try:
        app()
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
