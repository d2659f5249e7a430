"""Small charts out of characters, for Markdown. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]


def sparkline(values: Sequence[float], width: int = 40, top: float | None = None) -> str:
    """The values from left to right, on a scale from zero to the greatest, or to `top`.

    More values than `width` are averaged in groups. Values that are no numbers are blanks.
    """
    cells = _grouped(values, width)
    known = [value for value in cells if math.isfinite(value)]
    if not known:
        return ""
    high = max(*known, top or 0)
    # From zero: a scale from the least value would make a cliff of one percent.
    low = min(0.0, *known)
    span = high - low or 1
    return "".join(_LEVELS[min(7, int((value - low) / span * 8))] if math.isfinite(value) else " " for value in cells)


def bars(rows: Sequence[tuple[str, float, str]], width: int = 24) -> str:
    """A code block with one bar per row of name, value and the value as text; the greatest takes the whole width."""
    if not rows:
        return ""
    most = max(value for _, value, _ in rows) or 1
    name_width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{name_width}}  {_bar(value / most * width):<{width}}  {text}" for name, value, text in rows]
    return "\n".join(("```text", *lines, "```"))


def _bar(length: float) -> str:
    whole = int(length)
    return "█" * whole + _EIGHTHS[int((length - whole) * 8)]


def _grouped(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [round(i * len(values) / width) for i in range(width + 1)]
    return [_mean(values[a:b]) for a, b in pairwise(edges)]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
