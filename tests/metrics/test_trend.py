"""A trend is a line that fits; noise, a step and a restart are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.metrics.chart import bars, sparkline
from agents.metrics.trend import line_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def points(values: list[float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(minutes=number), value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([100 + n for n in range(60)], "growing"),
        ([200 - n for n in range(60)], "falling"),
        ([100 + n % 2 for n in range(60)], "steady"),
        ([0.0] * 60, "steady"),
        ([100 + 80 * (n % 3) for n in range(61)], "steady"),
        ([100, 101, 102], "too_short"),
        ([], "too_short"),
        ([float("nan")] * 20, "too_short"),
    ],
)
def test_series_are_called_what_they_are(values: list[float], verdict: str) -> None:
    assert line_of(points(values)).verdict == verdict


def test_a_leak_that_is_killed_again_and_again_still_grows() -> None:
    line = line_of(points([100 + 10 * (n % 20) for n in range(60)]))
    assert (line.verdict, line.restarts) == ("growing", 2)
    assert line.per_hour == pytest.approx(600)


def test_the_time_to_the_limit_follows_the_line() -> None:
    line = line_of(points([100 + n for n in range(61)]))
    assert line.hours_to(220) == pytest.approx(1.0)
    assert line.hours_to(None) is None
    assert line_of(points([100.0] * 61)).hours_to(220) is None


@given(st.lists(st.floats(min_value=0, max_value=1e12), max_size=200), st.integers(min_value=1, max_value=60))
def test_a_sparkline_is_never_wider_than_asked(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) <= width


def test_charts_show_proportions() -> None:
    assert sparkline([0, 4, 8]) == "▁▅█"
    assert sparkline([4, 4], top=8) == "▅▅"
    assert sparkline([]) == ""
    shown = bars([("a", 2.0, "2"), ("long", 1.0, "1")], width=4).splitlines()
    assert shown[1:3] == ["a     ████  2", "long  ██    1"]
    assert bars([("idle", 0.0, "0")], width=4).splitlines()[1] == "idle        0"
