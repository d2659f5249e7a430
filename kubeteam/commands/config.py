"""`kubeteam config`: the effective settings."""

from __future__ import annotations

import typer
import yaml

from agents.runtime.settings import load_settings, team_file


def register(app: typer.Typer) -> None:
    app.command()(config)


def config() -> None:
    """Print the effective settings (defaults, team.yaml, environment) as YAML, with secrets masked."""
    source = team_file()
    print(f"# from: defaults, {source or 'no team.yaml'}, environment variables KUBETEAM_…")
    print(yaml.safe_dump(load_settings().model_dump(mode="json"), sort_keys=False, allow_unicode=True), end="")
