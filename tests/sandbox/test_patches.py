"""The patch formats, by their laws."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.apply import apply, track_update
from sandbox.errors import ApiError
from sandbox.patches import json_patch, merge, strategic_merge
from sandbox.schema import of_kind

LEAVES = st.integers() | st.text(max_size=3) | st.booleans()
NAMES = st.sampled_from(["a", "b", "c", "d/e", "f~g"])
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3)),
    max_size=4,
)
POD = of_kind("", "v1", "Pod")
CONFIG_MAP = of_kind("", "v1", "ConfigMap")
CONTAINERS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["v1", "v2"]), max_size=3)


def pod(containers: dict[str, str]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": image} for name, image in containers.items()]}}


@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_patch_applied_twice_changes_nothing_more(document: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge(document, patch)
    assert merge(once, patch) == once


@given(DOCUMENTS)
def test_an_empty_patch_changes_nothing(document: dict[str, Any]) -> None:
    assert merge(document, {}) == document
    assert json_patch(document, []) == document
    assert strategic_merge(document, {}, None) == document


@given(DOCUMENTS, NAMES, LEAVES)
def test_what_a_json_patch_adds_it_can_test_and_remove(document: dict[str, Any], name: str, value: Any) -> None:
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    added = json_patch(
        document, [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}]
    )
    without = {key: item for key, item in document.items() if key != name}
    assert json_patch(added, [{"op": "remove", "path": path}]) == without


@given(CONTAINERS, CONTAINERS)
def test_a_strategic_merge_joins_lists_by_their_key(old: dict[str, str], new: dict[str, str]) -> None:
    merged = strategic_merge(pod(old), pod(new), POD)
    assert {item["name"]: item["image"] for item in merged["spec"]["containers"]} == {**old, **new}


@given(CONTAINERS)
def test_a_patch_never_changes_its_inputs(containers: dict[str, str]) -> None:
    before = pod(containers)
    strategic_merge(before, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}, POD)
    merge(before, {"spec": {"containers": None}})
    assert before == pod(containers)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "test", "path": "/a", "value": 2},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "jump", "path": "/a"},
        {"path": "/a"},
    ],
)
def test_an_impossible_json_patch_is_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch({"a": 1, "list": []}, [operation])
    assert caught.value.code == 422


MAPS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]), max_size=4)


def config_map(data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


@given(MAPS, MAPS)
def test_who_applies_alone_gets_exactly_what_was_applied(first: dict[str, str], second: dict[str, str]) -> None:
    live = apply(None, config_map(first), CONFIG_MAP, "me", False, "now")
    assert apply(live, config_map(second), CONFIG_MAP, "me", False, "now").get("data", {}) == second


@given(MAPS, MAPS)
def test_two_appliers_conflict_exactly_where_they_disagree(mine: dict[str, str], yours: dict[str, str]) -> None:
    live = apply(None, config_map(mine), CONFIG_MAP, "me", False, "now")
    disputed = {name for name in mine.keys() & yours.keys() if mine[name] != yours[name]}
    if not disputed:
        assert apply(live, config_map(yours), CONFIG_MAP, "you", False, "now").get("data", {}) == {**mine, **yours}
        return
    with pytest.raises(ApiError) as caught:
        apply(live, config_map(yours), CONFIG_MAP, "you", False, "now")
    assert {cause["field"] for cause in caught.value.details["causes"]} == {f".data.{name}" for name in disputed}
    forced = apply(live, config_map(yours), CONFIG_MAP, "you", True, "now")
    assert forced["data"] == {**mine, **yours}


def test_an_ordinary_update_takes_over_what_it_changes() -> None:
    live = apply(None, config_map({"a": "1"}), CONFIG_MAP, "me", False, "now")
    changed = {**live, "metadata": dict(live["metadata"]), "data": {"a": "2"}}
    track_update(live, changed, CONFIG_MAP, "editor", "now")
    with pytest.raises(ApiError, match='conflict with "editor"'):
        apply(changed, config_map({"a": "1"}), CONFIG_MAP, "me", False, "now")
