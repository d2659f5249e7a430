"""Time as the API writes it."""

import datetime as dt
import zlib


def when(text: str) -> dt.datetime:
    """Reads an API timestamp."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


def ts(at: dt.datetime) -> str:
    """RFC 3339 in whole seconds, as most API fields carry it."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tsu(at: dt.datetime) -> str:
    """With microseconds, as leases and events.k8s.io carry it."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def tsm(at: dt.datetime, salt: str = "") -> str:
    """With milliseconds, as applications log; whole seconds get plausible ones that depend on the salt."""
    ms = at.microsecond // 1000 or zlib.crc32(f"{at}{salt}".encode()) % 990
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms:03d}Z"


def sec(n: float) -> dt.timedelta:
    """A span of seconds."""
    return dt.timedelta(seconds=n)
