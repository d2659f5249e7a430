"""Cron schedules as Kubernetes reads them: whether one can be parsed, and whether it ever comes."""

from __future__ import annotations

import re

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: n for n, name in enumerate(_MONTHS, 1)},
    {name: n for n, name in enumerate(_WEEKDAYS)},
)
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_DESCRIPTORS = re.compile(r"^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$")
_PART = re.compile(r"^(?P<from>\*|\?|\w+)(?:-(?P<to>\w+))?(?:/(?P<step>\d+))?$")


def complaint(schedule: str) -> str:
    """What is wrong with a schedule: a few words of English, empty when it can come true."""
    schedule = re.sub(r"^(?:TZ|CRON_TZ)=\S+\s+", "", schedule.strip())
    if schedule.startswith("@"):
        return "" if _DESCRIPTORS.match(schedule) else f"unknown descriptor {schedule}"
    fields = schedule.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}"
    values: list[set[int]] = []
    for position, field in enumerate(fields):
        found = _values(field, position)
        if not found:
            low, high = _RANGES[position]
            return f"field {field} is not within {low}-{high}"
        values.append(found)
    days, months = values[2], values[3]
    if fields[4] in ("*", "?") and all(min(days) > _LONGEST_MONTH.get(month, 31) for month in months):
        return f"no month in {fields[3]} has day {fields[2]}, so the date never comes"
    return ""


def _values(field: str, position: int) -> set[int]:
    """The numbers that a field stands for; nothing when it cannot be read or is out of range."""
    low, high = _RANGES[position]
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            return set()
        first = low if match["from"] in "*?" else _number(match["from"], position)
        stepped = match["step"] is not None
        last = high if match["from"] in "*?" or (stepped and not match["to"]) else first
        if match["to"]:
            last = _number(match["to"], position)
        step = int(match["step"] or 1)
        if first is None or last is None or step < 1 or not low <= first <= last <= high:
            return set()
        found |= set(range(first, last + 1, step))
    return found


def _number(word: str, position: int) -> int | None:
    if word.isascii() and word.isdigit() and len(word) < 4:
        return int(word)
    return _NAMES[position].get(word.lower())
