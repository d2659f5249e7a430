"""Kubernetes quantities: `500m`, `512Mi`, `1.5`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

from agents.executor.action import ActionError

_QUANTITY = re.compile(r"^\+?(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([KMGTPE]i)|([numkMGTPE]))?$")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
} | {letter: Decimal(1000) ** power for power, letter in enumerate("GTPE", start=3)}


def amount(text: str, name: str) -> Decimal:
    """The amount as a number (cores, bytes). Raises ActionError, with the usual mistakes explained."""
    match = _QUANTITY.match(text.strip())
    if not match:
        raise ActionError(f"{text!r} is no amount for {name}; write 500m or 2 for cpu, 512Mi or 1Gi for memory")
    number, exponent, binary, decimal = match.groups()
    if "memory" in name and decimal in ("n", "u", "m"):
        raise ActionError(f"{text!r} for {name} would be a fraction of a byte; did you mean {number}Mi?")
    if exponent:
        return Decimal(number + exponent)
    return Decimal(number) * _BINARY.get(binary or "", Decimal(1)) * _DECIMAL.get(decimal or "", Decimal(1))
