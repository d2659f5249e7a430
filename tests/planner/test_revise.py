"""What findings make worth asking next."""

from __future__ import annotations

from agents.runtime.findings import Action, Finding
from agents.runtime.settings import LimitSettings
from planner.plan import Plan, Subtask
from planner.request import new_request
from planner.revise import follow_ups, leads_on
from planner.team import Profile
from tests.planner.team import BUILT_IN, evidence, out_of_memory

TEAM = {name: Profile(name=name, built_in=True) for name in BUILT_IN}
REQUEST = new_request("Why is web down?")


def part(id: str, specialist: str, status: str = "done") -> Subtask:
    return Subtask(id=id, specialist=specialist, title=id, instruction="look", status=status)  # pyright: ignore[reportArgumentType]


def plan(*subtasks: Subtask) -> Plan:
    return Plan(id="p", request_id="r", goal="g", subtasks=subtasks)


def diagnosis(**changed: object) -> Finding:
    return Finding(specialist="diagnoser", root_causes=[out_of_memory().model_copy(update=changed)])


def test_short_term_remedies_are_dry_run_by_the_executor() -> None:
    found = {"diagnose": diagnosis()}
    (prepare,) = follow_ups(
        REQUEST, plan(part("diagnose", "diagnoser"), part("audit", "auditor", "running")), found, TEAM, LimitSettings()
    )
    assert prepare.specialist == "executor" and prepare.depends_on == ("diagnose",) and prepare.depth == 1
    assert prepare.inputs["actions"][0]["kind"] == "set_resources"
    assert "front/Deployment/web" in prepare.instruction


def test_what_a_member_proposes_without_a_root_cause_is_dry_run_as_well() -> None:
    found = {"diagnose": Finding(specialist="diagnoser", actions=[Action(kind="uncordon_node", resource="Node/n1")])}
    looked = part("diagnose", "diagnoser")
    assert leads_on(looked, found["diagnose"])
    (prepare,) = follow_ups(REQUEST, plan(looked), found, TEAM, LimitSettings())
    assert [action["kind"] for action in prepare.inputs["actions"]] == ["uncordon_node"]
    assert prepare.depends_on == ("diagnose",)


def test_the_same_remedy_is_not_prepared_twice() -> None:
    found = {"diagnose": diagnosis()}
    first = plan(part("diagnose", "diagnoser"), part("audit", "auditor", "running"))
    grown = first.extended(follow_ups(REQUEST, first, found, TEAM, LimitSettings()))
    assert follow_ups(REQUEST, grown, found, TEAM, LimitSettings()) == []


def test_the_auditor_is_asked_who_changed_what_was_found_after_its_first_look() -> None:
    found = {"diagnose": diagnosis(remedies=[]), "audit": Finding(specialist="auditor")}
    both = plan(part("diagnose", "diagnoser"), part("audit", "auditor"))
    (trace,) = follow_ups(REQUEST, both, found, TEAM, LimitSettings())
    assert trace.specialist == "auditor" and trace.inputs["resource"] == "front/Deployment/web"


def test_the_auditor_is_not_asked_again_when_it_has_told_or_is_down() -> None:
    told = {
        "diagnose": diagnosis(remedies=[]),
        "audit": Finding(specialist="auditor", evidence=[evidence("alice patched web", "audit log")]),
    }
    assert (
        follow_ups(REQUEST, plan(part("diagnose", "diagnoser"), part("audit", "auditor")), told, TEAM, LimitSettings())
        == []
    )
    down = plan(part("diagnose", "diagnoser"), part("audit", "auditor", "failed"))
    assert follow_ups(REQUEST, down, {"diagnose": diagnosis(remedies=[])}, TEAM, LimitSettings()) == []


def test_follow_ups_keep_within_the_bounds() -> None:
    found = {"diagnose": diagnosis()}
    single = plan(part("diagnose", "diagnoser"))
    assert follow_ups(REQUEST, single, found, TEAM, LimitSettings(max_subtasks=1)) == []
    deep = plan(part("diagnose", "diagnoser").model_copy(update={"depth": 3}))
    assert follow_ups(REQUEST, deep, found, TEAM, LimitSettings(max_depth=3)) == []


def test_nothing_follows_from_facts_that_were_asked_for() -> None:
    facts = plan(part("diagnose", "diagnoser")).model_copy(update={"intent": "facts"})
    assert follow_ups(REQUEST, facts, {"diagnose": diagnosis()}, TEAM, LimitSettings()) == []
