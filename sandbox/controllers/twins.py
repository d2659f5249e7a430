"""Copying what a captured pod went through to a new one: with its own name, and in the present."""

from __future__ import annotations

from typing import Any

from sandbox import times
from sandbox.objects import Object, name_of, uid_of
from sandbox.times import Shift


def _times_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for item in value.values() for found in _times_in(item)]
    if isinstance(value, list):
        return [found for item in value for found in _times_in(item)]
    return [value] if isinstance(value, str) and times.is_iso(value) else []


def since_last(status: Object) -> Shift:
    """The shift that makes the latest time in a status the present."""
    found = [times.parse(item) for item in _times_in(status)]
    present = times.now()
    return Shift(max(found, default=present), present)


def retimed(value: Any, shift: Shift) -> Any:
    if isinstance(value, dict):
        return {name: retimed(item, shift) for name, item in value.items()}
    if isinstance(value, list):
        return [retimed(item, shift) for item in value]
    return shift.iso(value) if isinstance(value, str) and times.is_iso(value) else value


def renamed(value: Any, twin: Object, pod: Object) -> Any:
    """A copy in which the name and uid of the captured pod became those of the new one."""
    if isinstance(value, dict):
        return {name: renamed(item, twin, pod) for name, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, twin, pod) for item in value]
    if isinstance(value, str):
        return value.replace(uid_of(twin), uid_of(pod)).replace(name_of(twin), name_of(pod))
    return value
