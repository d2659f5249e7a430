"""Proposed Actions with what the executor prepared of each. Pure.

The executor hands them over in `Finding.facts["proposals"]`: each has the `action`, and title, diff, dry run, risk,
effects, warnings, rights that are lacking and the way back. `facts["question"]` is what it must know first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from agents.runtime.findings import Action, Finding, RootCause
from planner.merge import action_key, merged_actions

PROPOSALS = "proposals"
QUESTION = "question"


def proposals(findings: Iterable[Finding], causes: Iterable[RootCause]) -> list[dict[str, Any]]:
    """Every proposed Action as JSON, with its `proposal` where the executor has prepared one."""
    all_findings = list(findings)
    prepared = {action_key(action): item for finding in all_findings for action, item in _prepared(finding)}
    actions = merged_actions(all_findings, causes)
    return [_with_proposal(action, prepared.get(action_key(action))) for action in actions]


def _with_proposal(action: Action, item: dict[str, Any] | None) -> dict[str, Any]:
    data = action.model_dump(mode="json")
    return data if item is None else {**data, "proposal": {key: item[key] for key in item if key != "action"}}


def _prepared(finding: Finding) -> Iterator[tuple[Action, dict[str, Any]]]:
    """What is no proposal is left out: the answer then shows the Action without one."""
    items = finding.facts.get(PROPOSALS)
    for item in items if isinstance(items, list) else []:
        with suppress(ValidationError, TypeError, KeyError):
            yield Action.model_validate(item["action"]), item
