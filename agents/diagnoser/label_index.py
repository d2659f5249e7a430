"""Objects by label, so that a selector costs what it selects and not the whole namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from agents.diagnoser.fields import Obj, matches, namespace_of


class LabelIndex:
    """Objects of one sort by namespace and single label. Built from pairs of an object and its labels."""

    def __init__(self, labelled: Iterable[tuple[Obj, dict[str, str]]]) -> None:
        self._found: dict[tuple[str, str, str], list[tuple[Obj, dict[str, str]]]] = defaultdict(list)
        for obj, having in labelled:
            for key, value in having.items():
                self._found[namespace_of(obj), key, value].append((obj, having))

    def select(self, namespace: str, selector: dict[str, str]) -> list[Obj]:
        """Objects of a namespace that satisfy a plain selector; an empty one selects nothing."""
        if not selector:
            return []
        rarest = min((self._found.get((namespace, k, v), []) for k, v in selector.items()), key=len)
        return [obj for obj, having in rarest if matches(selector, having)]
