"""The scripted executor does what the compatibility kit asks by the beginnings of its message ids, on every card."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agents.runtime import conformance
from agents.runtime.conformance import build_conformance
from tests.runtime.scripted import V1, call, http_to, message, rpc, settings_in

SCRIPT = [
    ("tck-complete-task", "TASK_STATE_COMPLETED", None),
    ("tck-artifact-text", "TASK_STATE_COMPLETED", {"text": "Generated text content", "mediaType": "text/plain"}),
    ("tck-artifact-file", "TASK_STATE_COMPLETED", {"raw": "dGNr", "mediaType": "text/plain", "filename": "output.txt"}),
    ("tck-artifact-data", "TASK_STATE_COMPLETED", {"data": {"key": "value", "count": 42.0}}),
    ("tck-input-required", "TASK_STATE_INPUT_REQUIRED", None),
    ("tck-reject-task", "TASK_STATE_REJECTED", None),
    ("tck-stream-001", "TASK_STATE_COMPLETED", {"text": "Stream hello from TCK", "mediaType": "text/plain"}),
    ("tck-stream-002", "TASK_STATE_COMPLETED", None),
    ("tck-stream-003", "TASK_STATE_COMPLETED", {"text": "Stream task lifecycle", "mediaType": "text/plain"}),
    ("tck-stream-ordering-001", "TASK_STATE_COMPLETED", {"text": "Ordered output", "mediaType": "text/plain"}),
]


@pytest.mark.parametrize("name", ["planner", "metrics", "auditor", "diagnoser", "executor"])
async def test_every_service_follows_the_script(name: str, tmp_path: Path) -> None:
    async with http_to(build_conformance(name, settings_in(tmp_path))) as http:
        for beginning, state, part in SCRIPT:
            answer = await call(http, "SendMessage", message("x", f"{beginning}-ab12"))
            task = answer["result"]["task"]
            assert task["status"]["state"] == state, beginning
            if part is not None:
                assert task["artifacts"][0]["parts"][0] == part
        reply = await call(http, "SendMessage", message("x", "tck-message-response-1"))
        assert reply["result"]["message"]["parts"][0]["text"] == "Direct message response"
        by_url = await call(http, "SendMessage", message("x", "tck-artifact-file-url-1"))
        assert by_url["result"]["task"]["artifacts"][0]["parts"][0]["url"].startswith("https://")


async def test_chunks_append_to_one_artifact(tmp_path: Path) -> None:
    async with http_to(build_conformance("metrics", settings_in(tmp_path))) as http:
        body = rpc("SendStreamingMessage", message("x", "tck-stream-artifact-chunked-1"))
        response = await http.post("/", json=body, headers=V1)
    results: list[dict[str, Any]] = [
        json.loads(x[6:])["result"] for x in response.text.splitlines() if x[:5] == "data:"
    ]
    chunks = [r["artifactUpdate"] for r in results if "artifactUpdate" in r]
    assert [c.get("append", False) for c in chunks] == [False, True]
    assert chunks[-1]["lastChunk"] is True


async def test_the_kit_may_use_an_id_again_and_gets_a_new_task(tmp_path: Path) -> None:
    async with http_to(build_conformance("metrics", settings_in(tmp_path))) as http:
        ids = [
            (await call(http, "SendMessage", message("x", "tck-complete-task")))["result"]["task"]["id"]
            for _ in range(2)
        ]
    assert ids[0] != ids[1]


async def test_a_task_to_subscribe_to_stays_working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert conformance.HOLD_SECONDS >= 4
    monkeypatch.setattr(conformance, "HOLD_SECONDS", 0.2)
    async with http_to(build_conformance("metrics", settings_in(tmp_path))) as http:
        params = {**message("x", "test-resubscribe-message-id-1"), "configuration": {"returnImmediately": True}}
        task = (await call(http, "SendMessage", params))["result"]["task"]
        watching = http.post("/", json=rpc("SubscribeToTask", {"id": task["id"]}), headers=V1)
        assert "TASK_STATE_COMPLETED" in (await asyncio.wait_for(watching, 5)).text
