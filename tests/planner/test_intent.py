"""What is wanted, by words, in both languages; and who is asked for it."""

from __future__ import annotations

import pytest

from planner.request import new_request
from planner.strategy.intent import names_in, wish_of
from planner.strategy.runbook import plan_by_runbook
from planner.team import Profile, Team
from tests.planner.team import BUILT_IN, declared


@pytest.mark.parametrize(
    ("question", "wish"),
    [
        ("Why does the billing service keep restarting?", "diagnose"),
        ("I scaled the api to 6 replicas an hour ago and there are still 4. What holds it back?", "diagnose"),
        ("Orders fail since the release, was it somebody's deployment?", "diagnose"),
        ("Set-up of the new cache hangs", "diagnose"),
        ("Scale web to 5 replicas", "change"),
        ("Could you please restart deployment api in namespace prod?", "change"),
        ("Restart count of api is high", "diagnose"),
        ("Fix the checkout, please", "repair"),
        ("Find out why billing is down and fix it", "repair"),
        ("How much memory does the api use?", "metrics"),
        ("Which pods are the top consumers of CPU?", "metrics"),
        ("Who deleted the config of billing yesterday?", "audit"),
        ("Show the logs of pod api-1", "audit"),
        ("List all deployments in namespace prod", "inventory"),
        ("Is the cluster healthy?", "health"),
        ("Are the nodes healthy?", "nodes"),
        ("为什么 billing 一直重启？", "diagnose"),
        ("把 api 扩到 6 个副本，只有四个在跑，是节点不够大吗？", "diagnose"),
        ("billing 挂了，报卷的错误，能不能把 PVC 删掉重建？", "diagnose"),
        ("能不能把 api 扩到 6 个副本？", "change"),
        ("billing 挂了，请把 billing 重启", "change"),
        ("我把 api 扩到 6 个副本，半小时了还是只有 4 个，被什么卡住了？", "diagnose"),
        ("是谁发版搞坏了 billing 吗？服务一直崩溃", "diagnose"),
        ("把 web 扩容到 5 个副本", "change"),
        ("请重启 prod 命名空间的 api", "change"),
        ("回滚 api 的最近一次发布", "change"),
        ("请修复 checkout", "repair"),
        ("现在什么坏了？修好它。", "repair"),
        ("集群里有什么坏了，帮我修好", "repair"),
        ("修复后还是不行，为什么？", "diagnose"),
        ("被删除的那个 service 用的是什么端口？", "audit"),
        ("Which port did the deleted service have?", "audit"),
        ("api 用了多少内存？", "metrics"),
        ("昨天是谁删除了 billing 的配置？", "audit"),
        ("prod 命名空间有哪些 Deployment？", "inventory"),
        ("集群健康吗？", "health"),
    ],
)
def test_the_words_say_what_is_wanted(question: str, wish: str) -> None:
    assert wish_of(question) == wish


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("scale it to 5 replicas", []),
        ("Please restart the deployment", []),
        ("scale web to 5", ["web"]),
        ("把 prod/Deployment/api 扩到 5 个副本", ["prod/Deployment/api"]),
        ("把内存改成 512Mi", []),
    ],
)
def test_a_target_is_a_word_that_is_neither_grammar_nor_a_kind_nor_a_quantity(text: str, names: list[str]) -> None:
    assert names_in(text) == names


def team(*extra: Profile) -> Team:
    return {
        **{name: Profile(name=name, built_in=True) for name in BUILT_IN},
        **{member.name: member for member in extra},
    }


def specialists(question: str, *extra: Profile) -> set[str]:
    return {subtask.specialist for subtask in plan_by_runbook(new_request(question), team(*extra)).subtasks}


def test_trouble_is_looked_at_from_three_sides_at_once() -> None:
    plan = plan_by_runbook(new_request("Why is billing down?"), team())
    assert {s.specialist for s in plan.subtasks} == {"diagnoser", "auditor", "metrics"}
    assert plan.ready() == list(plan.subtasks)


def test_a_request_for_one_specialist_is_one_subtask_in_the_persons_own_words() -> None:
    plan = plan_by_runbook(new_request("How much memory does api use?"), team())
    assert [(s.specialist, s.instruction) for s in plan.subtasks] == [("metrics", "How much memory does api use?")]


def test_the_plan_speaks_the_askers_language() -> None:
    plan = plan_by_runbook(new_request("billing 为什么挂了？"), team())
    assert "根因" in plan.subtasks[0].title and "billing 为什么挂了？" in plan.subtasks[0].instruction


def test_a_declared_member_is_used_when_its_card_speaks_of_what_is_asked() -> None:
    mesh = declared("mesh", "istio", "sidecar", description="Looks after the service mesh")
    assert specialists("Why do requests through the istio gateway fail?", mesh) == {
        "diagnoser",
        "auditor",
        "metrics",
        "mesh",
    }
    assert "mesh" not in specialists("Why is billing down?", mesh)


def test_a_question_that_only_a_declared_member_knows_goes_to_it_alone() -> None:
    handbook = declared("handbook", "on-call", "rota", "值班")
    assert specialists("Tell me the on-call rota", handbook) == {"handbook"}
    assert specialists("今天值班的人", handbook) == {"handbook"}


def test_a_member_that_is_addressed_gets_the_question_alone() -> None:
    assert specialists("@auditor why is billing down?") == {"auditor"}
    assert specialists("ask the metrics analyst why billing is slow") == {"metrics"}


def test_a_disabled_specialist_is_not_planned_for() -> None:
    smaller = {name: profile for name, profile in team().items() if name != "metrics"}
    assert {s.specialist for s in plan_by_runbook(new_request("Why is billing down?"), smaller).subtasks} == {
        "diagnoser",
        "auditor",
    }


def test_repairing_what_is_not_right_is_a_repair_in_both_languages() -> None:
    assert wish_of("Are the nodes all right? Repair what is not.") == "repair"
    assert wish_of("节点都正常吗？不正常的修复一下。") == "repair"
    assert wish_of("昨天的修复没有效果，为什么？") == "diagnose"
