"""Proposed Actions with what the executor's dry run said of each. Pure.

The executor hands its dry runs over in `Finding.facts["prepared"]`: a list of objects with `kind`, `resource`,
`arguments`, and `diff`, `risk`, `inverse`, `warnings`, `lacking`, `digest`, or `error` when it could not be prepared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from agents.runtime.findings import Action, Finding, RootCause
from planner.merge import merged_actions

PREPARED = "prepared"


def proposals(findings: Iterable[Finding], causes: Iterable[RootCause]) -> list[dict[str, Any]]:
    """Every proposed Action as JSON; `dry_run` holds what is known beyond the proposal."""
    all_findings = list(findings)
    prepared = [item for finding in all_findings for item in _prepared(finding)]
    result: list[dict[str, Any]] = []
    for action in merged_actions(all_findings, causes):
        match = next((item for item in prepared if _same(item, action)), None)
        if match is not None:
            prepared.remove(match)
        result.append({**action.model_dump(mode="json"), **({"dry_run": match} if match is not None else {})})
    for item in prepared:
        if (action := action_of(item)) is not None:
            result.append({**action.model_dump(mode="json"), "dry_run": item})
    return result


def action_of(item: dict[str, Any]) -> Action | None:
    """The Action in an object that may say more about it; None when it is none."""
    try:
        return Action.model_validate(item)
    except ValidationError:
        return None


def _prepared(finding: Finding) -> list[dict[str, Any]]:
    items = finding.facts.get(PREPARED)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _same(item: dict[str, Any], action: Action) -> bool:
    """The dry run's arguments may be more complete than the proposal's, so they only must not contradict."""
    if item.get("kind") != action.kind or item.get("resource") != action.resource:
        return False
    arguments = item.get("arguments") or {}
    return all(arguments.get(name, value) == value for name, value in action.arguments.items())
