"""Scenario folders: errors that their author can act on, and a past that is moved to the present."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, ScenarioError
from sandbox.scenario import load, shift_metrics
from sandbox.times import Shift, time_in
from tests.sandbox.scenarios import SCENARIO, base, meta, write

CAPTURED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SHIFT = Shift(CAPTURED, CAPTURED + timedelta(days=1, hours=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"captured_at": "yesterday"}, "scenario.yaml: captured_at: not an ISO time: 'yesterday'"),
        ({"title": 3}, "scenario.yaml: title: must be text, not 3"),
        ({"cluster": {"name": "x"}}, "scenario.yaml: cluster.version: missing"),
        ({"questions": {}}, "scenario.yaml: questions: at least one language is needed"),
        ({"expect": {"healthy": "no"}}, "scenario.yaml: expect.healthy: must be true or false, not 'no'"),
        (
            {"expect": {"healthy": False, "root_causes": [{"resource": "a/b/c"}]}},
            "scenario.yaml: expect.root_causes[0].fault: missing",
        ),
        ({"expect": {"healthy": False}}, "scenario.yaml: expect.root_causes: must not be empty when healthy is false"),
    ],
)
def test_a_wrong_scenario_file_is_refused_by_field(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(write(tmp_path, base(), {**SCENARIO, **change}))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "Pod"}, "objects.yaml: document 3: metadata: missing"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "objects.yaml: document 3: metadata.name: missing"),
        ({"kind": "Pod", "metadata": {"name": "x"}}, "objects.yaml: document 3: apiVersion: missing"),
        (base()[1], "objects.yaml: document 3: a second Node n1"),
        (["x"], "objects.yaml: document 3: must be a mapping, not list"),
    ],
)
def test_a_wrong_object_is_refused_by_document_and_field(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(write(tmp_path, [*base(), document]))
    assert str(caught.value) == message


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, base())
    (tmp_path / "objects.yaml").write_text("kind: Pod\nmetadata: {name: [}\n")
    with pytest.raises(ScenarioError, match=r"objects.yaml: line 2, column \d+: not YAML"):
        load(tmp_path)


def test_a_wrong_quantity_is_refused_by_its_place(tmp_path: Path) -> None:
    write(tmp_path, base())
    (tmp_path / "usage.yaml").write_text("nodes: {n1: {cpu: fast, memory: 1Gi}}")
    with pytest.raises(ScenarioError, match=r"usage.yaml: nodes.n1.cpu: not a quantity: 'fast'"):
        load(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such folder"):
        Sandbox(tmp_path / "nowhere").start()


@pytest.mark.parametrize(
    ("captured", "moved"),
    [
        ("2026-11-20T09:59:01Z", "2026-11-21T10:59:01Z"),
        ("2026-11-20T09:59:01.123456789Z done", "2026-11-21T10:59:01.123456789Z done"),
        ('{"time": "2026-11-20T09:59:01.072Z"}', '{"time": "2026-11-21T10:59:01.072Z"}'),
        ("2026-11-20 09:59:01,072 INFO x", "2026-11-21 10:59:01,072 INFO x"),
        ("2026/11/20 09:59:01 [error]", "2026/11/21 10:59:01 [error]"),
        ("W1120 09:59:01.123456       7 c.go:1] x", "W1121 10:59:01.123456       7 c.go:1] x"),
        ("[20/Nov/2026:09:59:01 +0000] GET", "[21/Nov/2026:10:59:01 +0000] GET"),
        ("Fri, 20 Nov 2026 09:59:01 GMT", "Sat, 21 Nov 2026 10:59:01 GMT"),
        ("Nov 20 09:59:01 host", "Nov 21 10:59:01 host"),
        ('{"ts":1795168741.072,"n":1}', '{"ts":1795258741.072,"n":1}'),
        ("version 2026.11.20, port 10250", "version 2026.11.20, port 10250"),
        ("epoch 1970-01-01T00:00:00Z", "epoch 1970-01-01T00:00:00Z"),
    ],
)
def test_every_notation_of_time_moves_and_keeps_its_precision(captured: str, moved: str) -> None:
    assert SHIFT.text(captured) == moved


def test_a_year_that_is_not_written_is_the_last_one_before_the_capture() -> None:
    new_year = datetime(2027, 1, 1, 0, 5, tzinfo=UTC)
    assert time_in("I1231 23:59:00.000001 1 x.go:1] late", new_year) == datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def test_capture_becomes_now_in_objects_but_not_in_data(tmp_path: Path) -> None:
    when = SCENARIO["captured_at"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta("p", namespace="shop"), "status": {"startTime": when}}
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("c", namespace="shop"), "data": {"at": when}}
    present = datetime(2030, 1, 1, tzinfo=UTC)
    loaded = load(write(tmp_path, [*base(), {**pod, "spec": {}}, note]), present)
    assert loaded.objects[2]["status"]["startTime"] == "2030-01-01T00:00:00Z"
    assert loaded.objects[3]["data"] == {"at": when}


def test_samples_move_by_whole_seconds() -> None:
    text = '# TYPE up gauge\nup{a="b"} 1 1795168800\nup 1 1795168800.5\n# EOF\n'
    assert shift_metrics(text, SHIFT).splitlines()[1:3] == ['up{a="b"} 1 1795258800', "up 1 1795258800.5"]


def test_files_beside_the_api_have_the_same_present(tmp_path: Path) -> None:
    write(tmp_path, base())
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "stageTimestamp": "2026-11-20T10:00:00.000001Z"}
    (tmp_path / "audit.jsonl").write_text(json.dumps(event) + "\n")
    (tmp_path / "controlplane").mkdir()
    (tmp_path / "controlplane" / "kube-scheduler.log").write_text("I1120 10:00:00.000001 1 s.go:1] x\n")
    begun = datetime.now(UTC) - timedelta(seconds=2)
    with Sandbox(tmp_path, frozen=True) as sandbox:
        assert sandbox.audit_log is not None
        shifted = json.loads(sandbox.audit_log.read_text())["stageTimestamp"]
        assert begun <= datetime.fromisoformat(shifted) <= datetime.now(UTC)
        assert sandbox.controlplane is not None
        assert f"I{datetime.now(UTC):%m%d}" in (sandbox.controlplane / "kube-scheduler.log").read_text()
        assert sandbox.metrics is None
        directory = sandbox.directory
    assert not directory.exists()
