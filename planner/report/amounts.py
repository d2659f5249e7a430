"""Numbers as people read them: cores, memory, money, names. Pure."""

from __future__ import annotations

_UNITS = (("Ti", 2.0**40), ("Gi", 2.0**30), ("Mi", 2.0**20), ("Ki", 2.0**10))


def cores(value: float | None) -> str:
    """`250m`, `1.5`."""
    if value is None:
        return "–"
    if value < 1:
        return f"{round(value * 1000)}m"
    return f"{value:.1f}".removesuffix(".0")


def memory(value: float | None) -> str:
    """`126Mi`, `1.4Gi`."""
    if value is None:
        return "–"
    for unit, factor in _UNITS:
        if value >= factor:
            number = value / factor
            return f"{number:.0f}{unit}" if number >= 10 else f"{number:.1f}".removesuffix(".0") + unit
    return f"{value:.0f}"


def percent(part: float | None, whole: float | None) -> str:
    """`42 %`."""
    return f"{100 * part / whole:.0f} %" if part is not None and whole else "–"


def money(value: float | None, currency: str) -> str:
    """`1,204 USD`; cents only where they matter."""
    if value is None:
        return "–"
    return f"{value:,.0f} {currency}" if value >= 100 else f"{value:,.2f} {currency}"


def short_name(resource: str, most: int = 26) -> str:
    """The name of an object, with its namespace when it has one, short enough for a chart's margin."""
    parts = resource.split("/")
    told = f"{parts[0]}/{parts[-1]}" if len(parts) > 2 else parts[-1]
    if len(told) > most:
        told = parts[-1]
    return told if len(told) <= most else f"{told[: most - 9]}…{told[-8:]}"
