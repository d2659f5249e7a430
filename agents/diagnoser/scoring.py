"""How an answer is scored against a scenario's `expect`: detected, precision, recall, fault named, solved. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.diagnoser.fields import flag, items, parts_of, strings, text
from agents.runtime.findings import RootCause


@dataclass(frozen=True)
class Score:
    """One scenario in one language."""

    solved: bool
    detected: bool
    precision: float
    recall: float
    fault_named: bool
    complaints: list[str] = field(default_factory=list[str])
    """What is wrong with the answer, one line each."""


Owner = Callable[[str], str]
"""The workload that a Pod or ReplicaSet, written as a resource, stands for; other resources stand for themselves."""

_SUFFIXES = {"ReplicaSet": re.compile(r"-[a-z0-9]{6,10}$"), "Pod": re.compile(r"(?:-[a-z0-9]{6,10})?-[a-z0-9]{1,5}$")}


def score(expect: Any, causes: Sequence[RootCause], answer: str = "", owner: Owner | None = None) -> Score:
    """Scores root causes and the answer's text. `expect` is the scenario's mapping of that name."""
    expected = {text(e, "resource"): e for e in items(expect, "root_causes")}
    reported = {_stands_for(cause.resource, expected, owner): cause for cause in causes}
    right = [name for name in reported if name in expected]
    healthy = flag(expect, "healthy")
    detected = not reported if healthy else bool(reported)
    precision = len(right) / len(reported) if reported else float(healthy or not expected)
    recall = len(right) / len(expected) if expected else 1.0
    complaints = [f"blamed wrongly: {name} ({reported[name].fault})" for name in reported if name not in expected]
    complaints += [f"not found: {name} ({text(e, 'fault')})" for name, e in expected.items() if name not in reported]
    complaints += _misnamed(expected, reported)
    fault_named = not _misnamed(expected, reported) and len(right) == len(expected)
    blamed = set(strings(expect, "not_blamed")) & {*reported, *(c.resource for c in causes)}
    unsaid = [p for p in strings(expect, "answer_mentions") if not re.search(p, answer)]
    complaints += [f"the answer does not mention {p!r}" for p in unsaid]
    solved = detected and precision == recall == 1 and fault_named and not blamed and not unsaid
    return Score(solved, detected, precision, recall, fault_named, complaints)


def _misnamed(expected: dict[str, Any], reported: dict[str, RootCause]) -> list[str]:
    told: list[str] = []
    for name, cause in reported.items():
        wanted = expected.get(name)
        if wanted is None:
            continue
        if cause.fault != text(wanted, "fault"):
            told.append(f"{name}: named {cause.fault}, is {text(wanted, 'fault')}")
        told += [
            f"{name}: the explanation does not mention {pattern!r}"
            for pattern in strings(wanted, "mentions")
            if not re.search(pattern, cause.explanation)
        ]
    return told


def _stands_for(resource: str, expected: dict[str, Any], owner: Owner | None) -> str:
    """A workload's own Pods and ReplicaSets count as the workload; without an `owner` their names decide."""
    if resource in expected or owner is not None:
        return resource if owner is None or resource in expected else owner(resource)
    namespace, kind, name = parts_of(resource)
    stem = _SUFFIXES[kind].sub("", name) if kind in _SUFFIXES else name
    for known in expected:
        where, what, called = parts_of(known)
        if kind in _SUFFIXES and where == namespace and called == stem and what not in _SUFFIXES:
            return known
    return resource
