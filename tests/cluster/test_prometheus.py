"""Prometheus is asked politely, its answers stay small, and its refusals are told in words."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cluster.endpoint import SourceError
from agents.cluster.prometheus import PrometheusClient, parse_step, pods_of, step_for
from agents.runtime.settings import PrometheusSettings, SettingsError, load_settings
from tests.cluster.fake_monitoring import FakeMonitoring

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def vector(count: int) -> dict[str, Any]:
    result = [{"metric": {"pod": f"p{number}"}, "value": [NOW.timestamp(), str(number)]} for number in range(count)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


OPEN: list[PrometheusClient] = []


@pytest.fixture(autouse=True)
async def closed_in_the_end() -> AsyncIterator[None]:
    yield
    while OPEN:
        await OPEN.pop().endpoint.close()


def client(url: str, **more: Any) -> PrometheusClient:
    OPEN.append(PrometheusClient(PrometheusSettings(url=url, **more)))
    return OPEN[-1]


async def test_an_answer_with_too_many_series_is_cut_and_says_so() -> None:
    async with FakeMonitoring(lambda path, query: (200, vector(150))).serving() as url:
        found = await client(url, max_series=100).instant("up")
    assert len(found.series) == 100
    assert found.warnings == ["100 of 150 series are shown; aggregate, or use topk() to choose which"]


async def test_a_step_that_is_too_fine_is_made_coarser_and_that_is_said() -> None:
    empty = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    fake = FakeMonitoring(lambda path, query: (200, empty))
    async with fake.serving() as url:
        found = await client(url).range("up", NOW - timedelta(days=1), NOW, timedelta(seconds=1))
    assert fake.queries[0]["step"] == "300"
    assert found.step == timedelta(minutes=5)
    assert "300s" in found.warnings[0]


async def test_a_range_that_ends_before_it_begins_is_an_error_in_words() -> None:
    with pytest.raises(ValueError, match="must be before end_time"):
        await client("http://localhost:1").range("up", NOW, NOW)


@pytest.mark.parametrize("way", ["bearer", "file", "basic", "none"])
async def test_it_is_let_in_as_configured(way: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    settings, wanted = {
        "bearer": ({"bearer_token": "from-settings"}, "Bearer from-settings"),
        "file": ({"bearer_token_file": file}, "Bearer from-file"),
        "basic": ({"username": "ann", "password": "pä:ss"}, f"Basic {base64.b64encode('ann:pä:ss'.encode()).decode()}"),
        "none": ({}, None),
    }[way]
    fake = FakeMonitoring(lambda path, query: (200, vector(1)))
    async with fake.serving() as url:
        await client(url, headers={"X-Scope-OrgID": "team"}, **settings).instant("up")
    assert fake.headers[0].get("Authorization") == wanted
    assert fake.headers[0]["X-Scope-OrgID"] == "team"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"status": "error", "error": "1:5: parse error: unexpected end"}, "parse error"),
        (401, "nope", "does not accept the credentials"),
        (500, "boom", r"refused \(500\): boom"),
        (200, "<html>a login page</html>", "not JSON"),
        (200, {"status": "success", "data": []}, "another shape"),
        (200, {"status": "success", "data": {"resultType": "vector", "result": [{}]}}, "another shape"),
    ],
)
async def test_what_goes_wrong_is_said_in_words(status: int, body: Any, words: str) -> None:
    async with FakeMonitoring(lambda path, query: (status, body)).serving() as url:
        with pytest.raises(SourceError, match=words):
            await client(url).instant("up")


async def test_a_server_that_is_busy_for_a_moment_is_asked_again() -> None:
    answers: list[tuple[int, Any]] = [(503, "busy"), (200, vector(1))]
    async with FakeMonitoring(lambda path, query: answers.pop(0)).serving() as url:
        assert len((await client(url).instant("up")).series) == 1


async def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(SourceError, match="Prometheus at http://localhost:1 cannot be reached"):
        await client("http://localhost:1").instant("up")


def test_selectors_are_quoted_and_carry_the_clusters_own_labels() -> None:
    made = client("http://x", labels={"cluster": "prod"}).selector(namespace='a"b\\', container="!=", pod="=~x-.+")
    assert made == '{cluster="prod",namespace="a\\"b\\\\",container!="",pod=~"x-.+"}'


def test_pods_of_a_workload_are_not_those_of_one_that_begins_alike() -> None:
    import re

    pattern = pods_of("Deployment", "api").removeprefix("=~")
    assert re.fullmatch(pattern, "api-5d4f8b7c9d-x2x7k")
    assert not re.fullmatch(pattern, "api-gateway-5d4f8b7c9d-x2x7k")
    assert pods_of("Pod", "api-0") == "=api-0"


@given(st.integers(min_value=60, max_value=90 * 86_400), st.integers(min_value=2, max_value=1_000))
def test_a_step_never_needs_more_points_than_allowed(seconds: int, points: int) -> None:
    step = step_for(timedelta(seconds=seconds), points)
    assert seconds / step.total_seconds() + 1 <= points + 1e-9


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("15", 15)])
def test_steps_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert parse_step(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "-5", "nan", "soon"])
def test_a_step_that_is_none_is_an_error_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is no step"):
        parse_step(text)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "prometheus:9090"}, "prometheus.default.url"),
        ({"url": "http://x", "username": "ann"}, "username and password go together"),
        ({"url": "http://x", "username": "a", "password": "b", "bearer_token": "c"}, "give one of"),
    ],
)
def test_wrong_settings_stop_the_start(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(prometheus={"default": wrong})
