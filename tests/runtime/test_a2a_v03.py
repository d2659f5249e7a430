"""A2A 0.3 on the same JSON-RPC URL, as old clients and kagent speak it: raw JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from tests.runtime.scripted import Scripted, rpc


def params(text: str, message_id: str = "m1", **ids: str) -> dict[str, Any]:
    parts = [{"kind": "text", "text": text}]
    return {"message": {"kind": "message", "messageId": message_id, "role": "user", "parts": parts, **ids}}


async def send(http: httpx.AsyncClient, method: str, content: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = await http.post("/", json=rpc(method, content), headers=headers)
    assert response.status_code == 200
    return response.json()


def events(body: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:])["result"] for line in body.splitlines() if line.startswith("data: ")]


async def test_message_send_answers_with_a_0_3_task(http: httpx.AsyncClient) -> None:
    task = (await send(http, "message/send", params("hello")))["result"]
    assert (task["kind"], task["status"]["state"]) == ("task", "completed")
    assert task["artifacts"][0]["parts"][0] == {"kind": "text", "text": "echo: hello"}


async def test_message_stream_ends_with_a_final_event(http: httpx.AsyncClient) -> None:
    response = await http.post("/", json=rpc("message/stream", params("chunks")), headers={"a2a-version": "0.3"})
    first, *_, last = events(response.text)
    assert first["kind"] == "task"
    assert (last["kind"], last["final"], last["status"]["state"]) == ("status-update", True, "completed")


async def test_a_question_is_final_and_its_answer_continues_the_task(http: httpx.AsyncClient) -> None:
    response = await http.post("/", json=rpc("message/stream", params("ask")))
    last = events(response.text)[-1]
    assert (last["final"], last["status"]["state"]) == (True, "input-required")
    done = await send(http, "message/send", params("shop", "m2", taskId=last["taskId"]))
    assert done["result"]["status"]["state"] == "completed"


async def test_get_cancel_and_resubscribe(http: httpx.AsyncClient, executor: Scripted) -> None:
    blocking = {**params("wait"), "configuration": {"blocking": False}}
    task = (await send(http, "message/send", blocking))["result"]
    assert (await send(http, "tasks/get", {"id": task["id"]}))["result"]["id"] == task["id"]
    watching = asyncio.create_task(http.post("/", json=rpc("tasks/resubscribe", {"id": task["id"]})))
    await asyncio.sleep(0.05)
    cancelled = await send(http, "tasks/cancel", {"id": task["id"]})
    assert cancelled["result"]["status"]["state"] == "canceled"
    seen = events((await watching).text)
    assert seen[0]["kind"] == "task"
    assert seen[-1]["status"]["state"] == "canceled"
    assert (await send(http, "tasks/cancel", {"id": task["id"]}))["error"]["code"] == -32002
    assert (await send(http, "tasks/get", {"id": "nowhere"}))["error"]["code"] == -32001


async def test_bad_parameters_and_methods_have_their_codes(http: httpx.AsyncClient) -> None:
    assert (await send(http, "message/send", {"message": "text"}))["error"]["code"] == -32602
    assert (await send(http, "tasks/get", {}))["error"]["code"] == -32602
    assert (await send(http, "no/such", {}))["error"]["code"] == -32601
    broken = await http.post("/", content="{", headers={"Content-Type": "application/json"})
    assert broken.json()["error"]["code"] == -32700


async def test_a_repeated_message_is_recognised_over_0_3_as_well(http: httpx.AsyncClient, executor: Scripted) -> None:
    first = await send(http, "message/send", params("hello"))
    assert (await send(http, "message/send", params("hello")))["result"]["id"] == first["result"]["id"]
    assert executor.runs == 1


async def test_the_user_header_says_whose_task_it_is(http: httpx.AsyncClient, executor: Scripted) -> None:
    task = (await send(http, "message/send", params("hello"), **{"X-User-Id": "ann"}))["result"]
    assert executor.users == ["ann"]
    assert (await send(http, "tasks/get", {"id": task["id"]}))["error"]["code"] == -32001


async def test_a_task_s_only_push_configuration_is_found_without_its_id(http: httpx.AsyncClient) -> None:
    task = (await send(http, "message/send", params("ask")))["result"]
    config = {"taskId": task["id"], "pushNotificationConfig": {"url": "http://127.0.0.1:1/hook"}}
    assert "result" in await send(http, "tasks/pushNotificationConfig/set", config)
    found = await send(http, "tasks/pushNotificationConfig/get", {"id": task["id"]})
    assert found["result"]["pushNotificationConfig"]["url"] == "http://127.0.0.1:1/hook"
    named = {"id": task["id"], "pushNotificationConfigId": task["id"]}
    assert (await send(http, "tasks/pushNotificationConfig/delete", named)) == {
        "jsonrpc": "2.0",
        "id": 7,
        "result": None,
    }
    assert (await send(http, "tasks/pushNotificationConfig/list", {"id": task["id"]}))["result"] == []
