"""What stands in the arguments of a call: leaves, and objects of the API, also inside of text. Pure.

What cannot be read with certainty raises: a manifest that nobody can judge is not approved either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from agents.executor.action import ActionError

_SECRET_TEXT = re.compile(r"""(?i)\bkind["']?\s*:\s*["']?(secret|secrets|secretlist)\b""")
_NAMESPACE_KEY = re.compile(r"(?i)(.*[_-])?(namespaces?|ns)$|.*Namespaces?$")
_EVERYWHERE_KEY = re.compile(r"(?i)all[_-]?namespaces")
MAX_TEXT = 100_000
"""Characters of one argument."""
_SECRET_KINDS = ("secret", "secrets", "secretlist")


def names_secret(value: Any) -> bool:
    """Whether an argument, or a manifest in one, is about a Secret."""
    if isinstance(value, dict):
        return any(names_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(names_secret(item) for item in value)
    if not isinstance(value, str):
        return False
    if _SECRET_TEXT.search(value) or any(_is_secret_kind(word) for word in value.split(",")):
        return True
    return any(names_secret(document) for document in _documents(value) if isinstance(document, dict | list))


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with the key that it stands under, but not inside of manifests: their fields mean something else."""
    if isinstance(value, dict):
        if not _is_manifest(value):
            for name, item in value.items():
                yield from leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, value


def manifests_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the API in the arguments, also inside of text and of lists."""
    if isinstance(value, dict):
        if _is_manifest(value):
            items = value.get("items")
            yield from manifests_in(items) if isinstance(items, list) and "metadata" not in value else iter((value,))
        else:
            for item in value.values():
                yield from manifests_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from manifests_in(item)
    elif isinstance(value, str):
        yield from manifests_in([each for each in _documents(value) if isinstance(each, dict | list)])


def _is_manifest(value: dict[str, Any]) -> bool:
    return "kind" in value and "apiVersion" in value and ("metadata" in value or "items" in value)


def _is_secret_kind(word: str) -> bool:
    return any(part.partition(".")[0] in _SECRET_KINDS for part in word.strip().lower().split("/"))


def names_namespace(parameter: str) -> bool:
    """Whether a parameter of that name takes a namespace."""
    return _NAMESPACE_KEY.fullmatch(parameter) is not None


def namespaces_in(arguments: dict[str, Any]) -> Iterator[str]:
    """The namespaces that the arguments name. Raises ActionError when they mean all."""
    for key, value in leaves(arguments):
        if _EVERYWHERE_KEY.fullmatch(key):
            if value not in (False, None, "", "false"):
                raise ActionError("one change does not reach into all namespaces; name one")
        elif names_namespace(key) and value not in (None, ""):
            yield str(value)


def _documents(text: str) -> list[Any]:
    """The YAML or JSON documents in a text. Raises ActionError for a long text that cannot be judged.

    Anchors are refused: a few lines with them stand for more than anybody can look through.
    """
    if len(text) > MAX_TEXT:
        raise ActionError(f"an argument has {len(text)} characters; nobody can judge more than {MAX_TEXT}")
    plain = "\n" not in text and text.lstrip()[:1] not in ("{", "[")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise yaml.YAMLError("it has anchors")
        return list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError) as error:
        if plain and ":" not in text:
            return []
        raise ActionError(f"an argument cannot be read as plain YAML, so nobody can judge it: {error}") from error
