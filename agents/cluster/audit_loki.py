"""Audit events that a log shipper brought to Loki: JSON lines as they are, or inside JSON of the shipper's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from agents.cluster.audit import AuditEvent, AuditFilter, AuditPage, Newest, event_from
from agents.cluster.loki import MAX_LINES, LokiClient, containing, containing_any

_INSIDE = ("log", "message", "msg", "line", "body")
"""Where shippers put the line that they read."""


class AuditLoki:
    """Asks Loki for lines that may match, and decides here: line filters only spare reading, they never decide."""

    def __init__(self, loki: LokiClient) -> None:
        self._loki = loki

    @property
    def description(self) -> str:
        """Where the events come from, for evidence."""
        return f"Loki {self._loki.selector}"

    async def find(self, wanted: AuditFilter) -> AuditPage:
        """The newest matching events. Raises SourceError."""
        begins = self._loki.begins(datetime.now(UTC))
        newest, read, bad = Newest(wanted), 0, 0
        async for _, line in self._loki.newest(
            query_for(self._loki.selector, wanted), max(wanted.start, begins), wanted.end
        ):
            read += 1
            event = unwrapped(line)
            if event is None:
                bad += 1
            else:
                newest.offer(event)
        problems = [f"{bad} lines that {self._loki.selector} selects are no audit events"] if bad else []
        if read >= MAX_LINES:
            problems.append(
                f"only the newest {MAX_LINES} audit lines were read; ask for a shorter time or name the object"
            )
            return newest.page(problems)
        return newest.page(problems, begins)


def query_for(selector: str, wanted: AuditFilter) -> str:
    """LogQL for the lines that may match: each holds the words that a matching event must hold."""
    filters = [containing_any(["ResponseComplete", "Panic"])]
    if wanted.verbs:
        filters.append(containing_any(wanted.verbs))
    if wanted.resources:
        filters.append(containing_any(wanted.resources))
    for text in (wanted.namespace, wanted.name):
        if text and (word := text.removesuffix("*")):
            filters.append(containing(word))
    if wanted.denied_only:
        filters.append(containing_any(["forbid", "403"]))
    return " ".join([selector, *filters])


def unwrapped(line: str) -> AuditEvent | None:
    """The event of a line, also when a shipper wrapped the line into JSON of its own."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if isinstance(found, dict) and found.get("kind") != "Event":
        for key in _INSIDE:
            inner = found.get(key)
            if isinstance(inner, str) and (event := unwrapped(inner)):
                return event
            if isinstance(inner, dict) and (event := event_from(inner)):
                return event
    return event_from(found)
