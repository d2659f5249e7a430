"""What a person's words say about where to look: namespace, kind, time window. English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agents.cluster.kinds import CATALOGUE

_NAME = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = (
    re.compile(rf"(?<![\w-])(?:namespaces?|ns|-n)[ :=]+[\"'`]?({_NAME})", re.IGNORECASE),
    re.compile(rf"[\"'`]?({_NAME})[\"'`]?[ -]namespace\b", re.IGNORECASE),
    re.compile(rf"[\"'`]?({_NAME})[\"'`]?\s*(?:这个)?(?:命名空间|名字空间|名称空间)", re.IGNORECASE),
    re.compile(rf"(?:命名空间|名字空间|名称空间)[ :：是为]*[\"'`]?({_NAME})", re.IGNORECASE),
)
_NO_NAMESPACE = re.compile(r"the|an?|this|that|which|each|every|any|all|of|in|is|are|by|its|my|our|one|has|was")

_UNITS = {
    "second": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
    "秒": "s",
    "分钟": "m",
    "小时": "h",
    "钟头": "h",
    "天": "d",
    "日": "d",
    "周": "w",
    "星期": "w",
}
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "ten": 10,
    "half an": 0,
    "一": 1,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "十": 10,
    "半": 0,
    "几": 3,
}
_WINDOW = re.compile(
    r"(?:(?:last|past|previous|within|about|ago)\s+)?"
    r"(?:(\d+|half an|an?|one|two|three|four|five|six|ten|the)\s+|(?<=last )|(?<=past ))"
    r"(second|minute|min|hour|day|week)s?\b"
    r"|(\d+|[一两二三四五六十半几])\s*个?\s*(秒|分钟|小时|钟头|天|日|周|星期)",
    re.IGNORECASE,
)
_DAYS = re.compile(r"\b(?:today|this morning|tonight)\b|今天|今早|今晨|今日", re.IGNORECASE)
_YESTERDAY = re.compile(r"\byesterday\b|\bovernight\b|昨天|昨晚|昨日", re.IGNORECASE)

_KINDS_ZH = {
    "Service": ("服务",),
    "Deployment": ("部署",),
    "Node": ("节点",),
    "ConfigMap": ("配置",),
    "Secret": ("密钥", "凭据"),
    "Role": ("角色",),
    "NetworkPolicy": ("网络策略",),
    "PersistentVolumeClaim": ("存储卷",),
}


def namespace_in(text: str) -> str | None:
    """The namespace that a text names as one: `namespace web`, `the web namespace`, `web 命名空间`."""
    for pattern in _NAMESPACE:
        for match in pattern.finditer(text):
            if not _NO_NAMESPACE.fullmatch(name := match[1].lower()):
                return name
    return None


def window_in(text: str) -> str | None:
    """How far back a text looks, as `1h`, `30m`, `24h`, `7d`; None when it does not say."""
    if match := _WINDOW.search(text):
        count, unit = (match[1] or "", match[2].lower()) if match[2] else (match[3], match[4])
        number = int(count) if count.isdigit() else _NUMBERS.get(count.lower(), 1)
        short = _UNITS[unit]
        return f"{number}{short}" if number else {"h": "30m", "d": "12h", "m": "30s"}.get(short, f"1{short}")
    if _YESTERDAY.search(text):
        return "48h"
    return "24h" if _DAYS.search(text) else None


def kinds_in(text: str) -> list[str]:
    """The plurals of the kinds that a text mentions by full name: `service`, `deployments`, `服务`."""
    found = [plural for word in re.findall(r"[A-Za-z]{3,}", text) if (plural := _plural(word))]
    found += [CATALOGUE.get(kind).plural for kind, words in _KINDS_ZH.items() if any(word in text for word in words)]
    return list(dict.fromkeys(found))


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether one of the names stands in the text as a word of its own, or begins a hyphenated one."""
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in names if name)


def _plural(word: str) -> str | None:
    kind = CATALOGUE.find(word) or CATALOGUE.find(word.removesuffix("s"))
    # Short names are words, too: "no" and "events" say little about what is meant.
    if kind is None or word.lower() in kind.short or kind.name in ("Event", "Namespace"):
        return None
    return kind.plural
