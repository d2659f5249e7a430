"""Lines from Loki come page by page, each once; audit events among them are found as in files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.cluster import loki as loki_module
from agents.cluster.audit import AuditFilter, plurals
from agents.cluster.audit_loki import AuditLoki, query_for
from agents.cluster.endpoint import SourceError
from agents.cluster.loki import LokiClient
from agents.runtime.settings import LokiSettings
from tests.cluster.fake_monitoring import FakeLoki, FakeMonitoring
from tests.cluster.test_audit import event

NOW = datetime.now(UTC)
SELECTOR = '{job="audit"}'


OPEN: list[LokiClient] = []


@pytest.fixture(autouse=True)
async def closed_in_the_end() -> AsyncIterator[None]:
    yield
    while OPEN:
        await OPEN.pop().endpoint.close()


def client(url: str) -> LokiClient:
    OPEN.append(LokiClient(LokiSettings(url=url, selector=SELECTOR)))
    return OPEN[-1]


def nanoseconds(minutes_ago: float) -> int:
    return int((NOW - timedelta(minutes=minutes_ago)).timestamp() * 1e9)


def wanted(**more: Any) -> AuditFilter:
    return AuditFilter(start=NOW - timedelta(hours=24), end=NOW + timedelta(minutes=1), **more)


async def test_all_pages_are_read_newest_first_and_no_line_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki_module, "PAGE", 4)
    # Three lines share a moment, and a page ends among them.
    lines = [(nanoseconds(minutes), f"line {minutes} {copy}") for minutes in range(1, 6) for copy in range(3)]
    fake = FakeLoki(lines)
    async with fake.serving() as url:
        found = [text async for _, text in client(url).newest(SELECTOR, NOW - timedelta(hours=1), NOW)]
    assert sorted(found) == sorted(text for _, text in lines)
    assert found[0].startswith("line 1") and found[-1].startswith("line 5")
    assert len(fake.queries) > 3


async def test_a_moment_with_more_lines_than_a_page_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki_module, "PAGE", 4)
    lines = [(nanoseconds(1), f"same {copy}") for copy in range(9)] + [(nanoseconds(2), "older")]
    async with FakeLoki(lines).serving() as url:
        found = [text async for _, text in client(url).newest(SELECTOR, NOW - timedelta(hours=1), NOW)]
    assert found[-1] == "older"


async def test_audit_events_are_found_also_inside_a_shippers_json() -> None:
    plain, wrapped = event(1, "delete"), event(2, "patch")
    lines = [
        (nanoseconds(1), json.dumps(plain)),
        (nanoseconds(2), json.dumps({"stream": "stdout", "log": json.dumps(wrapped) + "\n"})),
        (nanoseconds(3), "no JSON at all"),
    ]
    async with FakeLoki(lines).serving() as url:
        page = await AuditLoki(client(url)).find(wanted())
    assert [found.verb for found in page.events] == ["delete", "patch"]
    assert "1 lines" in page.problems[0]


async def test_what_loki_hands_over_too_much_is_left_out_here() -> None:
    lines = [(nanoseconds(minutes), json.dumps(event(minutes, verb))) for minutes, verb in ((1, "get"), (2, "delete"))]
    async with FakeLoki(lines).serving() as url:
        page = await AuditLoki(client(url)).find(wanted(verbs=("delete",)))
    assert [found.verb for found in page.events] == ["delete"]


def test_line_filters_hold_only_what_every_match_holds() -> None:
    query = query_for(SELECTOR, wanted(verbs=("delete",), resources=plurals("svc"), namespace="web*", name='a"b'))
    assert query == ('{job="audit"} |~ "ResponseComplete|Panic" |~ "delete" |~ "services" |= "web" |= "a\\"b"')


async def test_a_selector_that_is_a_metric_query_is_said() -> None:
    answer = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    async with FakeMonitoring(lambda path, query: (200, answer)).serving() as url:
        with pytest.raises(SourceError, match="is the selector a query"):
            await AuditLoki(client(url)).find(wanted())
