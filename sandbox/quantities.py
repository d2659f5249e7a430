"""Kubernetes quantities such as `250m` and `1.5Gi`, as exact numbers."""

from __future__ import annotations

from fractions import Fraction

_FACTORS = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15),
    "E": Fraction(10**18), "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30), "Ti": Fraction(2**40),
    "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip


def parse(quantity: str | int | float) -> Fraction:
    """The number a quantity stands for, in its base unit (cores, bytes). Raises ValueError when it is none."""
    text = str(quantity).strip()
    suffix = text.lstrip("+-0123456789.")
    if suffix[:1] in ("e", "E") and suffix not in _FACTORS:
        return Fraction(text)
    if suffix not in _FACTORS:
        raise ValueError(f"{quantity!r} is not a quantity")
    return Fraction(text.removesuffix(suffix) if suffix else text) * _FACTORS[suffix]


def write(value: Fraction, like: str) -> str:
    """A quantity in the unit of `like`, in milli-units when that is not whole: 1.5 like `2` is `1500m`."""
    suffix = like.lstrip("+-0123456789.")
    scaled = value / _FACTORS.get(suffix, Fraction(1))
    if scaled.denominator == 1:
        return f"{scaled.numerator}{suffix if suffix in _FACTORS else ''}"
    if value.denominator == 1:
        return str(value.numerator)
    return f"{-(-value * 1000 // 1)}m"
