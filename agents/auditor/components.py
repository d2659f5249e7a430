"""What the control plane logged, in the auditor's answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from agents.auditor.results import ControlPlaneEntry, ControlPlaneLogs
from agents.auditor.wording import say
from agents.cluster.times import iso
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Evidence, Language

MAX_EXCERPT = 400
_SEVERITY = {"fatal": 0, "error": 1, "warning": 2}


class Components:
    """What query_controlplane_logs found: errors before warnings before the rest, newest first."""

    def __init__(self, turn: Turn) -> None:
        self._language: Language = turn.subtask.language
        found = results_of(turn.results, "query_controlplane_logs", ControlPlaneLogs)
        self._asked_for = [
            str(result.arguments.get("component_name"))
            for result in turn.results
            if result.name == "query_controlplane_logs" and not result.error
        ]
        self.problems = [problem for one in found for problem in one.problems]
        entries = [entry for one in found for entry in one.entries]
        self.entries = sorted(entries, key=lambda entry: _SEVERITY.get(entry.level, 3))
        self._silent = [name for name, one in zip(self._asked_for, found, strict=False) if not _severe(one.entries)]

    def summary(self) -> Iterable[str]:
        """A sentence per component that was asked about."""
        for component in dict.fromkeys(entry.component for entry in self.entries):
            own = [entry for entry in self.entries if entry.component == component]
            if not (severe := _severe(own)):
                continue
            counts = {level: sum(entry.level == level for entry in own) for level in _SEVERITY}
            newest = max(severe, key=lambda entry: entry.timestamp or datetime.min.replace(tzinfo=UTC))
            yield say(
                "component",
                self._language,
                component=component,
                errors=counts["error"] + counts["fatal"],
                warnings=counts["warning"],
                time=_time(newest),
                message=newest.message,
            )
        yield from (say("component_calm", self._language, component=name) for name in self._silent)

    def lines(self, most: int) -> list[str]:
        """One line each; what is neither error nor warning only when there is nothing else."""
        shown = _severe(self.entries) or self.entries
        return [
            f"- {_time(entry)} `{entry.component}` {entry.level or '-'}"
            + (f" ({entry.count}x)" if entry.count > 1 else "")
            + f": {entry.message}"
            for entry in shown[:most]
        ]

    def evidence(self, most: int) -> Iterable[Evidence]:
        """One fact each."""
        for entry in (_severe(self.entries) or self.entries)[:most]:
            yield Evidence(
                source="control plane log",
                query=f"query_controlplane_logs component_name={entry.component} ({entry.source})",
                observed_at=entry.timestamp or datetime.now(UTC),
                excerpt=f"{entry.level or 'line'} ({entry.count}x): {entry.message}"[:MAX_EXCERPT],
            )


def _severe(entries: list[ControlPlaneEntry]) -> list[ControlPlaneEntry]:
    return [entry for entry in entries if entry.level in _SEVERITY]


def _time(entry: ControlPlaneEntry) -> str:
    return iso(entry.timestamp) if entry.timestamp else "-"
