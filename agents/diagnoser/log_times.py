"""When a log line was written, by the forms of time that programs use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)?",
)
_KLOG = re.compile(r"^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)")
_EPOCH = re.compile(r"\"(?:ts|time|timestamp)\":\s?(1\d{9})(?:\d{3}\b|\.\d+|\b)")
_HEAD = 120
"""A time stands near the beginning of a line; a date further on is data."""


def written_at(line: str, now: datetime) -> datetime | None:
    """The moment that a line names, None when it names none. A time without a zone is UTC, as in containers."""
    found = _ISO.search(line[:_HEAD])
    try:
        if found:
            parts = [int(part) for part in found.groups()[:6]]
            return datetime(*parts, tzinfo=UTC) - _offset(found[7])  # pyright: ignore[reportArgumentType]
        found = _KLOG.search(line)
        if found:
            month, day, hour, minute, second = (int(part) for part in found.groups())
            at = datetime(now.year, month, day, hour, minute, second, tzinfo=UTC)
            return at if at <= now + timedelta(days=1) else at.replace(year=at.year - 1)
        found = _EPOCH.search(line[:_HEAD])
        return datetime.fromtimestamp(int(found[1]), UTC) if found else None
    except ValueError:
        return None  # 2026-13-45 is no time


def _offset(zone: str | None) -> timedelta:
    if not zone or zone in ("Z", "UTC"):
        return timedelta()
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset
