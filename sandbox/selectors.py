"""Label and field selectors, as strings in queries and as objects in specs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import bad_request
from sandbox.objects import Object, dig, labels_of

Predicate = Callable[[Object], bool]
Labels = dict[str, str]

_TERMS = re.compile(r"(?:[^,(]|\([^)]*\))+")
_SET = re.compile(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)")
_EQUALITY = re.compile(r"([^!=\s]+)\s*(==|=|!=)\s*(\S*)")
_EXISTENCE = re.compile(r"(!?)\s*([\w./-]+)")
_FIELD = re.compile(r"([^!=]+)(==|=|!=)(.*)")


def by_labels(expression: str | None) -> Predicate | None:
    """A predicate from `app=cart,tier in (web,api),!canary`; None when there is nothing to select by."""
    terms = [term for found in _TERMS.findall(expression or "") if (term := found.strip())]
    if not terms:
        return None
    tests = [_label_test(term) for term in terms]
    return lambda obj: all(test(labels_of(obj)) for test in tests)


def _label_test(term: str) -> Callable[[Labels], bool]:
    if match := _SET.fullmatch(term):
        name, operator = match[1], match[2]
        values = {value.strip() for value in match[3].split(",")}
        return lambda labels: (labels.get(name) in values) == (operator == "in")
    if match := _EQUALITY.fullmatch(term):
        name, operator, value = match.groups()
        return lambda labels: (labels.get(name) == value) == (operator != "!=")
    if match := _EXISTENCE.fullmatch(term):
        negated, name = match.groups()
        return lambda labels: (name in labels) != bool(negated)
    raise bad_request(f"unable to parse requirement: found {term!r}")


def by_fields(expression: str | None) -> Predicate | None:
    """A predicate from `spec.nodeName=node-1,status.phase!=Running`; any path that exists may be used."""
    if not expression:
        return None
    tests: list[tuple[str, bool, str]] = []
    for term in expression.split(","):
        match = _FIELD.fullmatch(term.strip())
        if match is None:
            raise bad_request(f"invalid field selector {expression!r}: {term!r} is not path=value")
        tests.append((match[1], match[2] != "!=", match[3]))
    return lambda obj: all((_field(obj, path) == value) == equal for path, equal, value in tests)


def _field(obj: Object, path: str) -> str:
    value: Any = dig(obj, path)
    if value is None and path.startswith("involvedObject."):
        value = dig(obj, "regarding." + path.removeprefix("involvedObject."))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def matches(selector: Object | None, labels: Labels) -> bool:
    """Whether a LabelSelector (matchLabels, matchExpressions) holds; an empty one selects everything, None nothing."""
    if selector is None:
        return False
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(holds(term, labels) for term in selector.get("matchExpressions") or [])


def holds(term: Object, labels: Labels) -> bool:
    """Whether one `{key, operator, values}` requirement holds; Gt and Lt compare integers, as node affinity does."""
    name, operator, values = term["key"], term["operator"], term.get("values") or []
    value = labels.get(name)
    if operator == "Exists":
        return name in labels
    if operator == "DoesNotExist":
        return name not in labels
    if operator in ("Gt", "Lt"):
        if value is None or not value.lstrip("-").isdigit():
            return False
        return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
    return (value in values) == (operator == "In")


def written(selector: Object | None) -> str:
    """A selector as `kubectl` prints it."""
    plain: Object = (selector or {}).get("matchLabels") or {}
    if selector and "matchLabels" not in selector and "matchExpressions" not in selector:
        plain = selector
    terms = [f"{name}={value}" for name, value in plain.items()]
    for term in (selector or {}).get("matchExpressions") or []:
        if term["operator"] in ("In", "NotIn"):
            terms.append(f"{term['key']} {term['operator'].lower()} ({','.join(term.get('values') or [])})")
        else:
            terms.append(term["key"] if term["operator"] == "Exists" else "!" + term["key"])
    return ",".join(terms)
