"""CloudEvents in both content modes become incidents, once by source and id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.planner.incidents.conftest import House, Start

STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}


def event(id: str = "1", **changed: Any) -> dict[str, Any]:
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": "/monitors/synthetic",
        "type": "com.example.check.failed",
        "subject": "checkout",
        "time": "2026-11-20T17:22:38.413332699Z",
        "traceparent": "an extension",
        "datacontenttype": "application/json",
        "data": {"summary": "checkout answers 503", "severity": "critical", "namespace": "front", "deployment": "web"},
    }
    return {**attributes, **changed}


async def structured(house: House, body: dict[str, Any]) -> Any:
    return await house.post(None, path="/v1/events", headers=STRUCTURED, content=json.dumps(body).encode())


async def binary(house: House, body: dict[str, Any], data: bytes | None = None, type: str = "application/json") -> Any:
    headers = {f"ce-{key}": str(value) for key, value in body.items() if key not in ("data", "datacontenttype")}
    data = json.dumps(body["data"]).encode() if data is None else data
    return await house.post(None, path="/v1/events", headers={**headers, "Content-Type": type}, content=data)


@pytest.mark.parametrize("send", [structured, binary])
async def test_an_event_becomes_an_incident(start: Start, send: Any) -> None:
    house = await start()
    assert (await send(house, event())).json()["new"] == 1
    (incident,) = await house.until("waiting")
    assert incident["source"] == "cloudevents" and incident["severity"] == "critical"
    assert incident["resource"] == "front/Deployment/web"
    assert incident["title"] == "com.example.check.failed: checkout answers 503"


async def test_an_event_is_known_by_source_and_id_in_either_mode(start: Start) -> None:
    house = await start()
    await structured(house, event())
    assert (await binary(house, event())).json()["new"] == 0
    other = await structured(house, event(source="/monitors/other"))
    assert other.json()["new"] == 1, "ids are unique within their source alone"
    assert len(await house.until("waiting", count=2)) == 2


async def test_events_of_one_subject_are_one_incident_until_it_is_resolved(start: Start) -> None:
    house = await start()
    await structured(house, event("1", type="check.failed"))
    await structured(house, event("2", type="check.failed"))
    (incident,) = await house.until("waiting")
    assert incident["total"] == 2
    await structured(house, event("3", type="check.failed.resolved"))
    await house.until("resolved")


async def test_percent_encoded_headers_and_plain_text_are_read(start: Start) -> None:
    house = await start()
    taken = await binary(house, event(subject="%E7%BB%93%E8%B4%A6"), "结账失败".encode(), "text/plain; charset=utf-8")
    shown = (await house.http.get(f"/v1/incidents/{taken.json()['incident_id']}")).json()
    assert shown["signals"][0]["labels"]["subject"] == "结账" and "结账失败" in shown["title"]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", 415),
        (STRUCTURED, b"{", 400),
        (STRUCTURED, b"[]", 422),
        (STRUCTURED, b'{"specversion": "0.3", "id": "1", "source": "s", "type": "t"}', 422),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s"}, b"", 422),
    ],
)
async def test_what_is_no_event_is_refused(start: Start, headers: dict[str, str], body: bytes, code: int) -> None:
    house = await start()
    assert (await house.post(None, path="/v1/events", headers=headers, content=body)).status_code == code
    assert (await house.post(None, path="/v1/events", token="other", content=body)).status_code == 401
