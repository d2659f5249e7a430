"""When to ask before working: several clusters and none named, or a change without a target. Pure.

The planner knows no Kubernetes; `planner.clusters` learns the clusters' names from the members.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.runtime.findings import Language
from planner.request import Pause, Request
from planner.strategy.intent import names_in, wants_change, wants_repair, wish_of

_CLUSTER: dict[Language, str] = {
    "en": "Which cluster do you mean? There are {count}: {names}.",
    "zh": "你指的是哪个集群？共有 {count} 个：{names}。",
}
_TARGET: dict[Language, str] = {
    "en": (
        "Which object shall be changed, and in which namespace? "
        "Please give the whole order, for example: restart deployment web in namespace default"
    ),
    "zh": "要变更哪个对象，它在哪个命名空间？请说出完整的指令，例如：重启 default 命名空间的 web",
}


def clarification(request: Request, clusters: Sequence[str]) -> Pause | None:
    """What must be known before planning, or None when nothing is."""
    if len(clusters) > 1 and cluster_named(request, clusters) is None:
        question = _CLUSTER[request.language].format(count=len(clusters), names=", ".join(clusters))
        return Pause(kind="cluster", question=question, choices=tuple(clusters))
    if request.purpose == "incident":
        return None
    if wish_of(request.text) == "change" and not wants_repair(request.text) and not _names_target(request, clusters):
        return Pause(kind="target", question=_TARGET[request.language])
    return None


def cluster_named(request: Request, clusters: Sequence[str]) -> str | None:
    """The cluster that the request is about: the one it was made for, the only one, or the one that its words name."""
    if request.cluster_id:
        return request.cluster_id
    if len(clusters) == 1:
        return clusters[0]
    named = [name for name in clusters if _mentions(request.text, name)]
    longest = [name for name in named if not any(name != other and name in other for other in named)]
    return longest[0] if len(longest) == 1 else None


def apply_reply(request: Request, text: str) -> Request:
    """The request with what the person answered. An unclear choice of cluster is asked again by the next look."""
    pause, text = request.pause, text.strip()
    changed: dict[str, object] = {"pause": None, "status": "queued"}
    if pause is not None and pause.kind == "cluster":
        changed["cluster_id"] = chosen(text, pause.choices)
    elif pause is not None and pause.kind == "target":
        changed["replies"] = (text,) if wants_change(text) else (*request.replies, text)
        changed["restated"] = request.restated or wants_change(text)
    return request.model_copy(update=changed)


def chosen(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a reply names: itself, its number, or a sentence with exactly one of them in it."""
    for choice in choices:
        if text.casefold() == choice.casefold():
            return choice
    if text.isdecimal() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    named = [choice for choice in choices if _mentions(text, choice)]
    longest = [name for name in named if not any(name != other and name in other for other in named)]
    return longest[0] if len(longest) == 1 else None


def _names_target(request: Request, clusters: Sequence[str]) -> bool:
    if request.replies:
        return True
    known = {name.casefold() for name in clusters}
    return any(name.casefold() not in known for name in names_in(request.text))


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])", text, re.I) is not None
