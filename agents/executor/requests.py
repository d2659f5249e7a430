"""Turns what a person writes into Actions: "scale checkout to 5", "把 checkout 的内存改回 512Mi". Pure.

It understands a few plain sentences and no more. What it does not understand it asks about: it never guesses a target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from agents.cluster.kinds import CATALOGUE
from agents.executor.sentences import SENTENCES, Build
from agents.runtime.findings import Action, ActionKind, Language


@dataclass(frozen=True)
class Wanted:
    """A change as asked for: the target may lack kind and namespace, which only the cluster can tell."""

    kind: ActionKind
    name: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    object_kind: str | None = None
    namespace: str | None = None

    def action(self, namespace: str, object_kind: str) -> Action:
        """The Action on the object that was found."""
        place = f"{namespace}/" if namespace else ""
        return Action(kind=self.kind, resource=f"{place}{object_kind}/{self.name}", arguments=self.arguments)


@dataclass(frozen=True)
class Question:
    """What has to be known before anything can be proposed."""

    text: str


_NODES = ("cordon_node", "uncordon_node", "drain_node")
_PLACE = re.compile(
    r"\s*(?:\b(?:in|from)\s+(?:the\s+)?(?:namespace\s+)?(?P<a>[a-z0-9][a-z0-9-]*)(?:\s+namespace)?\s*(?=$|to\s)"
    r"|(?:在|从)?\s*(?P<b>[a-z0-9][a-z0-9-]*)\s*(?:命名空间|名字空间)(?:中|里|下|内)?的?\s*)"
)
_POLITE = re.compile(
    r"^(?:please |can you |could you |i want to |请帮我|麻烦|请|帮我|帮忙)\s*|(?:[.!?。！？]|\s+please|吧)+$", re.I
)
_SPLIT = re.compile(r"\s*(?:;|；|\n|,? and then |，?然后|，?再)\s*", re.I)


def read_request(text: str, language: Language) -> list[Wanted] | Question:
    """The changes that the text asks for, in its order, or the question that has to be answered first."""
    wanted: list[Wanted] = []
    for sentence in filter(None, (part.strip() for part in _SPLIT.split(text))):
        found = _read_sentence(sentence)
        if found is None:
            return Question(_unclear(sentence, language))
        wanted.append(found)
    return wanted or Question(_unclear(text, language))


def _read_sentence(sentence: str) -> Wanted | None:
    plain = _POLITE.sub("", _POLITE.sub("", sentence)).strip()
    if wanted := _match(plain, None):
        return wanted
    if place := _PLACE.search(plain):
        rest = f"{plain[: place.start()].rstrip()} {plain[place.end() :].lstrip()}".strip()
        return _match(rest, place["a"] or place["b"])
    return None


def _match(plain: str, namespace: str | None) -> Wanted | None:
    for kind, pattern, build in SENTENCES:
        if match := re.fullmatch(pattern, plain, re.I):
            found = {key: value for key, value in match.groupdict().items() if value}
            return _wanted(kind, found, build, namespace)
    return None


def _wanted(kind: ActionKind, found: dict[str, str], build: Build, namespace: str | None) -> Wanted | None:
    parts = found["name"].split("/")
    if len(parts) > 3:
        return None
    object_kind = found.get("kind") or found.get("kind_after") or (parts[-2] if len(parts) == 3 else None)
    if kind in _NODES:
        return Wanted(kind, parts[-1], build(found), "Node", "")
    known = CATALOGUE.find(object_kind) if object_kind else None
    if object_kind and known is None:
        return None
    place = parts[0] if len(parts) > 1 else namespace
    if known is not None and not known.namespaced:
        place = ""
    return Wanted(kind, parts[-1], build(found), known.name if known else None, place)


def _unclear(sentence: str, language: Language) -> str:
    if language == "zh":
        return (
            f"没有理解要做的变更：“{sentence}”。请写明对象和目标值，例如：把 shop/checkout 扩容到 5；"
            "把 shop/checkout 的内存限制改为 512Mi；回滚 shop/checkout；排空节点 node-2。"
        )
    return (
        f'It is not clear what to change: "{sentence}". Name the object and the value, for example: '
        "scale shop/checkout to 5; set the memory limit of shop/checkout to 512Mi; undo the last rollout of "
        "shop/checkout; drain node-2."
    )
