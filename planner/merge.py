"""One list of root causes out of several Findings: the same object with the same fault is the same cause. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from agents.runtime.findings import Action, Change, Evidence, Finding, RootCause

_Item = TypeVar("_Item")


def merged_causes(findings: Iterable[Finding]) -> list[RootCause]:
    """Root causes without repeats, the surest first; changes that others can prove are added to them."""
    all_findings = list(findings)
    causes: dict[tuple[str, str], RootCause] = {}
    for cause in (cause for finding in all_findings for cause in finding.root_causes):
        key = (cause.resource, cause.fault)
        causes[key] = _merge(causes[key], cause) if key in causes else cause
    changes = [change for finding in all_findings for change in changes_in(finding)]
    ordered = sorted(causes.values(), key=lambda cause: -cause.confidence)
    return [_with_changes(cause, changes) for cause in ordered]


def changes_in(finding: Finding) -> list[Change]:
    """The changes that a finding lists as facts (`facts["changes"]`); what is none is left out."""
    return [change for item in _list(finding.facts.get("changes")) if (change := _change(item)) is not None]


def merged_actions(findings: Iterable[Finding], causes: Iterable[RootCause]) -> list[Action]:
    """Every proposed Action once: the root causes' remedies, then what specialists propose beyond them."""
    remedies = [action for cause in causes for action in cause.remedies]
    further = [action for finding in findings for action in finding.actions]
    return _unique([*remedies, *further], key=action_key)


def action_key(action: Action) -> tuple[str, str, str]:
    """The same change to the same object, however it is reasoned."""
    return action.kind, action.resource, repr(sorted(action.arguments.items(), key=lambda item: item[0]))


def unique_text(lines: Iterable[str]) -> list[str]:
    """Lines without repeats, in order."""
    return list(dict.fromkeys(line for line in lines if line.strip()))


def _merge(first: RootCause, second: RootCause) -> RootCause:
    better, other = (second, first) if second.confidence > first.confidence else (first, second)
    began = [cause.since for cause in (better, other) if cause.since is not None]
    return better.model_copy(
        update={
            "since": min(began) if began else None,
            "changes": merged_changes([*better.changes, *other.changes]),
            "chain": max((better.chain, other.chain), key=len),
            "evidence": unique_evidence([*better.evidence, *other.evidence]),
            "remedies": _unique([*better.remedies, *other.remedies], key=action_key),
            "advice": unique_text([*better.advice, *other.advice]),
        }
    )


def unique_evidence(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Each observation once."""
    return _unique(evidence, key=lambda item: (item.source, item.excerpt))


def merged_changes(changes: Iterable[Change]) -> list[Change]:
    """Each altered field once; who and when come from whoever knows."""
    merged: dict[tuple[str, str, str | None], Change] = {}
    for change in changes:
        key = (change.resource, _short_field(change.field), change.after)
        known = merged.get(key)
        merged[key] = change if known is None else _fill(known, change)
    return list(merged.values())


def _short_field(field: str) -> str:
    """`containers[app].image`, whether or not it is told with its way through the Pod template."""
    return field.removeprefix("spec.template.spec.").removeprefix("spec.template.")


def _fill(known: Change, other: Change) -> Change:
    gaps = {name: getattr(other, name) for name in ("before", "at", "by") if getattr(known, name) is None}
    sources = unique_text([known.source, other.source])
    return known.model_copy(update={**gaps, "source": ", ".join(sources)})


def _with_changes(cause: RootCause, changes: list[Change]) -> RootCause:
    own = [change for change in changes if change.resource == cause.resource]
    return cause.model_copy(update={"changes": merged_changes([*cause.changes, *own])}) if own else cause


def _change(item: Any) -> Change | None:
    try:
        return Change.model_validate(item)
    except ValidationError:
        return None


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _unique(items: Iterable[_Item], key: Callable[[_Item], Any]) -> list[_Item]:
    first: dict[Any, _Item] = {}
    for item in items:
        first.setdefault(key(item), item)
    return list(first.values())
