"""The small template language of the wording: `{fact}` and `[optional clause]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FACT = re.compile(r"\{(\w+)\}")
_CLAUSE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Text:
    """Templates in one language."""

    explanation: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wording:
    """What is said about one fault."""

    en: Text
    zh: Text


def render(template: str, facts: Mapping[str, Any]) -> str:
    """Fills in a template. A clause without all its facts disappears; a missing fact elsewhere reads as `?`.

    Brackets inside a fact's value are kept as they are.
    """
    kept = _CLAUSE.sub(lambda clause: clause[1] if _complete(clause[1], facts) else "", template)
    return _FACT.sub(lambda match: shown(facts.get(match[1])) or "?", kept).strip()


def _complete(clause: str, facts: Mapping[str, Any]) -> bool:
    return all(shown(facts.get(name)) for name in _FACT.findall(clause))


def shown(value: Any) -> str:
    """A fact as text: lists are joined, None and empty values read as nothing."""
    if value is None or value == [] or value == ():
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(member) for member in value)
    return " ".join(str(value).split())
