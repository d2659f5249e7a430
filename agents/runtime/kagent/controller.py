"""The controller's REST API, as far as agents use it: tasks and sessions, in the name of a user."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal, NamedTuple

import httpx

from agents.runtime.kagent import words
from agents.runtime.kagent.formats import Session
from agents.runtime.settings import KagentSettings

log = logging.getLogger(__name__)

TASKS = "/api/tasks"
SESSIONS = "/api/sessions"
MAX_NAME = 80
"""Characters of a session's name."""

KNOWN = 409
"""A session that is there already; a task that belongs to another user."""
HOPELESS = (400, 409, 413, 422)
"""The same request will be refused again."""


class Told(NamedTuple):
    """What became of a request. `later`: try again; `down`: nobody else will get through either."""

    result: Literal["done", "refused", "later", "down"]
    why: str = ""


class Controller:
    """The controller of one kagent, as one of its agents sees it."""

    def __init__(self, settings: KagentSettings, name: str, http: httpx.AsyncClient) -> None:
        """`name` is the agent's own; `http` has the timeout that all requests keep to."""
        self._url = (settings.url or "").rstrip("/")
        self._token_file = settings.token_file
        self._http = http
        self.agent_ref = words.agent_ref(settings.namespace, name)

    async def put_task(self, task: dict[str, Any], user: str) -> Told:
        """Creates or replaces a task."""
        return await self._post(TASKS, task, user)

    async def open_session(self, context_id: str, title: str, user: str) -> Told:
        """Makes the conversation that another agent began known; one that is known already is fine."""
        session = Session(
            agent_ref=self.agent_ref, id=context_id, name=title[:MAX_NAME] or context_id, source=words.SOURCE_AGENT
        )
        told = await self._post(SESSIONS, session.model_dump(), user, {"user_id": user})
        return Told("done") if told.why == str(KNOWN) else told

    async def _post(self, path: str, body: Any, user: str, query: dict[str, str] | None = None) -> Told:
        headers = {words.AGENT_NAME_HEADER: self.agent_ref, "X-User-Id": user}
        token = await asyncio.to_thread(self._token)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            response = await self._http.post(f"{self._url}{path}", json=body, headers=headers, params=query)
        except httpx.HTTPError as error:
            return Told("down", f"{type(error).__name__}: {error}")
        return _judged(response.status_code)

    def _token(self) -> str:
        """Read anew each time: the kubelet rotates it."""
        try:
            return self._token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            log.debug("no token for kagent's controller: %s", error)
            return ""


def _judged(status: int) -> Told:
    if 200 <= status < 300:
        return Told("done")
    if status in HOPELESS:
        return Told("refused", str(status))
    if status in (404, 405):
        return Told("later", str(status))
    return Told("down", str(status))
