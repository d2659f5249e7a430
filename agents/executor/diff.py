"""What `kubectl diff` would show, with secrets masked."""

from __future__ import annotations

import difflib
import re
from typing import Any

import yaml

from agents.executor.action import Object
from agents.executor.state import clean

_SECRET_NAME = re.compile(
    r"(?i)passw|secret|token|api[-_]?key|private[-_]?key|credential|access[-_]?key|\bauth\b|\bdsn\b"
)
_CREDENTIALS_IN_URL = re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@")
_CREDENTIALS_IN_FLAG = re.compile(r"(?i)((?:^|\s)--?[\w-]*(?:passw|secret|token|api-?key)[\w-]*[= ])\S+")
_REFERENCES = frozenset(
    [
        "secret",
        "secrets",
        "secretName",
        "secretKeyRef",
        "secretRef",
        "imagePullSecrets",
        "automountServiceAccountToken",
        "serviceAccountToken",
    ]
)
"""Names that look secret and are not: they point at a Secret, and the pointer is often what is wrong."""
MAX_LINES = 400


def diff_of(before: Object | None, after: Object | None, name: str) -> str:
    """A unified diff of the YAML, three lines of context; empty when nothing changes."""
    old, new = _mask_pair(clean(before), clean(after))
    lines = list(
        difflib.unified_diff(_lines(old), _lines(new), fromfile=f"live/{name}", tofile=f"proposed/{name}", lineterm="")
    )
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"# ... {len(lines) - MAX_LINES} more lines"]
    return "\n".join(lines)


def masked(value: Any) -> Any:
    """A copy whose secret values read `***`."""
    return _mask_pair(value, value)[0]


def _lines(obj: Any) -> list[str]:
    return yaml.safe_dump(obj, sort_keys=True, allow_unicode=True, width=10_000).splitlines() if obj else []


def _mask_pair(old: Any, new: Any, secret: bool = False) -> tuple[Any, Any]:
    """Masks both sides together, so that a changed secret still shows as changed."""
    if isinstance(old, dict) or isinstance(new, dict):
        return _mask_dicts(old, new, secret)
    if isinstance(old, list) or isinstance(new, list):
        return _mask_lists(old, new, secret)
    if secret:
        same = old == new
        return _star(old, "" if same else " (before)"), _star(new, "" if same else " (after)")
    return _mask_text(old), _mask_text(new)


def _mask_dicts(old: Any, new: Any, secret: bool) -> tuple[Any, Any]:
    left, right = _as(dict, old), _as(dict, new)
    name = str(left.get("name", right.get("name", "")))
    out_left, out_right = {}, {}
    for key in {**left, **right}:
        hide = secret or _is_secret(key) or (key == "value" and _is_secret(name))
        one, two = _mask_pair(left.get(key), right.get(key), hide and key not in _REFERENCES)
        if key in left:
            out_left[key] = one
        if key in right:
            out_right[key] = two
    return (out_left if isinstance(old, dict) else old), (out_right if isinstance(new, dict) else new)


def _mask_lists(old: Any, new: Any, secret: bool) -> tuple[Any, Any]:
    left, right = _as(list, old), _as(list, new)
    by_name = {item["name"]: item for item in left if isinstance(item, dict) and "name" in item}
    counterpart = {item["name"]: item for item in right if isinstance(item, dict) and "name" in item}
    out_left = [_mask_pair(item, counterpart.get(_name(item), item), secret)[0] for item in left]
    out_right = [_mask_pair(by_name.get(_name(item), item), item, secret)[1] for item in right]
    return (out_left if isinstance(old, list) else old), (out_right if isinstance(new, list) else new)


def _as(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else kind()


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, dict) else None


def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def _star(value: Any, suffix: str) -> Any:
    return value if value in (None, "", True, False) else f"***{suffix}"


def _mask_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _CREDENTIALS_IN_FLAG.sub(r"\1***", _CREDENTIALS_IN_URL.sub(r"\1***@", value))
