"""The team as configured: cards of members that are not ours, the clusters the team sees, and how each is asked.

The planner knows no Kubernetes. Which clusters there are it learns from the members' own tool `list_clusters`, called
over MCP (`POST /mcp`, stateless): every built-in specialist has that tool, so any of them that is up can say.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from a2a.client.card_resolver import parse_agent_card
from google.protobuf.json_format import ParseError
from pydantic import ValidationError

from agents.runtime import tracing
from agents.runtime.card_signature import UntrustedCardError, verifier
from agents.runtime.settings import BUILT_IN, Settings
from planner.team import MemberClient, Profile, Skill, Team, ToolUnavailable, declared
from planner.telemetry import calling

log = logging.getLogger(__name__)

CARD_PATH = "/.well-known/agent-card.json"
ASK_SECONDS = 3.0
"""For a card or the list of clusters: a request waits for it."""
FRESH_SECONDS = 60.0
RETRY_SECONDS = 10.0
LIST_CLUSTERS = "list_clusters"
MAX_CLUSTERS = 50
"""More than a person would choose from."""
_ORDER = ("diagnoser", "auditor", "metrics", "executor")


class ConfiguredMembers:
    """The members of the settings. `connect(name, url)` makes the client of one."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient, connect: Callable[[str, str], MemberClient]
    ) -> None:
        self._http = http
        self._urls = {name: settings.url(name) for name in settings.members()}
        self._clients = {name: connect(name, url) for name, url in self._urls.items()}
        self._team = {name: declared(name, settings.agent(name)) for name in self._urls}
        self._cards_due = dict.fromkeys((name for name in self._urls if name not in BUILT_IN), 0.0)
        self._verify = verifier(settings.cards)
        self._clusters: tuple[float, list[str]] = (0.0, [])

    def client(self, name: str) -> MemberClient:
        """Raises KeyError for a name that is not on the team."""
        return self._clients[name]

    def leave(self) -> None:
        """The planner stops and will go on later: the members' work is left running, not cancelled."""
        for client in self._clients.values():
            client.leave()

    async def profiles(self) -> Team:
        """Every member; the cards of those that are not built in are read anew once a minute."""
        due = [name for name, moment in self._cards_due.items() if moment <= time.monotonic()]
        await asyncio.gather(*(self._read_card(name) for name in due))
        return dict(self._team)

    async def clusters(self) -> list[str]:
        """The clusters' names; empty when no member could say."""
        fresh_until, known = self._clusters
        if time.monotonic() < fresh_until:
            return known
        for name in (name for name in _ORDER if name in self._urls):
            try:
                found = cluster_names(await self.call_tool(name, LIST_CLUSTERS, {"page_size": MAX_CLUSTERS}))
            except (ToolUnavailable, ValueError) as error:
                log.info("%s", error)
                continue
            self._clusters = (time.monotonic() + FRESH_SECONDS, found)
            return found
        self._clusters = (time.monotonic() + RETRY_SECONDS, known)
        return known

    async def _read_card(self, name: str) -> None:
        try:
            response = await self._http.get(self._urls[name].rstrip("/") + CARD_PATH, timeout=ASK_SECONDS)
            response.raise_for_status()
            if self._verify is not None:
                self._verify(parse_agent_card(response.json()))
            self._team[name] = profile_of(name, response.json(), self._team[name])
            self._cards_due[name] = time.monotonic() + FRESH_SECONDS
        except (httpx.HTTPError, ValueError, ParseError, UntrustedCardError) as error:
            log.warning("the card of %s could not be read: %s", name, error)
            self._cards_due[name] = time.monotonic() + RETRY_SECONDS

    async def call_tool(self, member: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The structured result of a member's tool, called over MCP. Raises ToolUnavailable."""
        if member not in self._urls:
            raise ToolUnavailable(f"{member} is not on the team")
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        try:
            with calling(member, tool):
                headers = {"Accept": "application/json, text/event-stream", **tracing.headers()}
                async with asyncio.timeout(ASK_SECONDS):
                    url = f"{self._urls[member].rstrip('/')}/mcp"
                    response = await self._http.post(url, json=call, headers=headers)
                response.raise_for_status()
                return tool_result(response.json())
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            raise ToolUnavailable(f"{member}: {tool} failed: {error or type(error).__name__}") from error


def profile_of(name: str, card: Any, before: Profile) -> Profile:
    """A profile from a card's JSON, of A2A 1.0 or 0.3. Raises ValueError when it is no card."""
    if not isinstance(card, Mapping):
        raise ValueError("the card is not a JSON object")
    try:
        skills = tuple(Skill.model_validate(skill) for skill in card.get("skills") or ())
    except ValidationError as error:
        raise ValueError(f"the card's skills are wrong: {error.errors()[0]['msg']}") from error
    description = str(card.get("description") or before.description)
    return Profile(name=name, description=description, skills=skills or before.skills, built_in=before.built_in)


def tool_result(answer: Any) -> dict[str, Any]:
    """The structured content of a `tools/call` answer. Raises ValueError when it is an error or has none."""
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict) or result.get("isError"):
        raise ValueError(str(answer)[:300])
    content = result.get("structuredContent")
    if not isinstance(content, dict):
        raise ValueError("there is no structured content")
    inner = content.get("result")
    return inner if set(content) == {"result"} and isinstance(inner, dict) else content


def cluster_names(content: Mapping[str, Any]) -> list[str]:
    """The names in the result of `list_clusters`: `{"clusters": [{"cluster_id" or "name": …} or "…"]}`, or that list.

    Raises ValueError when there is no such list.
    """
    found = content.get("clusters", content.get("result"))
    if not isinstance(found, list):
        raise ValueError(f"{LIST_CLUSTERS} gave no list of clusters")
    return [name for item in found if (name := _cluster_name(item))]


def _cluster_name(item: Any) -> str:
    if isinstance(item, dict):
        return str(item.get("cluster_id") or item.get("name") or item.get("id") or "")
    return str(item)
