"""How this service is known to kagent: what rendering needs beside the events."""

from __future__ import annotations

from dataclasses import dataclass

from agents.runtime.kagent import words


@dataclass(frozen=True)
class Style:
    """The same for all requests of a service."""

    app_name: str
    """Who speaks: the label above the agent's messages."""
    namespace: str | None = None
    """Where kagent runs us, None when it does not."""

    def agent_name(self, member: str) -> str:
        """A member of the team, as kagent names agents that are used as tools."""
        return member if self.namespace is None else words.agent_ref(self.namespace, member)
