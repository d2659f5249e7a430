"""What a person types: questions, exit codes, settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import INCIDENT, kubeteam

pytestmark = pytest.mark.xdist_group("command_line")


@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "Why do checkouts fail, and what changed?"), ("zh", "checkout 为什么一直失败？改动了什么？")],
)
def test_ask_prints_one_json_object_in_the_users_language(language: str, question: str) -> None:
    done = kubeteam("ask", "--sandbox", str(INCIDENT), "--single-process", "--json", question)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["language"] == language
    assert answer["root_causes"][0]["fault"] == "oom_killed"
    assert answer["missing"] == []
    assert ("内存" in answer["answer"]) == (language == "zh")


def test_progress_goes_to_standard_error_as_plain_lines_when_piped() -> None:
    done = kubeteam("ask", "--sandbox", str(INCIDENT), "--single-process", "Why do checkouts fail?")
    assert done.returncode == 0
    assert "diagnoser" in done.stderr and "\x1b" not in done.stderr + done.stdout
    assert done.stdout.lstrip().startswith("**")


def test_a_question_that_leaves_the_cluster_open_ends_with_exit_code_3(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    clusters = "".join(f"- {{name: {n}, cluster: {{server: 'https://127.0.0.1:1'}}}}\n" for n in ("east", "west"))
    contexts = "".join(f"- {{name: {n}, context: {{cluster: {n}, user: u}}}}\n" for n in ("east", "west"))
    config.write_text(
        f"apiVersion: v1\nkind: Config\nclusters:\n{clusters}contexts:\n{contexts}users: [{{name: u, user: {{}}}}]\n"
    )
    done = kubeteam("ask", "--kubeconfig", str(config), "--single-process", "--json", "Is anything broken?")
    assert done.returncode == 3, done.stdout + done.stderr
    waiting = json.loads(done.stdout)
    assert waiting["status"] == "input_required"
    assert {"east", "west"} <= set(waiting["input_required"]["choices"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["ask", ""],
        ["ask", "--planner", "http://127.0.0.1:1", "--sandbox", "x", "q"],
        ["ask", "--kubeconfig", "/nowhere", "q"],
        ["ask", "--sandbox", "/nowhere", "q"],
        ["ask", "--language", "fr", "q"],
        ["sandbox", "/nowhere"],
        ["serve", "nobody"],
    ],
)
def test_wrong_usage_is_exit_code_2_with_a_reason(arguments: list[str]) -> None:
    done = kubeteam(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_no_planner_is_exit_code_1_and_says_what_to_do() -> None:
    done = kubeteam("ask", "--planner", "http://127.0.0.1:9", "is anything broken?")
    assert done.returncode == 1
    assert "kubeteam up" in done.stderr


def test_config_prints_effective_settings_with_secrets_masked(tmp_path: Path) -> None:
    file = tmp_path / "team.yaml"
    file.write_text("model: {name: openai/qwen-plus, base_url: http://gateway/v1, api_key: sk-very-secret}\n")
    done = kubeteam("config", env={"KUBETEAM_CONFIG": str(file), "KUBETEAM_MODEL__TIMEOUT_SECONDS": "7"})
    assert done.returncode == 0
    assert "openai/qwen-plus" in done.stdout and "timeout_seconds: 7" in done.stdout
    assert "sk-very-secret" not in done.stdout


def test_a_wrong_setting_stops_with_the_name_of_the_field() -> None:
    done = kubeteam("config", env={"KUBETEAM_MODEL__TIMEOUT_SECONDS": "soon"})
    assert done.returncode == 2
    assert "model.timeout_seconds" in done.stderr


def test_a_broken_scenario_is_named_by_file_and_field(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("title: x\n")
    (tmp_path / "objects.yaml").write_text("")
    done = kubeteam("sandbox", str(tmp_path))
    assert done.returncode == 2
    assert "scenario.yaml" in done.stderr


def test_diagnose_works_on_a_folder_without_any_service() -> None:
    done = kubeteam("diagnose", str(INCIDENT), "--json")
    assert done.returncode == 0, done.stderr
    cause = json.loads(done.stdout)["root_causes"][0]
    assert (cause["resource"], cause["fault"]) == ("shop/Deployment/checkout", "oom_killed")


def test_eval_scores_a_scenario_through_the_whole_team() -> None:
    done = kubeteam("eval", str(INCIDENT), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(s["language"], s["solved"]) for s in report["scenarios"]] == [("en", True), ("zh", True)]
    assert report["total"]["solved"] == 2
