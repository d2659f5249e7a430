"""What an answer says, and what it never claims."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from agents.runtime.findings import Action, ActionKind, Finding, Language
from planner.answer import Answer
from planner.plan import Plan, Subtask
from planner.request import Request, new_request
from planner.synthesis import appendix, first_sentence, synthesise
from planner.wording import action_phrase
from tests.planner.team import NOW, evidence, out_of_memory

LATER = NOW + timedelta(minutes=30)


def part(id: str, specialist: str, status: str = "done", note: str = "") -> Subtask:
    return Subtask.model_validate(
        {"id": id, "specialist": specialist, "title": id, "instruction": "look", "status": status, "note": note}
    )


def plan(*subtasks: Subtask, intent: str = "diagnose") -> Plan:
    return Plan.model_validate(
        {"id": "p", "request_id": "r", "goal": "g", "intent": intent, "subtasks": [s.model_dump() for s in subtasks]}
    )


def answer(
    found: dict[str, Finding], *subtasks: Subtask, question: str = "Why is web down?", intent: str = "diagnose"
) -> Answer:
    return synthesise(new_request(question), plan(*subtasks, intent=intent), found, LATER)


DIAGNOSED = {"diagnose": Finding(specialist="diagnoser", root_causes=[out_of_memory()], text="long prose")}


def test_the_summary_comes_first_and_every_claim_cites_its_evidence() -> None:
    text = answer(DIAGNOSED, part("diagnose", "diagnoser")).text
    assert text.splitlines()[0].startswith("**Root cause: `front/Deployment/web`** (oom_killed).")
    assert "64Mi. It needs 300Mi. [1]" in text
    assert "1. pod status, 2026-11-20 10:00:00 UTC: `Last State: Terminated, Reason: OOMKilled`" in text
    assert "Since 2026-11-20 10:00:00 UTC (30 min ago)." in text
    assert "512Mi → 64Mi" in text and "What to do now" in text and "What to do in the long run" in text
    assert "limits.memory=512Mi" in text and "Alert on memory" in text
    assert "limit 64Mi → OOMKilled → no endpoints" in text


def test_a_chinese_question_gets_a_chinese_answer() -> None:
    text = answer(DIAGNOSED, part("diagnose", "diagnoser"), question="web 为什么挂了？").text
    assert text.startswith("**根因：`front/Deployment/web`**")
    for heading in ("## 改动了什么", "## 现在该做什么", "## 长期该做什么", "## 证据"):
        assert heading in text


def test_the_dry_runs_diff_stands_below_its_action() -> None:
    proposal = {
        "action": out_of_memory().remedies[0].model_dump(mode="json"),
        "proposal": "p-1",
        "digest": "0f3c",
        "diff": "-  memory: 64Mi\n+  memory: 512Mi\n",
        "risk": {"level": "low", "reasons": ["one pod restarts"]},
        "way_back": "set the limit back to 64Mi",
    }
    found = {**DIAGNOSED, "prepare": Finding(specialist="executor", facts={"proposals": [proposal, "nonsense"]})}
    result = answer(found, part("diagnose", "diagnoser"), part("prepare", "executor"))
    assert "```diff\n  -  memory: 64Mi\n  +  memory: 512Mi\n  ```" in result.text
    assert "Risk: low (one pod restarts)" in result.text and "needs your approval" in result.text
    assert len(result.actions) == 1 and result.actions[0]["proposal"]["proposal"] == "p-1"


def test_a_healthy_cluster_is_called_that_plainly() -> None:
    text = answer(
        {"diagnose": Finding(specialist="diagnoser", text="12 pods run.")}, part("diagnose", "diagnoser")
    ).text
    assert text.startswith("**No fault was found.**") and "12 pods run." in text


def test_health_is_not_claimed_when_the_diagnoser_did_not_answer() -> None:
    found = {"audit": Finding(specialist="auditor", text="Nothing was changed.")}
    result = answer(found, part("diagnose", "diagnoser", "failed", "no connection"), part("audit", "auditor"))
    assert "No fault" not in result.text
    assert "could not be established" in result.text and "no connection" in result.text
    assert result.missing == ["diagnoser (diagnose): no connection"]


def test_what_could_not_be_seen_is_said_and_limits_the_claim_of_health() -> None:
    found = {"diagnose": Finding(specialist="diagnoser", missing=["pods in kube-system: forbidden"])}
    text = answer(found, part("diagnose", "diagnoser")).text
    assert "not everything could be seen" in text and "- pods in kube-system: forbidden" in text


def test_facts_that_were_asked_for_are_the_specialists_own_words() -> None:
    found = {
        "measure": Finding(
            specialist="metrics", text="api uses **210Mi**.", evidence=[evidence("210Mi", "metrics.k8s.io")]
        )
    }
    text = answer(found, part("measure", "metrics"), question="How much memory does api use?", intent="facts").text
    assert text.startswith("api uses **210Mi**. [1]") and "fault" not in text and "1. metrics.k8s.io" in text


def test_a_member_of_anybody_is_heard_beside_the_root_cause() -> None:
    found = {**DIAGNOSED, "mesh": Finding(specialist="mesh", text="# Mesh\nThe sidecar is fine.")}
    text = answer(found, part("diagnose", "diagnoser"), part("mesh", "mesh")).text
    assert "### What mesh says" in text and "The sidecar is fine." in text and "\n# Mesh" not in text


def test_a_specialists_page_fits_below_ours_and_is_cited_after_its_table() -> None:
    table = "## Usage\n| pod | memory |\n| --- | --- |\n| api | 1 |"
    found = {"measure": Finding(specialist="metrics", text=table, evidence=[evidence("api 1", "metrics.k8s.io")])}
    text = answer(found, part("measure", "metrics"), intent="facts").text
    assert text.startswith("## Usage\n") and "| api | 1 |\n\n [1]" in text
    beside = answer({**found, **DIAGNOSED}, part("measure", "mesh"), part("diagnose", "diagnoser")).text
    assert "### What mesh says\n\n#### Usage" in beside


def test_observations_of_others_about_the_culprit_are_shown_with_their_evidence() -> None:
    elsewhere = evidence("other 1Mi", "metrics.k8s.io").model_copy(update={"query": "kubectl top pod other"})
    measured = Finding(specialist="metrics", evidence=[evidence("web 63Mi", "metrics.k8s.io"), elsewhere])
    found = {**DIAGNOSED, "measure": measured}
    text = answer(found, part("diagnose", "diagnoser"), part("measure", "metrics")).text
    assert "- web 63Mi [2]" in text and "other 1Mi" not in text


def test_several_causes_are_listed_in_the_summary() -> None:
    two = {
        "diagnose": Finding(
            specialist="diagnoser", root_causes=[out_of_memory(), out_of_memory("front/Deployment/api", confidence=0.5)]
        )
    }
    text = answer(two, part("diagnose", "diagnoser")).text
    assert text.startswith("**2 root causes were found.**") and "- `front/Deployment/api`" in text


def test_nobody_answering_leaves_no_claim_at_all() -> None:
    result = answer({}, part("diagnose", "diagnoser", "failed", "down"))
    assert "nothing to report" in result.text and result.root_causes == []


def test_the_appendix_keeps_the_numbers_of_the_explanation() -> None:
    request: Request = new_request("Why is web down?")
    whole = synthesise(request, plan(part("diagnose", "diagnoser")), DIAGNOSED, LATER).text
    tail = appendix(request, plan(part("diagnose", "diagnoser")), DIAGNOSED, LATER)
    assert whole.endswith(tail) and "1. pod status" in tail and "Root cause" not in tail


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Image v1.2.3 is missing. Push it.", "Image v1.2.3 is missing."),
        ("镜像不存在。请推送。", "镜像不存在。"),
        ("one line", "one line"),
    ],
)
def test_a_sentence_ends_at_its_full_stop_and_not_within_a_version(text: str, first: str) -> None:
    assert first_sentence(text) == first


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_action_has_words_and_a_foreign_call_keeps_its_arguments_to_itself(language: Language) -> None:
    for kind in get_args(ActionKind):
        assert action_phrase(Action(kind=kind, resource="shop/Deployment/web"), language)
    call = {"server": "mesh", "tool": "write", "arguments": {"password": "hunter2"}}
    told = action_phrase(Action(kind="call_tool", resource="shop/McpTool/mesh.write", arguments=call), language)
    assert "mesh" in told and "hunter2" not in told
