"""Where to look is read from a person's words, in both languages."""

from __future__ import annotations

import pytest

from agents.cluster.words import kinds_in, mentions, namespace_in, window_in


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("what changed in the last hour", "1h"),
        ("over the past 2 days", "2d"),
        ("since about half an hour ago", "30m"),
        ("in the last five minutes", "5m"),
        ("过去一小时有什么变更", "1h"),
        ("大约半小时前开始", "30m"),
        ("最近 15 分钟", "15m"),
        ("两天前", "2d"),
        ("who touched it today", "24h"),
        ("昨天谁改过", "48h"),
        ("what is wrong", None),
    ],
)
def test_a_time_window_is_understood(text: str, window: str | None) -> None:
    assert window_in(text) == window


@pytest.mark.parametrize(
    ("text", "namespace"),
    [
        ("pods in namespace team-a are slow", "team-a"),
        ("the payments namespace is broken", "payments"),
        ("payments 命名空间里谁删了服务", "payments"),
        ("命名空间 team-a 有问题", "team-a"),
        ("kubectl -n team-a get pods", "team-a"),
        ("which applications used most CPU", None),
        ("is anything wrong in the namespace?", None),
    ],
)
def test_a_namespace_is_understood(text: str, namespace: str | None) -> None:
    assert namespace_in(text) == namespace


def test_kinds_are_understood_by_their_full_names_only() -> None:
    assert kinds_in("who deleted the service and two deployments?") == ["services", "deployments"]
    assert kinds_in("no, it is not his job to say so, ok?") == ["jobs"]
    assert kinds_in("被删除的服务") == ["services"]


def test_a_name_is_mentioned_as_a_word_of_its_own() -> None:
    assert mentions("why is api slow?", ["api"])
    assert not mentions("the api-gateway2 is slow", ["gateway2"])
    assert not mentions("therapist", ["api"])
