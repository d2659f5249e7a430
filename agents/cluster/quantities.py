"""Kubernetes quantities: `250m`, `1.5Gi`, `1e3`, `2` and what they mean.

Follows the grammar of k8s.io/apimachinery/pkg/api/resource: a decimal number with a binary suffix (Ki … Ei), a decimal
one (n, u, m, k, M … E) or an exponent (e3, E3).
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_BINARY = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")


def parse_quantity(value: str | int | float | Decimal) -> Decimal:
    """The plain number. Raises ValueError, naming the text, when it is no quantity."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    match = _QUANTITY.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is no Kubernetes quantity (such as 250m, 1.5Gi, 1e3)")
    number, exponent, suffix = match.groups()
    return Decimal(number).scaleb(int(exponent)) if exponent else Decimal(number) * _SUFFIXES[suffix or ""]


def cpu_cores(value: str | int | float | Decimal) -> Decimal:
    """CPU in cores: `250m` is 0.25."""
    return parse_quantity(value)


def memory_bytes(value: str | int | float | Decimal) -> int:
    """Memory in whole bytes, fractions rounded up as the API server does."""
    return int(parse_quantity(value).to_integral_value(ROUND_CEILING))


def format_cpu(cores: Decimal | float) -> str:
    """Cores as people write them: whole ones plain, else millicores, rounded up (`0.25` is `250m`)."""
    # By way of text: 0.2 as a float is a little more than 200m.
    milli = int((Decimal(str(cores)) * 1000).to_integral_value(ROUND_CEILING))
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def format_memory(size: float | Decimal) -> str:
    """Bytes in the largest binary unit that loses nothing in four digits, or at most five percent: `128Mi`."""
    size = int(size)
    for suffix in _BINARY:
        unit = int(_SUFFIXES[suffix])
        if unit <= abs(size) < 10_000 * unit and size % unit == 0:
            return f"{size // unit}{suffix}"
    for suffix in _BINARY:
        unit = int(_SUFFIXES[suffix])
        if abs(size) >= 10 * unit:
            return f"{round(size / unit)}{suffix}"
    return str(size)
