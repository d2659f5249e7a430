"""When a report is due by its cron expression. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from croniter import croniter

from agents.runtime.settings import ScheduleSettings

LATE = timedelta(hours=12)
"""A run that was missed for longer than this (the planner was down) is left out: the next one is near."""


def key_of(schedule: ScheduleSettings) -> str:
    """The same for the same schedule, whatever its place in team.yaml."""
    told = "\n".join((schedule.cron, schedule.cluster or "", schedule.language))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def due(cron: str, after: datetime, now: datetime) -> datetime | None:
    """The latest time in (after, now] that the expression names: what was missed meanwhile is made up for once."""
    latest = croniter(cron, now.astimezone(UTC) + timedelta(microseconds=1)).get_prev(datetime)
    return latest if after < latest <= now and now - latest <= LATE else None
