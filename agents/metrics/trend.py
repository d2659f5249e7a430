"""Whether a series grows: a straight line by least squares, with how well it fits. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["growing", "falling", "steady", "unclear", "too_short"]

LEAST_POINTS = 5
FIT = 0.5
"""R² from which a line describes the points."""
NOTABLE = 0.05
"""Change over the time seen, by the mean, from which it is one."""
DROP = 0.7
"""A value below this share of the one before it is a restart, not a trend."""


@dataclass(frozen=True)
class Line:
    """What a series does over the time that was seen."""

    verdict: Verdict
    first: float
    last: float
    per_hour: float = 0.0
    """The slope."""
    fit: float = 0.0
    """R², from 0 (no line at all) to 1."""
    restarts: int = 0
    """Sudden drops; then the line is that of the time after the last one."""

    def hours_to(self, limit: float | None) -> float | None:
        """When it reaches the limit if it goes on like this; None when it does not grow or there is no limit."""
        if limit is None or self.verdict != "growing" or self.per_hour <= 0:
            return None
        return max(0.0, (limit - self.last) / self.per_hour)


def line_of(points: Sequence[tuple[datetime, float]]) -> Line:
    """The trend of a series, oldest point first."""
    known = [(time, value) for time, value in points if math.isfinite(value)]
    if not known:
        return Line("too_short", math.nan, math.nan)
    drops = [
        number
        for number in range(1, len(known))
        if known[number - 1][1] > 0 and known[number][1] < DROP * known[number - 1][1]
    ]
    tail = known[drops[-1] :] if drops and len(known) - drops[-1] >= LEAST_POINTS else known
    first, last = tail[0][1], tail[-1][1]
    if len(tail) < LEAST_POINTS:
        return Line("too_short", first, last, restarts=len(drops))
    slope, fit = _least_squares(tail)
    change = slope * (tail[-1][0] - tail[0][0]).total_seconds() / 3600
    mean = sum(value for _, value in tail) / len(tail)
    return Line(_verdict(change, mean, fit), first, last, slope, fit, len(drops))


def _verdict(change: float, mean: float, fit: float) -> Verdict:
    if abs(change) < NOTABLE * abs(mean) or mean == 0:
        return "steady"
    if fit < FIT:
        return "unclear"
    return "growing" if change > 0 else "falling"


def _least_squares(points: Sequence[tuple[datetime, float]]) -> tuple[float, float]:
    """The slope per hour, and R²."""
    start = points[0][0]
    hours = [(time - start).total_seconds() / 3600 for time, _ in points]
    values = [value for _, value in points]
    mean_x, mean_y = sum(hours) / len(hours), sum(values) / len(values)
    xx = sum((x - mean_x) ** 2 for x in hours)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in zip(hours, values, strict=True))
    yy = sum((y - mean_y) ** 2 for y in values)
    if xx == 0 or yy == 0:
        return 0.0, 0.0
    return xy / xx, xy * xy / (xx * yy)
