"""Typed access to parsed YAML, with errors that say where something is wrong."""

from __future__ import annotations

from typing import Any


class ScenarioError(ValueError):
    """A folder that cannot be served; the message reads `file: field: what is wrong`."""


class Reader:
    """Typed access to a parsed document that can say where something is wrong."""

    def __init__(self, place: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise ScenarioError(f"{place.removesuffix(':')}: must be a mapping, not {type(value).__name__}")
        self._place = place
        self._value: dict[str, Any] = value

    def error(self, name: str, what: str) -> ScenarioError:
        return ScenarioError(f"{self._path(name)}: {what}")

    def _path(self, name: str) -> str:
        return f"{self._place} {name}" if self._place.endswith(":") else f"{self._place}.{name}"

    def value(self, name: str, *default: Any) -> Any:
        if name not in self._value and not default:
            raise self.error(name, "missing")
        return self._value.get(name, *default)

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, f"must be text, not {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.value(name, None) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "must be a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.value(name)
        if not isinstance(value, dict):
            raise self.error(name, "must be a mapping")
        return value

    def child(self, name: str) -> Reader:
        return Reader(self._path(name), self.value(name))

    def children(self, name: str) -> list[Reader]:
        value = self.value(name, None) or []
        if not isinstance(value, list):
            raise self.error(name, "must be a list")
        return [Reader(f"{self._path(name)}[{i}]", item) for i, item in enumerate(value)]
