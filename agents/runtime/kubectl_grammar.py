"""Reads a kubectl command line and accepts it only when it can do nothing but read.

Servers that take a command line have been seen to test its first word and hand the rest to a shell. So nothing of what
a model wrote is passed on: the line is parsed into verb, objects and flags, each against an allow-list, and written
anew with every flag in its long form and every word quoted. What the lists do not name is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass


class KubectlRefused(ValueError):
    """The command is not known to be read-only; the text says what was refused, and what is possible."""


@dataclass(frozen=True)
class KubectlCommand:
    """An accepted command. `str()` writes it for a shell, without the leading `kubectl`."""

    verb: tuple[str, ...]
    objects: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]

    @property
    def argv(self) -> list[str]:
        """The command's words, flags as `--name=value`."""
        return [*self.verb, *self.objects, *(f"--{name}={value}" for name, value in self.flags)]

    def __str__(self) -> str:
        return shlex.join(self.argv)


Check = Callable[[str], bool]


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


_NAME = _matches(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_NAMES = _matches(r"[A-Za-z0-9][A-Za-z0-9._/,-]*")
_NUMBER = _matches(r"-?[0-9]{1,9}")
_DURATION = _matches(r"([0-9]{1,6}(ms|s|m|h))+|0")
_TIME = _matches(r"[0-9TZ:+.-]{10,35}")
_SELECTOR = _matches(r"[A-Za-z0-9._/=!,() -]+")
_EXPRESSION = _matches(r"[A-Za-z0-9._/=!,()\[\]{}@'\"?*:~ -]+")
_TRUTH = _matches(r"true|false")
_FALSE = _matches(r"false")


def _output(value: str) -> bool:
    """Formats that read no file and run no template. `go-template` can loop, and the `-file` forms read files."""
    form, _, expression = value.partition("=")
    if form in ("jsonpath", "jsonpath-as-json", "custom-columns"):
        return _EXPRESSION(expression)
    return value in ("wide", "name", "json", "yaml", "")


_VALUES: dict[str, Check] = {
    "namespace": _NAME,
    "selector": _SELECTOR,
    "field-selector": _SELECTOR,
    "output": _output,
    "label-columns": _NAMES,
    "sort-by": _EXPRESSION,
    "chunk-size": _NUMBER,
    "container": _NAME,
    "tail": _NUMBER,
    "since": _DURATION,
    "since-time": _TIME,
    "limit-bytes": _NUMBER,
    "max-log-requests": _NUMBER,
    "revision": _NUMBER,
    "timeout": _DURATION,
    "request-timeout": _DURATION,
    "types": _matches(r"Normal|Warning|Normal,Warning|Warning,Normal"),
    "for": _NAMES,
    "api-group": _NAME,
    "api-version": _NAMES,
    "verbs": _NAMES,
    "subresource": _matches(r"status|scale"),
}
"""Flags that take a value, and what it may be."""

_SWITCHES = (
    *("all-namespaces", "show-labels", "show-kind", "no-headers", "ignore-not-found", "previous", "timestamps"),
    *("prefix", "all-containers", "containers", "recursive", "show-events", "namespaced", "list", "client", "cached"),
    *("show-managed-fields", "sum", "no-wrap", "ignore-errors", "watch", "quiet"),
)
"""Flags that are on or off."""

_SHORT = {"n": "namespace", "l": "selector", "o": "output", "L": "label-columns", "c": "container"} | {
    "A": "all-namespaces",
    "p": "previous",
    "q": "quiet",
}
"""Short forms. `-f` means a file for one verb and endless output for another, so it is not here."""

_LISTING = ("namespace", "all-namespaces", "selector", "field-selector", "request-timeout")
_VERBS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("get",): (
        *_LISTING,
        *("output", "label-columns", "sort-by", "chunk-size", "show-labels", "show-kind", "no-headers"),
        *("ignore-not-found", "show-managed-fields", "subresource", "watch"),
    ),
    ("describe",): (*_LISTING, "show-events", "chunk-size"),
    ("logs",): (
        *("namespace", "selector", "container", "all-containers", "previous", "tail", "since", "since-time"),
        *("limit-bytes", "timestamps", "prefix", "max-log-requests", "ignore-errors", "request-timeout"),
    ),
    ("events",): ("namespace", "all-namespaces", "types", "for", "output", "no-headers", "chunk-size"),
    ("top", "pods"): (*_LISTING, "containers", "sort-by", "no-headers", "sum"),
    ("top", "nodes"): ("selector", "sort-by", "no-headers", "request-timeout"),
    ("rollout", "status"): ("namespace", "revision", "timeout", "watch"),
    ("rollout", "history"): ("namespace", "revision", "output"),
    ("auth", "can-i"): ("namespace", "all-namespaces", "list", "no-headers", "quiet", "subresource"),
    ("explain",): ("recursive", "api-version"),
    ("api-resources",): ("api-group", "namespaced", "verbs", "output", "no-headers", "sort-by", "cached"),
    ("api-versions",): (),
    ("version",): ("client", "output"),
    ("cluster-info",): (),
    ("config", "current-context"): (),
    ("config", "get-contexts"): ("no-headers",),
}
"""What may be asked, and with which flags."""

_ALIASES = {"pod": "pods", "po": "pods", "node": "nodes", "no": "nodes"}
_OBJECT = _matches(r"[A-Za-z0-9][A-Za-z0-9._/,:-]*")
_FORBIDDEN = re.compile(r"[^\x20-\x7e]|[`$;&|<>\\#]")
_SECRETS = ("secret", "secrets")


def parse_kubectl(line: str) -> KubectlCommand:
    """The command that a line asks for.

    Raises KubectlRefused unless verb, flags and values are all on the allow-lists and no Secret is named.
    """
    forbidden = _FORBIDDEN.search(line)
    if forbidden:
        raise KubectlRefused(f"the character {forbidden.group()!r} has no place in a kubectl command here")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise KubectlRefused(f"the command line cannot be read: {error}") from error
    if words[:1] == ["kubectl"]:
        words = words[1:]
    bare, flags = _sort(words)
    verb = _verb(bare)
    objects = tuple(bare[len(verb) :])
    for name, _ in flags:
        if name not in _VERBS[verb]:
            raise KubectlRefused(f"--{name} is not allowed with kubectl {' '.join(verb)} here")
    for item in objects:
        if not _OBJECT(item):
            raise KubectlRefused(f"{item!r} is neither a kind nor a name")
    if verb != ("auth", "can-i") and _names_secret(objects):
        raise KubectlRefused("Secrets are not read here")
    return KubectlCommand(verb, objects, tuple(flags))


def _verb(bare: list[str]) -> tuple[str, ...]:
    """The verb, with its second word where it has one; leading flags were taken out before."""
    first = bare[0] if bare else ""
    pair = (first, _ALIASES.get(bare[1], bare[1])) if len(bare) > 1 else (first, "")
    verb: tuple[str, ...] = pair if pair in _VERBS else (first,)
    if verb not in _VERBS:
        known = ", ".join(" ".join(known) for known in _VERBS)
        raise KubectlRefused(f"kubectl {' '.join(bare[:2])!r} is not known to be read-only; possible: {known}")
    if verb == ("cluster-info",) and len(bare) > 1:
        raise KubectlRefused("kubectl cluster-info takes no further words here")
    return verb


def _names_secret(objects: tuple[str, ...]) -> bool:
    """Kinds come first, or as `kind/name`; several are joined by commas, a group may follow after a dot."""
    kinds = [item for index, item in enumerate(objects) if index == 0 or "/" in item]
    single = (kind for item in kinds for kind in item.split(","))
    return any(part.partition(".")[0].lower() in _SECRETS for kind in single for part in kind.split("/")[:1])


def _sort(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Bare words and flags with their values, the way kubectl's own flag parser tells them apart."""
    bare: list[str] = []
    flags: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            bare.append(word)
        elif word.startswith("--"):
            flags.append(_long(word, rest))
        else:
            flags.extend(_short(word, rest))
    return bare, flags


def _long(word: str, rest: Iterator[str]) -> tuple[str, str]:
    name, equals, value = word[2:].partition("=")
    if name in _SWITCHES:
        return _checked(name, value if equals else "true")
    if name not in _VALUES:
        raise KubectlRefused(f"--{name} is not allowed here")
    return _checked(name, value if equals else next(rest, ""))


def _short(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """`-A`, `-n x`, `-nx`, `-n=x`, and several in one word such as `-Ao wide`."""
    letters = word[1:]
    if not letters:
        raise KubectlRefused("a lone '-' means standard input, which is not allowed here")
    while letters:
        name, letters = _SHORT.get(letters[0]), letters[1:]
        if name is None:
            raise KubectlRefused(f"the flag in {word!r} is not allowed here")
        if name in _SWITCHES:
            if letters.startswith("="):
                raise KubectlRefused(f"write --{name}={letters[1:]} instead of {word!r}")
            yield _checked(name, "true")
            continue
        yield _checked(name, letters.removeprefix("=") if letters else next(rest, ""))
        return


def _checked(name: str, value: str) -> tuple[str, str]:
    # Watching never ends by itself; only its absence can be asked for.
    check = _FALSE if name == "watch" else _VALUES.get(name, _TRUTH)
    if not check(value):
        raise KubectlRefused(f"--{name} cannot be {value!r} here")
    return name, value
