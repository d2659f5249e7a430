"""Points in time: how Kubernetes writes them, and how a scenario's past becomes the present.

A shift is a whole number of seconds, so fractions keep their digits whatever their precision, and time zones do not
matter: the written local time moves, its zone stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = "|".join(MONTHS)
_CLOCK = r"(?P<h>[01]\d|2[0-3]):(?P<mi>[0-5]\d):(?P<s>[0-5]\d)"
_FORMATS = (
    # 2026-11-20T09:55:06.072Z, 2026-11-20 09:55:06,072, 2026/11/20 09:55:06
    rf"(?<!\d)(?P<y>\d{{4}})(?P<sep>[-/])(?P<mo>\d\d)(?P=sep)(?P<d>\d\d)(?P<gap>[T ]){_CLOCK}",
    # klog: W1117 13:30:04.123456
    rf"(?<![\w])(?P<level>[IWEF])(?P<mo>\d\d)(?P<d>\d\d) {_CLOCK}(?=\.\d)",
    # access logs: 20/Nov/2026:09:55:06 +0000
    rf"(?<!\d)(?P<d>\d\d)/(?P<mon>{_MONTH})/(?P<y>\d{{4}}):{_CLOCK}",
    # RFC 1123: Fri, 20 Nov 2026 09:55:06 GMT; other tools write no weekday
    rf"(?:(?P<wd>Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(?<!\d)(?P<d>\d\d) (?P<mon>{_MONTH}) (?P<y>\d{{4}}) {_CLOCK}",
    # syslog: Nov 20 09:55:06
    rf"(?<!\w)(?P<mon>{_MONTH}) (?P<d>[ \d]\d) {_CLOCK}",
    # JSON loggers: "ts":1795168506.072, "time":1795168506072
    r'(?P<key>"(?:ts|time|timestamp|t)"\s*:\s*)(?P<epoch>\d{10})(?P<rest>\d{3}(?!\d)|(?!\d))',
)
_PATTERNS = tuple(re.compile(item) for item in _FORMATS)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """RFC 3339 in whole seconds, as in `creationTimestamp`."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime | None = None) -> str:
    """RFC 3339 in microseconds, as in Leases and `eventTime`."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """A point in time from ISO 8601. Raises ValueError; a time without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_iso(text: str) -> bool:
    return _ISO.fullmatch(text) is not None


def _moment(match: re.Match[str], year_of: datetime) -> datetime | None:
    found = match.groupdict()
    if epoch := found.get("epoch"):
        return datetime.fromtimestamp(int(epoch), UTC)
    month = int(found["mo"]) if found.get("mo") else MONTHS.index(found["mon"]) + 1
    year = int(found["y"]) if found.get("y") else year_of.year - (month > year_of.month)
    try:
        return datetime(year, month, int(found["d"]), int(found["h"]), int(found["mi"]), int(found["s"]), tzinfo=UTC)
    except ValueError:  # the thirteenth month: not a time after all
        return None


def time_in(line: str, year_of: datetime) -> datetime | None:
    """The first time written in a line, to the second; formats without a year take the last one before `year_of`."""
    hits = [match for pattern in _PATTERNS if (match := pattern.search(line))]
    return _moment(min(hits, key=lambda match: match.start()), year_of) if hits else None


def _rewritten(match: re.Match[str], moment: datetime) -> str:
    """The same notation as the match, for another moment."""
    found = match.groupdict()
    if found.get("epoch"):
        return f"{found['key']}{int(moment.timestamp())}{found['rest']}"
    clock, month = moment.strftime("%H:%M:%S"), MONTHS[moment.month - 1]
    if found.get("sep"):
        return moment.strftime(f"%Y{found['sep']}%m{found['sep']}%d{found['gap']}") + clock
    if found.get("level"):
        return f"{found['level']}{moment:%m%d} {clock}"
    if not found.get("y"):
        return f"{month} {moment.day:2d} {clock}"
    if match.group().count("/") == 2:
        return f"{moment:%d}/{month}/{moment:%Y}:{clock}"
    weekday = f"{_WEEKDAYS[moment.weekday()]}, " if found.get("wd") else ""
    return f"{weekday}{moment:%d} {month} {moment:%Y} {clock}"


@dataclass(frozen=True)
class Shift:
    """Moves written times so that `captured_at` becomes `present`."""

    captured_at: datetime
    present: datetime

    @property
    def seconds(self) -> int:
        return round((self.present - self.captured_at).total_seconds())

    def iso(self, text: str) -> str:
        """Shift one complete ISO time, zone and fraction digits untouched."""
        moved = datetime.fromisoformat(text[:19]) + timedelta(seconds=self.seconds)
        return moved.strftime("%Y-%m-%dT%H:%M:%S") + text[19:]

    def text(self, text: str) -> str:
        """Shift every time written in running text: logs, messages, annotations."""
        for pattern in _PATTERNS:
            text = pattern.sub(self._replacer(), text)
        return text

    def _replacer(self) -> Callable[[re.Match[str]], str]:
        delta = timedelta(seconds=self.seconds)

        def replace(match: re.Match[str]) -> str:
            moment = _moment(match, self.captured_at)
            # A number that would be decades away from the scenario is a port, an id or a fixture, not a time of it.
            if moment is None or abs(moment - self.captured_at) > timedelta(days=3650):
                return match.group()
            return _rewritten(match, moment + delta)

        return replace
