"""Times as Kubernetes and people write them: ISO 8601 with or without nanoseconds, and relative ones (`24h`, `30m`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_RELATIVE = re.compile(r"(?:now\s*-\s*|-)?((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w)\s*)+)(?:\s*ago)?", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FRACTION = re.compile(r"(\.\d{6})\d+")


def parse_time(value: Any) -> datetime | None:
    """An ISO 8601 time, with zone (UTC when it names none); None for nothing, nonsense, and Go's zero time.

    Fractions beyond microseconds are cut off.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        time = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip()))
    except ValueError:
        return None
    if time.year == 1:  # "0001-01-01T00:00:00Z": Go's way to say "no time"
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def parse_duration(text: str) -> timedelta | None:
    """`90s`, `1h30m`, `24h`, `7d`; None when it is no duration."""
    match = _RELATIVE.fullmatch(text.strip())
    if match is None:
        return None
    seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(match[1]))
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return None


def parse_moment(text: str, now: datetime) -> datetime:
    """A moment: ISO 8601, `now`, or how long ago (`24h`, `30m`, `now-1h`).

    Raises ValueError, in words for a person or a model, when it is none of them.
    """
    text = text.strip()
    if text.lower() == "now":
        return now
    if (time := parse_time(text)) is not None:
        return time
    if (ago := parse_duration(text)) is not None:
        try:
            return now - ago
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    raise ValueError(f"{text!r} is no time: write ISO 8601 (2026-01-31T08:00:00Z) or how long ago (30m, 24h, 7d)")


def iso(time: datetime) -> str:
    """ISO 8601 in UTC, in seconds: `2026-01-31T08:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
