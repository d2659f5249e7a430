"""Finds the definition of a member by its name: a built-in specialist, or one that team.yaml declares."""

from __future__ import annotations

import importlib

from agents.runtime.definition import AgentDefinition
from agents.runtime.settings import BUILT_IN, Settings, SettingsError


def load_definition(name: str, settings: Settings) -> AgentDefinition:
    """The specialist's definition; only its own code is imported.

    Raises SettingsError for a name that is no member, or a foreign agent that runs elsewhere.
    """
    if name in BUILT_IN:
        module = importlib.import_module(f"agents.{name}.agent")
        return module.DEFINITION
    member = settings.agents.get(name)
    if member is None:
        raise SettingsError(f"there is no member {name!r}; the team has: {', '.join(settings.members())}")
    if not (member.instruction or member.mcp_servers):
        raise SettingsError(
            f"agents.{name} has neither instruction nor mcp_servers, so there is nothing to serve here"
            + (f"; it runs at {member.url}" if member.url else "")
        )
    from agents.runtime.declared import declared_definition

    return declared_definition(name, settings)
