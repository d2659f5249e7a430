"""Which incidents share a plan, and where they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planner.incidents.grouping import batches, inputs_of, place_of
from planner.incidents.incident import Incident
from planner.incidents.wording import harmless

AT = datetime(2026, 11, 20, tzinfo=UTC)


def incident(id: str, namespace: str | None = "shop", **changed: object) -> Incident:
    one = Incident(id=id, source="alertmanager", group=id, title=id, namespace=namespace, created_at=AT, changed_at=AT)
    return one.model_copy(update={"cluster": "prod", "firing": 1, **changed})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"namespace": "shop", "deployment": "web", "pod": "web-1"}, ("shop", "shop/Deployment/web")),
        ({"namespace": "shop", "pod": "web-1"}, ("shop", "shop/Pod/web-1")),
        (
            {"namespace": "monitoring", "exported_namespace": "shop", "exported_pod": "web-1"},
            ("shop", "shop/Pod/web-1"),
        ),
        ({"node": "node-1"}, (None, "Node/node-1")),
        ({"namespace": "shop; drop", "pod": "a b"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_labels_say_where_it_is(labels: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    assert place_of(labels, "cluster")[1:] == expected


def test_incidents_of_one_namespace_share_a_plan_and_the_worst_come_first() -> None:
    found = batches([incident("a"), incident("b", "web", severity="critical"), incident("c")], [], 4)
    assert [[i.id for i in batch] for batch in found] == [["b"], ["a", "c"]]


def test_a_place_that_is_being_looked_at_waits() -> None:
    assert batches([incident("a")], [incident("z", status="diagnosing")], 4) == []


def test_in_a_storm_the_last_plan_is_about_the_whole_cluster() -> None:
    storm = [incident(str(n), f"ns-{n}") for n in range(100)]
    found = batches(storm, [], 4)
    assert [len(batch) for batch in found] == [1, 1, 1, 97]
    assert inputs_of(found[-1]) == {} and inputs_of(found[0]) == {"namespace": "ns-0"}


def test_nothing_begins_without_room() -> None:
    assert batches([incident(str(n), f"ns-{n}") for n in range(100)], [], 0) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [redacted]"),
        ("postgres://app:hunter2@db/x", "postgres://app:[redacted]@db/x"),
        ("api_key=abc, next", "api_key=[redacted], next"),
        ("x" * 500, "x" * 239 + "…"),
    ],
)
def test_foreign_text_is_made_harmless(text: str, expected: str) -> None:
    assert harmless(text) == expected
