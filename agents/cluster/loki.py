"""Loki's HTTP API: the newest lines that a LogQL query finds, page by page, bounded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.cluster.endpoint import Endpoint, SourceError
from agents.runtime.settings import LokiSettings

PAGE = 1_000
MAX_LINES = 50_000
"""Read for one question."""

Line = tuple[datetime, str]


class LokiClient:
    """One server. `selector` may hold `$component`. Every method raises SourceError."""

    def __init__(self, settings: LokiSettings) -> None:
        self.endpoint = Endpoint("Loki", settings)
        self.selector = settings.selector
        self._lookback = timedelta(hours=settings.lookback_hours)

    def begins(self, now: datetime) -> datetime:
        """How far back this client asks."""
        return now - self._lookback

    async def newest(self, query: str, start: datetime, end: datetime) -> AsyncIterator[Line]:
        """Time and text of the matching lines, newest first, at most `MAX_LINES`."""
        since, until, read = _nanoseconds(start), _nanoseconds(end) + 1, 0
        seen: set[tuple[int, str]] = set()
        while read < MAX_LINES and since < until:
            page = await self._page(query, since, until)
            fresh = [line for line in page if line not in seen]
            for stamp, text in fresh:
                yield datetime.fromtimestamp(stamp / 1e9, UTC), text
            read += len(fresh)
            if len(page) < PAGE:
                return
            # The oldest moment is read again, because a page may end in the middle of it; what was seen is skipped.
            # A moment that fills a page on its own is left behind: there is no way to page inside it.
            oldest = page[-1][0]
            seen = {line for line in page if line[0] == oldest}
            until = oldest + 1 if fresh else oldest

    async def _page(self, query: str, since: int, until: int) -> list[tuple[int, str]]:
        asked = {"query": query, "start": str(since), "end": str(until), "limit": str(PAGE), "direction": "backward"}
        body = await self.endpoint.get("/loki/api/v1/query_range", asked)
        lines = _lines(body)
        lines.sort(key=lambda line: line[0], reverse=True)
        return lines


def containing(text: str) -> str:
    """A LogQL line filter: lines that hold the text."""
    return f"|= {_quoted(text)}"


def containing_any(words: Sequence[str]) -> str:
    """A LogQL line filter: lines that hold one of the words."""
    return f"|~ {_quoted('|'.join(map(re.escape, words)))}"


def matching(pattern: str) -> str:
    """A LogQL line filter: lines that match a regular expression, whatever the case."""
    return f"|~ {_quoted('(?i)' + pattern)}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1_000


def _lines(body: Any) -> list[tuple[int, str]]:
    try:
        data = body["data"]
        if data["resultType"] != "streams":
            raise SourceError(
                f"Loki answered {data['resultType']!r} where lines were asked for; is the selector a query?"
            )
        return [(int(value[0]), str(value[1])) for stream in data["result"] for value in stream["values"]]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SourceError(f"Loki answered with something of another shape ({error!r})") from error
