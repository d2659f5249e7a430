"""An edge of the cause graph."""

from __future__ import annotations

from dataclasses import dataclass

from agents.diagnoser.observation import Observation


@dataclass(frozen=True)
class Edge:
    """`cause` explains `effect`. `path` names the objects in between, from cause to effect."""

    cause: Observation
    effect: Observation
    path: tuple[str, ...] = ()
