"""Times are read as Kubernetes, Go and people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cluster.times import iso, parse_duration, parse_moment, parse_time

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_nanoseconds_and_zones_are_read() -> None:
    assert parse_time("2026-01-01T00:00:00.123456789Z") == datetime(2026, 1, 1, 0, 0, 0, 123456, UTC)
    assert parse_time("2026-01-01T02:00:00+02:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert parse_time("2026-01-01T00:00:00") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "", "yesterday", None, 5])
def test_no_time_is_none(text: object) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("24h", timedelta(hours=24)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(minutes=90)),
        ("now-7d", timedelta(days=7)),
        ("-2w", timedelta(weeks=2)),
        ("90s ago", timedelta(seconds=90)),
        ("now", timedelta()),
    ],
)
def test_relative_times_count_back_from_now(text: str, ago: timedelta) -> None:
    assert parse_moment(text, NOW) == NOW - ago


def test_nonsense_says_what_to_write() -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_moment("last tuesday", NOW)


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    parse_time(text)
    parse_duration(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))
def test_iso_goes_there_and_back(time: datetime) -> None:
    assert parse_time(iso(time)) == time.replace(microsecond=0)
