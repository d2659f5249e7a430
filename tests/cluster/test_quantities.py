"""Quantities mean what the API server means by them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cluster.quantities import cpu_cores, format_cpu, format_memory, memory_bytes, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", "0.25"),
        ("1", "1"),
        ("1.5Gi", "1610612736"),
        (".5", "0.5"),
        ("2.", "2"),
        ("1500000n", "0.0015"),
        ("3u", "0.000003"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1e18"),
        ("2Ei", str(2 * 2**60)),
        ("5k", "5000"),
        ("-1", "-1"),
        ("128974848000m", "128974848"),
        (7, "7"),
        (0.5, "0.5"),
    ],
)
def test_every_suffix_and_exponent_is_understood(text: str, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Mi", "1 Mi", "1KI", "abc", "1.2.3", "1m5", "٣"])
def test_nonsense_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no Kubernetes quantity"):
        parse_quantity(text)


@given(st.integers(0, 2**62))
def test_formatted_memory_is_within_five_percent(size: int) -> None:
    assert abs(memory_bytes(format_memory(size)) - size) <= size * 0.05 + 1


@given(st.integers(0, 9_999), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_memory_in_whole_units_is_exact(number: int, unit: str) -> None:
    size = memory_bytes(f"{number}{unit}")
    assert memory_bytes(format_memory(size)) == size


@given(st.integers(0, 10**7))
def test_cpu_goes_there_and_back(milli: int) -> None:
    assert cpu_cores(format_cpu(cpu_cores(f"{milli}m"))) * 1000 == milli


def test_people_read_round_numbers() -> None:
    assert [format_memory(n) for n in (128 * 2**20, 2**30, 1500 * 2**20, 0, 500)] == [
        "128Mi",
        "1Gi",
        "1500Mi",
        "0",
        "500",
    ]
    assert format_memory(134_000_000) == "128Mi"
    assert format_memory(16_263_469 * 2**10) == "16Gi"
    assert format_cpu(0.2) == "200m"
    assert [format_cpu(Decimal(n)) for n in ("0.25", "2", "0.0001")] == ["250m", "2", "1m"]
