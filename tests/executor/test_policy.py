"""The policy: every refusal names its rule, and safe defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from agents.executor.action import Effects, Precondition, PreparedAction, Risk
from agents.executor.policy import Person, Surroundings, auto_approval, refusal
from agents.executor.wording import NOTES, say
from agents.runtime.findings import Action
from agents.runtime.settings import FreezeSettings, PolicySettings

FRIDAY = datetime(2026, 3, 6, 20, tzinfo=UTC)


def action(**changes: Any) -> PreparedAction:
    return PreparedAction(
        **{
            "cluster": "demo",
            "kind": "scale_workload",
            "resource": "shop/Deployment/web",
            "arguments": {"replicas": 5},
            "precondition": Precondition(uid="u"),
            "effects": Effects(replicas_before=3, replicas_after=5),
            "inverse": Action(kind="scale_workload", resource="shop/Deployment/web", arguments={"replicas": 3}),
            **changes,
        }
    )


def code(policy: dict[str, Any], prepared: PreparedAction, person: Person | None = None, **around: Any) -> str | None:
    surroundings = Surroundings(around.get("now", FRIDAY), around.get("labels", {}), around.get("closed", ()))
    note = refusal(PolicySettings(**policy), prepared, surroundings, person)
    if note is None:
        return None
    for language in ("en", "zh"):
        assert say(note, language)
    return note.code


def test_by_default_anybody_with_a_name_may_approve_anything_outside_the_system_namespaces() -> None:
    assert code({}, action(), Person("ann")) is None
    assert code({}, action(resource="kube-system/Deployment/coredns")) == "policy_protected"
    assert code({}, action(resource="Namespace/kube-system", kind="delete_resource")) == "policy_protected"


def test_kinds_that_never_run() -> None:
    assert code({"never": ["delete_resource"]}, action(kind="delete_resource")) == "policy_never"


@pytest.mark.parametrize(
    ("covers", "decided"),
    [
        ({}, "policy_rule"),
        ({"kinds": ["scale_workload"]}, "policy_rule"),
        ({"kinds": ["set_image"]}, None),
        ({"clusters": ["dem*"]}, "policy_rule"),
        ({"clusters": ["prod"]}, None),
        ({"namespaces": ["shop"]}, "policy_rule"),
        ({"namespaces": [""]}, None),
        ({"resources": ["Deployment/w*"]}, "policy_rule"),
        ({"labels": {"tier": "gold"}}, "policy_rule"),
        ({"labels": {"tier": "tin"}}, None),
        ({"users": ["ann"]}, "policy_rule"),
        ({"users": ["group:sre"]}, "policy_rule"),
        ({"users": ["zoe"]}, None),
    ],
)
def test_a_rule_covers_what_it_names(covers: dict[str, Any], decided: str | None) -> None:
    rule = {"name": "hands off", "allow": False, **covers}
    assert code({"rules": [rule]}, action(), Person("ann", ("sre",)), labels={"tier": "gold"}) == decided


def test_the_first_rule_that_covers_decides() -> None:
    rules = [{"name": "yes", "allow": True, "namespaces": ["shop"]}, {"name": "no", "allow": False}]
    assert code({"rules": rules}, action()) is None
    assert code({"rules": rules[::-1]}, action()) == "policy_rule"


def test_what_no_rule_covers_can_be_forbidden() -> None:
    assert code({"otherwise_allow": False}, action()) == "policy_no_rule"


def test_before_anybody_is_known_a_rule_for_some_people_forbids_nothing() -> None:
    rules = [{"name": "ours", "allow": True, "users": ["group:shop"]}, {"name": "no", "allow": False}]
    assert code({"rules": rules}, action()) is None
    assert code({"rules": rules}, action(), Person("ann")) == "policy_rule"
    assert code({"rules": rules}, action(), Person("ann", ("shop",))) is None


def test_freezes_hold_once_or_every_week() -> None:
    weekend = {"name": "weekend", "cron": "0 18 * * 5", "hours": 62}
    assert code({"freezes": [weekend]}, action()) == "policy_freeze"
    assert code({"freezes": [weekend]}, action(), now=datetime(2026, 3, 9, 8, tzinfo=UTC)) is None
    assert code({"freezes": [{**weekend, "namespaces": ["bank"]}]}, action()) is None
    once = {"name": "sale", "start": "2026-03-06T00:00:00Z", "end": "2026-03-07T00:00:00Z"}
    assert code({"freezes": [once]}, action()) == "policy_freeze"


@pytest.mark.parametrize("wrong", [{}, {"cron": "nonsense", "hours": 1}, {"cron": "0 18 * * 5"}])
def test_a_freeze_without_a_time_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="freeze"):
        FreezeSettings(name="x", **wrong)


def test_limits_hold_for_growth_and_for_nodes() -> None:
    assert code({"max_replicas": 4}, action()) == "policy_replicas"
    shrinking = action(effects=Effects(replicas_before=30, replicas_after=20))
    assert code({"max_replicas": 4}, shrinking) is None
    drain = action(kind="drain_node", resource="Node/node-2")
    assert code({}, drain, closed=("node-1",)) == "policy_nodes"
    assert code({}, drain, closed=("node-2",)) is None


@pytest.mark.parametrize("risk", ["low", "medium", "high"])
def test_each_risk_has_its_approvers(risk: Any) -> None:
    prepared = action(risk=Risk(level=risk))
    policy = {"approvers": {risk: ["group:sre", "boss-*"]}}
    assert code(policy, prepared, Person("ann")) == "policy_approver"
    assert code(policy, prepared, Person("boss-1")) is None
    assert code(policy, prepared, Person("ann", ("sre",))) is None


@pytest.mark.parametrize(
    "unfit",
    [
        {"risk": Risk(level="medium")},
        {"lacking": ["patch"]},
        {"dry_run": "none"},
        {"inverse": None},
        {"resource": "bank/Deployment/web"},
        {"kind": "set_image"},
    ],
)
def test_only_small_complete_and_reversible_actions_are_approved_by_the_policy(unfit: dict[str, Any]) -> None:
    policy = PolicySettings.model_validate(
        {"auto_approve": [{"name": "scale", "kinds": ["scale_workload"], "namespaces": ["shop"]}]}
    )
    assert auto_approval(policy, action()) is not None
    assert auto_approval(policy, action(**unfit)) is None


def test_every_note_has_words_in_both_languages() -> None:
    assert all(english and chinese for english, chinese in NOTES.values())
