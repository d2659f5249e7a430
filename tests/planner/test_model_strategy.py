"""A model plans and explains; what it says is checked, and the runbook's word stands when it fails."""

from __future__ import annotations

from typing import Any

import pytest

from agents.runtime.findings import Finding, Usage
from agents.runtime.models import Completion, ModelError
from agents.runtime.settings import LimitSettings, ModelSettings
from planner.request import new_request, now
from planner.strategy import model as strategy
from planner.strategy.model import ModelStrategy, ProposedPlan, planning_messages, synthesis_messages
from planner.strategy.runbook import plan_by_runbook
from planner.synthesis import appendix, synthesise
from planner.team import Profile
from tests.planner.team import BUILT_IN, out_of_memory

TEAM = {name: Profile(name=name, description=f"the {name}", built_in=True) for name in BUILT_IN}
REQUEST = new_request("Why is web down?")
COST = Usage(model="openai/m", calls=1, input_tokens=10, output_tokens=5)
FOUND = {
    "diagnose": Finding(specialist="diagnoser", root_causes=[out_of_memory()]),
    "audit": Finding(specialist="auditor", text="nothing"),
}


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the model answer with a value, or raise."""

    def answers(answer: Any) -> ModelStrategy:
        async def complete(settings: Any, messages: Any, response_schema: Any = None) -> Completion[Any]:
            if isinstance(answer, Exception):
                raise answer
            return Completion(answer if isinstance(answer, str) else "", answer, COST)

        monkeypatch.setattr(strategy, "complete", complete)
        return ModelStrategy(ModelSettings(name="openai/m"), LimitSettings())

    return answers


def proposed(**changed: Any) -> ProposedPlan:
    subtask = {"id": "a", "specialist": "diagnoser", "instruction": "look", **changed}
    return ProposedPlan.model_validate({"goal": "find it", "subtasks": [subtask]})


async def test_a_valid_plan_of_the_model_is_used_and_charged(say: Any) -> None:
    plan, usage, notes = await say(proposed()).plan(REQUEST, TEAM)
    assert (plan.strategy, plan.goal, [s.id for s in plan.subtasks]) == ("openai/m", "find it", ["a"])
    assert usage == COST and notes == []


@pytest.mark.parametrize(
    "answer",
    [
        proposed(specialist="nobody"),
        proposed(depends_on=["a"]),
        proposed(depends_on=["b"]),
        ModelError("malformed", "openai/m", "no JSON", COST),
        ModelError("timeout", "openai/m", "60 s"),
    ],
)
async def test_an_invalid_plan_falls_back_to_the_runbook_and_says_so(say: Any, answer: Any) -> None:
    plan, _, notes = await say(answer).plan(REQUEST, TEAM)
    assert plan == plan_by_runbook(REQUEST, TEAM)
    assert len(notes) == 1 and "runbook planned instead" in notes[0]


async def test_a_request_for_one_specialist_needs_no_planning_call(say: Any) -> None:
    plan, usage, _ = await say(RuntimeError("must not be called")).plan(
        new_request("How much memory does api use?"), TEAM
    )
    assert len(plan.subtasks) == 1 and usage.calls == 0


async def test_the_models_words_replace_the_explanation_and_nothing_else(say: Any) -> None:
    plan = plan_by_runbook(REQUEST, TEAM)
    answer, usage, notes = await say("The limit of `front/Deployment/web` is too low [1].").answer(REQUEST, plan, FOUND)
    assert answer.text.startswith("The limit of `front/Deployment/web`")
    assert "## What to do now" in answer.text and "1. pod status" in answer.text and "## Root cause" not in answer.text
    assert answer.root_causes == [out_of_memory()] and usage == COST and notes == []


@pytest.mark.parametrize("words", ["It is probably DNS.", ModelError("rate_limited", "openai/m", "429")])
async def test_an_explanation_without_the_root_cause_or_none_leaves_the_runbooks_answer(say: Any, words: Any) -> None:
    plan = plan_by_runbook(REQUEST, TEAM)
    answer, _, notes = await say(words).answer(REQUEST, plan, FOUND)
    assert answer.text.startswith("**Root cause: `front/Deployment/web`**") and "DNS" not in answer.text
    assert len(notes) == 1 and notes[0] in answer.text


def test_the_model_is_told_the_team_by_its_cards_and_the_askers_language() -> None:
    system, user = planning_messages(new_request("web 为什么挂了？"), TEAM)
    assert "- diagnoser: the diagnoser" in system["content"] and "Chinese" in system["content"]
    assert user["content"] == "web 为什么挂了？"


def test_the_model_reads_what_was_found_once_and_not_what_is_appended_to_its_words() -> None:
    plan = plan_by_runbook(REQUEST, TEAM)
    ids = [subtask.id for subtask in plan.subtasks]
    found = {
        ids[0]: Finding(specialist="diagnoser", root_causes=[out_of_memory()], missing=["the audit log"]),
        ids[1]: Finding(specialist="auditor", text="web was changed at noon"),
    }
    draft, supplement = synthesise(REQUEST, plan, found, now()), appendix(REQUEST, plan, found, now())
    assert "the audit log" in supplement
    _, message = synthesis_messages(REQUEST, draft, supplement, found)
    assert "front/Deployment/web" in message["content"] and "the audit log" not in message["content"]
    assert message["content"].count("web was changed at noon") == 1
