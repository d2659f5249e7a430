"""When to ask a person first, and what a reply means."""

from __future__ import annotations

import pytest

from planner.clarify import apply_reply, chosen, clarification, cluster_named
from planner.request import new_request

CLUSTERS = ("prod", "prod-eu", "staging")


def test_several_clusters_and_none_named_is_asked_with_the_choices() -> None:
    pause = clarification(new_request("Why is billing down?"), CLUSTERS)
    assert pause is not None and pause.kind == "cluster"
    assert pause.choices == CLUSTERS and "prod-eu" in pause.question


def test_the_question_is_in_the_askers_language() -> None:
    pause = clarification(new_request("billing 为什么挂了？"), CLUSTERS)
    assert pause is not None and "哪个集群" in pause.question


@pytest.mark.parametrize("question", ["Why is billing down in staging?", "staging 里 billing 为什么挂了？"])
def test_a_cluster_that_the_words_name_is_not_asked_for(question: str) -> None:
    request = new_request(question)
    assert clarification(request, CLUSTERS) is None
    assert cluster_named(request, CLUSTERS) == "staging"


def test_the_longer_of_two_names_is_meant() -> None:
    assert cluster_named(new_request("billing is down in prod-eu"), CLUSTERS) == "prod-eu"


def test_one_cluster_needs_no_question() -> None:
    assert clarification(new_request("Why is billing down?"), ("only",)) is None


def test_a_change_without_a_target_is_asked_for_one() -> None:
    pause = clarification(new_request("Restart the deployment"), ())
    assert pause is not None and pause.kind == "target"
    answered = apply_reply(new_request("Restart the deployment").model_copy(update={"pause": pause}), " prod/api ")
    assert clarification(answered, ()) is None
    assert answered.text == "Restart the deployment\nprod/api"


def test_a_reply_that_is_a_whole_order_replaces_the_unclear_one() -> None:
    asked = new_request("Restart the deployment")
    answered = apply_reply(asked.model_copy(update={"pause": clarification(asked, ())}), "restart api in prod")
    assert answered.text == "restart api in prod"


def test_a_change_with_a_target_and_a_repair_are_not_asked() -> None:
    assert clarification(new_request("Restart api in prod"), ()) is None
    assert clarification(new_request("Please fix it"), ()) is None


@pytest.mark.parametrize(
    ("text", "choice"),
    [("staging", "staging"), ("STAGING", "staging"), ("2", "prod-eu"), ("the staging one", "staging"), ("9", None)],
)
def test_a_reply_names_a_choice_by_itself_its_number_or_in_a_sentence(text: str, choice: str | None) -> None:
    assert chosen(text, CLUSTERS) == choice
