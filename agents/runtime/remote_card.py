"""Other agents' cards: fetched, cached and revalidated, in whichever dialect they are written."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from a2a.client.card_resolver import parse_agent_card
from a2a.types import AgentCard
from google.protobuf.json_format import ParseError

from agents.runtime.card_signature import UntrustedCardError, Verify
from agents.runtime.cards import CARD_PATH, LEGACY_CARD_PATH

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "0.0.0.0", "::1", "::")


class CardUnavailableError(RuntimeError):
    """No card could be had; the text says from where and why."""

    def __init__(self, text: str, *, answered: bool) -> None:
        super().__init__(text)
        self.answered = answered
        """Something answered, but not with a card: trying again will not help."""


class RemoteCard:
    """The card of one agent. `url` is the agent's base URL, or the URL of the card itself (ending in `.json`)."""

    def __init__(self, url: str, http: httpx.AsyncClient, verify: Verify | None = None) -> None:
        """`verify` refuses cards that no trusted key has signed."""
        base = url.rstrip("/")
        self._urls = [base] if base.endswith(".json") else [base + CARD_PATH, base + LEGACY_CARD_PATH]
        self._http = http
        self._verify = verify
        self._card: AgentCard | None = None
        self._etag: str | None = None
        self._read_at = 0.0

    async def get(self, *, fresh: bool = False) -> AgentCard:
        """The card, at most a minute old. Raises CardUnavailableError when there never was one to be had."""
        if self._card is not None and not fresh and time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._card
        try:
            return await self._fetch()
        except CardUnavailableError:
            # An agent that is busy restarting is still the agent that it was.
            if self._card is None:
                raise
            return self._card

    async def _fetch(self) -> AgentCard:
        for url in self._urls:
            headers = {"If-None-Match": self._etag} if self._etag and self._card is not None else {}
            try:
                response = await self._http.get(url, headers=headers)
            except httpx.HTTPError as error:
                raise CardUnavailableError(f"no connection to {url}: {_said(error)}", answered=False) from error
            if response.status_code == 304 and self._card is not None:
                self._read_at = time.monotonic()
                return self._card
            if response.status_code in (404, 405) and url != self._urls[-1]:
                continue
            return self._take(url, response)
        raise CardUnavailableError(f"there is no card at {self._urls[0]}", answered=True)

    def _take(self, url: str, response: httpx.Response) -> AgentCard:
        if response.status_code != 200:
            # A gateway without a living agent behind it says 502, 503 or 504.
            gone = response.status_code in (502, 503, 504)
            raise CardUnavailableError(f"{url} answers {response.status_code} instead of a card", answered=not gone)
        try:
            content: Any = response.json()
            card = parse_agent_card(content)
        except (ValueError, ParseError, TypeError) as error:
            raise CardUnavailableError(f"what {url} serves is not an agent card: {error}", answered=True) from error
        if not card.supported_interfaces:
            raise CardUnavailableError(f"the card at {url} names no interface to call", answered=True)
        self._check_signature(url, card)
        for interface in card.supported_interfaces:
            interface.url = reachable(interface.url, url)
        if self._card is not None and (changes := changes_of(self._card, card)):
            log.warning("the card at %s has changed: %s", url, "; ".join(changes))
        self._card, self._etag, self._read_at = card, response.headers.get("etag"), time.monotonic()
        return card

    def _check_signature(self, url: str, card: AgentCard) -> None:
        try:
            if self._verify is not None:
                self._verify(card)
        except UntrustedCardError as error:
            # Whoever answers there now is not who was trusted: what was known of it holds no longer.
            self._card = self._etag = None
            log.warning("the card at %s is refused: %s", url, error)
            raise CardUnavailableError(f"the card at {url} is refused: {error}", answered=True) from error


def changes_of(before: AgentCard, after: AgentCard) -> list[str]:
    """What another card says otherwise, for people; signatures are not compared."""
    changes = [
        f"{name} {getattr(before, name)!r} is now {getattr(after, name)!r}"
        for name in ("name", "version", "description")
        if getattr(before, name) != getattr(after, name)
    ]
    urls, new_urls = ({i.url for i in card.supported_interfaces} for card in (before, after))
    if urls != new_urls:
        changes.append(f"it is called at {', '.join(sorted(new_urls))}")
    skills, new_skills = ({skill.id: skill for skill in card.skills} for card in (before, after))
    changes += [f"skill {id} is new" for id in new_skills.keys() - skills.keys()]
    changes += [f"skill {id} is gone" for id in skills.keys() - new_skills.keys()]
    changes += [f"skill {id} is another" for id in skills.keys() & new_skills.keys() if skills[id] != new_skills[id]]
    if before.capabilities != after.capabilities:
        changes.append("its capabilities are others")
    if before.security_schemes != after.security_schemes:
        changes.append("its security schemes are others")
    return sorted(changes)


def reachable(interface: str, card_url: str) -> str:
    """The interface's URL; one that points to loopback is moved to the host that served the card.

    Agents that are started by hand often publish `localhost` or `0.0.0.0`, which is true only on their own machine.
    """
    theirs, ours = urlsplit(interface), urlsplit(card_url)
    if theirs.hostname not in LOOPBACK or ours.hostname in LOOPBACK:
        return interface
    return urlunsplit((ours.scheme, ours.netloc, theirs.path, theirs.query, ""))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
