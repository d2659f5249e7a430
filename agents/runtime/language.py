"""Chinese or English: users are answered in the language they asked in."""

from __future__ import annotations

import re

from agents.runtime.findings import Language

_HAN = re.compile(r"[㐀-䶿一-鿿]")


def language_of(text: str) -> Language:
    """`zh` when the text holds any Han character, else `en`: names of workloads are Latin in both."""
    return "zh" if _HAN.search(text) else "en"
