"""`kubeteam sandbox FOLDER`: the embedded cluster on its own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from kubeteam.exits import USAGE, Complaint


def register(app: typer.Typer) -> None:
    app.command()(sandbox)


def sandbox(
    folder: Annotated[Path, typer.Argument(help="A scenario folder (scenario.yaml, objects.yaml, logs/, …).")],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="No simulated controllers: nothing changes by itself.")
    ] = False,
) -> None:
    """Serve a scenario as a Kubernetes API on loopback (TLS, tokens, RBAC) until Ctrl-C, and print its kubeconfig."""
    from sandbox import Sandbox, ScenarioError

    cluster = Sandbox(folder, frozen=frozen, port=port)
    try:
        cluster.start()
    except (ScenarioError, OSError) as error:
        raise Complaint(str(error), USAGE) from error
    try:
        print(f"{cluster.scenario.title}\n\nexport KUBECONFIG={cluster.kubeconfig}\nkubectl get pods -A", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        cluster.stop()
