"""Kubernetes quantities as numbers: `500m` of cpu is 0.5 cores, `128Mi` of memory is 134217728 bytes."""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"^([+-]?\d{1,18}(?:\.\d{0,9})?)(?:e([+-]?\d{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E))?$")
_FACTORS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def amount(quantity: object) -> float | None:
    """The number a quantity stands for (cores, bytes, or a count); None when it is none."""
    if isinstance(quantity, bool):
        return None
    if isinstance(quantity, (int, float)):
        return float(quantity)
    found = _QUANTITY.match(quantity.strip()) if isinstance(quantity, str) else None
    if found is None:
        return None
    exponent = 10.0 ** int(found[2]) if found[2] else 1.0
    return float(found[1]) * exponent * _FACTORS[found[3] or ""]


def amount_or_zero(quantity: object) -> float:
    """The same, 0 when there is none."""
    return amount(quantity) or 0.0


def memory_text(size: float) -> str:
    """Bytes as people write them: `126Mi`, `30.9Gi`."""
    for unit, factor in (("Ti", 2.0**40), ("Gi", 2.0**30), ("Mi", 2.0**20), ("Ki", 2.0**10)):
        if size >= factor:
            value = size / factor
            return f"{value:.0f}{unit}" if value >= 100 or abs(value - round(value)) < 0.05 else f"{value:.1f}{unit}"
    return f"{size:.0f}"


def quantity_text(resource: str, value: float) -> str:
    """An amount of a named resource as people write it: cores as `1.5` or `250m`, memory as `48Gi`, else a count."""
    if resource.endswith("cpu"):
        return f"{value * 1000:.0f}m" if value < 1 else f"{value:g}"
    if resource.endswith(("memory", "storage")):
        return memory_text(value)
    return f"{value:g}"
