"""What a person may write, in English and Chinese, and that nothing else is ever taken for a change."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.executor.requests import Question, Wanted, read_request

MEMORY = {"limits": {"memory": "512Mi"}}


@pytest.mark.parametrize(
    ("text", "kind", "name", "arguments", "namespace"),
    [
        ("scale checkout to 5", "scale_workload", "checkout", {"replicas": 5}, None),
        ("Please scale up deployment web in shop to 4 replicas.", "scale_workload", "web", {"replicas": 4}, "shop"),
        ("把 checkout 扩容到 5 个副本", "scale_workload", "checkout", {"replicas": 5}, None),
        ("把 checkout 的内存改回 512Mi", "set_resources", "checkout", MEMORY, None),
        ("请把 shop 命名空间的 checkout 内存限制调到 512Mi", "set_resources", "checkout", MEMORY, "shop"),
        ("set the memory limit of shop/checkout to 512Mi", "set_resources", "checkout", MEMORY, "shop"),
        ("raise checkout's cpu request to 500m", "set_resources", "checkout", {"requests": {"cpu": "500m"}}, None),
        ("restart payment in shop", "restart_rollout", "payment", {}, "shop"),
        ("重启 shop 命名空间的 payment", "restart_rollout", "payment", {}, "shop"),
        ("undo the last rollout of cart", "undo_rollout", "cart", {}, None),
        ("roll back cart to revision 3", "undo_rollout", "cart", {"to_revision": 3}, None),
        ("回滚 cart", "undo_rollout", "cart", {}, None),
        ("把 cart 的镜像改成 v1.2.3", "set_image", "cart", {"image": "v1.2.3"}, None),
        ("set the image of cart to team/cart:v2", "set_image", "cart", {"image": "team/cart:v2"}, None),
        ("set LOG_LEVEL=debug on mail", "set_env", "mail", {"env": {"LOG_LEVEL": "debug"}}, None),
        ("cordon node-2", "cordon_node", "node-2", {}, ""),
        ("drain node node-2", "drain_node", "node-2", {}, ""),
        ("恢复调度 node-2", "uncordon_node", "node-2", {}, ""),
        ("排空节点 node-2", "drain_node", "node-2", {}, ""),
        ("delete pod shop/cart-1", "delete_resource", "cart-1", {}, "shop"),
    ],
)
def test_a_plain_wish_becomes_one_change(
    text: str, kind: Any, name: str, arguments: dict[str, Any], namespace: str | None
) -> None:
    (wanted,) = read(text)
    assert (wanted.kind, wanted.name, wanted.arguments, wanted.namespace) == (kind, name, arguments, namespace)


def test_several_wishes_keep_their_order() -> None:
    assert [wanted.kind for wanted in read("cordon node-2; drain node-2 and then uncordon node-2")] == [
        "cordon_node",
        "drain_node",
        "uncordon_node",
    ]
    assert [wanted.kind for wanted in read("重启 cart，然后 重启 payment")] == ["restart_rollout"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "approved, go ahead",
        "fix it",
        "scale checkout",
        "scale checkout to five",
        "kubectl delete ns prod",
        "scale checkout to 5 && kubectl delete ns prod",
        "delete everything",
        "restart web $(id)",
        "删除所有东西",
        "",
    ],
)
def test_what_is_unclear_is_asked_about_and_never_guessed(text: str) -> None:
    answer = read_request(text, "en")
    assert isinstance(answer, Question) and "scale shop/checkout to 5" in answer.text


def test_one_unclear_sentence_stops_the_whole_request() -> None:
    assert isinstance(read_request("restart cart; and do the other thing", "en"), Question)


def test_the_question_comes_in_the_askers_language() -> None:
    answer = read_request("修一下", "zh")
    assert isinstance(answer, Question) and "请写明" in answer.text


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_request(text, "en")


def read(text: str) -> list[Wanted]:
    answer = read_request(text, "en")
    assert not isinstance(answer, Question), answer
    return answer
