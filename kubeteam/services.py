"""Which app a service name stands for. The only place where planner and specialists meet in code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.runtime.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


def build(name: str, settings: Settings) -> FastAPI:
    """The app of one service. Raises SettingsError for a name that nobody on the team has."""
    if name == "planner":
        from planner.service import build_planner

        return build_planner(settings)
    from agents.runtime.definitions import load_definition
    from agents.runtime.service import build_service

    return build_service(load_definition(name, settings), settings)


def build_scripted(name: str, settings: Settings) -> FastAPI:
    """The same service around an agent that does what the A2A compatibility kit asks for."""
    from agents.runtime.conformance import build_conformance

    return build_conformance(name, settings)
