from __future__ import annotations

from agents.runtime.findings import Change, Finding
from planner.merge import merged_actions, merged_causes
from tests.planner.team import NOW, evidence, out_of_memory

WEB = "front/Deployment/web"


def finding(*causes: object, **more: object) -> Finding:
    return Finding.model_validate({"specialist": "x", "root_causes": list(causes), **more})


def test_the_same_fault_of_the_same_object_is_one_root_cause_with_all_evidence() -> None:
    weaker = out_of_memory(confidence=0.5, explanation="maybe", evidence=[evidence(), evidence("exit code 137")])
    causes = merged_causes([finding(weaker), finding(out_of_memory())])
    assert [cause.explanation for cause in causes] == [out_of_memory().explanation]
    assert {item.excerpt for item in causes[0].evidence} == {evidence().excerpt, "exit code 137"}
    assert len(causes[0].remedies) == 1


def test_different_objects_or_faults_stay_apart_the_surest_first() -> None:
    causes = merged_causes([finding(out_of_memory(confidence=0.4)), finding(out_of_memory("front/Deployment/api"))])
    assert [cause.resource for cause in causes] == ["front/Deployment/api", WEB]


def test_who_changed_it_is_added_from_whoever_knows() -> None:
    known = Change(
        resource=WEB,
        field="containers[app].resources.limits.memory",
        after="64Mi",
        at=NOW,
        by="alice",
        source="audit log",
    )
    audit = finding(facts={"changes": [known.model_dump(mode="json"), {"nonsense": 1}]})
    (change,) = merged_causes([finding(out_of_memory()), audit])[0].changes
    assert (change.before, change.after, change.by) == ("512Mi", "64Mi", "alice")
    assert change.source == "ReplicaSet history, audit log"


def test_every_action_is_proposed_once() -> None:
    cause = out_of_memory()
    twice = finding(cause, actions=[action.model_dump() for action in cause.remedies])
    assert merged_actions([twice], merged_causes([twice])) == cause.remedies
