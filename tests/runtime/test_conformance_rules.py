"""What A2A 1.0 and 0.3 demand of every server, on the very app that the compatibility kit is run against."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.types import AgentCard, AgentExtension

from agents.runtime.cards import load_card
from agents.runtime.conformance import ConformanceExecutor, build_conformance
from agents.runtime.service import build_app
from tests.runtime.scripted import V1, call, http_to, message, rpc, settings_in

NOT_FOUND, NOT_CANCELABLE, NO_PUSH, UNSUPPORTED, CONTENT_TYPE = -32001, -32002, -32003, -32004, -32005
NO_EXTENDED_CARD, EXTENSION_REQUIRED, VERSION = -32007, -32008, -32009
INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, PARSE_ERROR = -32600, -32601, -32602, -32700


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with http_to(build_conformance("planner", settings_in(tmp_path))) as client:
        yield client


async def code(http: httpx.AsyncClient, method: str, params: Any, **headers: str) -> int | None:
    """The error's code of a 1.0 call, None when there is none. Every error has words."""
    answer = await call(http, method, params, **headers)
    if "error" not in answer:
        return None
    assert answer["jsonrpc"] == "2.0" and answer["id"] == 7 and answer["error"]["message"]
    return answer["error"]["code"]


async def old(http: httpx.AsyncClient, method: str, params: Any, **headers: str) -> dict[str, Any]:
    """A 0.3 call."""
    response = await http.post("/", json=rpc(method, params), headers=headers)
    assert response.status_code == 200
    return response.json()


def old_message(words: str = "hi", message_id: str = "m1", **more: Any) -> dict[str, Any]:
    parts = more.pop("parts", [{"kind": "text", "text": words}])
    return {"message": {"kind": "message", "messageId": message_id, "role": "user", "parts": parts, **more}}


async def task_in(http: httpx.AsyncClient, beginning: str) -> dict[str, Any]:
    return (await call(http, "SendMessage", message("x", f"{beginning}-1")))["result"]["task"]


# -- JSON-RPC itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", PARSE_ERROR),
        ('{"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message"', PARSE_ERROR),
        ('{"jsonrpc": "1.0", "id": 1, "method": "SendMessage", "params": {}}', INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1, "params": {}}', INVALID_REQUEST),
        ('{"id": 1, "method": "SendMessage"}', INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": {"a": 1}, "method": "SendMessage"}', INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1, "method": "NoSuchMethod"}', NO_METHOD),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tasks/nothing"}', NO_METHOD),
    ],
)
async def test_a_broken_call_has_the_code_of_json_rpc(http: httpx.AsyncClient, body: str, expected: int) -> None:
    response = await http.post("/", content=body, headers={**V1, "Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (200, expected)


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data"])
async def test_what_is_not_json_is_told_so(http: httpx.AsyncClient, media_type: str) -> None:
    response = await http.post("/", content="x", headers={**V1, "Content-Type": media_type})
    assert response.json()["error"]["code"] == CONTENT_TYPE


@pytest.mark.parametrize("media_type", ["application/json", "application/a2a+json", "application/json; charset=utf-8"])
async def test_json_is_taken_under_each_of_its_names(http: httpx.AsyncClient, media_type: str) -> None:
    body = json.dumps(rpc("SendMessage", message("x", "tck-complete-task-1")))
    response = await http.post("/", content=body, headers={**V1, "Content-Type": media_type})
    assert "result" in response.json()


# -- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["99.0", "2.0", "0.3", "nonsense", ""])
async def test_a_1_0_method_is_answered_in_1_0_only(http: httpx.AsyncClient, version: str) -> None:
    response = await http.post("/", json=rpc("SendMessage", message("x")), headers={"A2A-Version": version})
    assert response.json()["error"]["code"] == VERSION


async def test_versions_are_kept_to_over_rest_as_well(http: httpx.AsyncClient) -> None:
    body = message("x", "tck-complete-task-1")
    assert (await http.post("/rest/message:send", json=body, headers={"A2A-Version": "99.0"})).status_code == 400
    assert (await http.post("/rest/message:send", json=body, headers=V1)).status_code == 200


async def test_a_0_3_method_under_a_foreign_version_is_refused(http: httpx.AsyncClient) -> None:
    assert "error" in await old(http, "message/send", old_message(), **{"A2A-Version": "99.0"})
    for version in ("0.3", "0.3.0", ""):
        assert "result" in await old(http, "message/send", old_message(), **{"A2A-Version": version}), version


# -- parameters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("SendMessage", {}),
        ("SendMessage", {"message": "words"}),
        ("SendMessage", {"message": {"messageId": "m", "role": "ROLE_USER", "parts": []}}),
        ("SendMessage", {"message": {"role": "ROLE_USER", "parts": [{"text": "x"}]}}),
        ("SendMessage", {"message": {"messageId": "m", "parts": [{"text": "x"}]}}),
        ("SendMessage", {"message": {"messageId": "m", "role": "ROLE_BOSS", "parts": [{"text": "x"}]}}),
        ("GetTask", {}),
        ("GetTask", {"id": 7}),
        ("CancelTask", {}),
        ("SubscribeToTask", {}),
        ("ListTasks", {"pageSize": 0}),
        ("ListTasks", {"pageSize": -1}),
        ("ListTasks", {"pageSize": 101}),
        ("ListTasks", {"historyLength": -1}),
        ("ListTasks", {"pageToken": "made up"}),
        ("ListTasks", {"status": "TASK_STATE_NICE"}),
        ("ListTasks", {"statusTimestampAfter": "yesterday"}),
        ("GetTask", {"id": "x", "historyLength": -1}),
        ("SendMessage", {**message("x"), "configuration": {"historyLength": -2}}),
    ],
)
async def test_wrong_parameters_of_1_0_are_invalid(http: httpx.AsyncClient, method: str, params: Any) -> None:
    assert await code(http, method, params) == INVALID_PARAMS


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("message/send", {}),
        ("message/send", {"message": "words"}),
        ("message/send", {"message": {"role": "user", "parts": [{"kind": "text", "text": "x"}]}}),
        ("message/send", {"message": {"messageId": "m", "parts": [{"kind": "text", "text": "x"}]}}),
        ("message/send", old_message(parts=[{"kind": "hologram", "text": "x"}])),
        ("message/send", old_message(parts=[{"type": "hologram", "text": "x"}])),
        ("message/send", old_message(parts=[{"kind": "text"}])),
        ("message/send", old_message(parts=[{"kind": "file", "file": {}}])),
        ("message/stream", {}),
        ("tasks/get", {}),
        ("tasks/get", {"id": None}),
        ("tasks/cancel", {}),
        ("tasks/resubscribe", {}),
        ("tasks/pushNotificationConfig/set", {"taskId": "x"}),
        ("tasks/pushNotificationConfig/delete", {"id": "x"}),
    ],
)
async def test_wrong_parameters_of_0_3_are_invalid(http: httpx.AsyncClient, method: str, params: Any) -> None:
    assert (await old(http, method, params))["error"]["code"] == INVALID_PARAMS


# -- tasks -------------------------------------------------------------------------------------------------------


async def test_tasks_that_nobody_has_are_not_found(http: httpx.AsyncClient) -> None:
    for method in ("GetTask", "CancelTask", "SubscribeToTask"):
        assert await code(http, method, {"id": "nowhere"}) == NOT_FOUND
    for method in ("tasks/get", "tasks/cancel"):
        assert (await old(http, method, {"id": "nowhere"}))["error"]["code"] == NOT_FOUND
    assert await code(http, "SendMessage", message("x", "tck-x", taskId="nowhere")) == NOT_FOUND
    assert (await old(http, "message/send", old_message(taskId="nowhere")))["error"]["code"] == NOT_FOUND
    rest = await http.get("/rest/tasks/nowhere", headers=V1)
    assert rest.status_code == 404 and rest.json()["error"]["details"]


@pytest.mark.parametrize("beginning", ["tck-complete-task", "tck-reject-task"])
async def test_a_task_that_has_ended_takes_nothing_more(http: httpx.AsyncClient, beginning: str) -> None:
    task = await task_in(http, beginning)
    assert await code(http, "SendMessage", message("more", "tck-x", taskId=task["id"])) == UNSUPPORTED
    assert await code(http, "SubscribeToTask", {"id": task["id"]}) == UNSUPPORTED
    assert await code(http, "CancelTask", {"id": task["id"]}) == NOT_CANCELABLE
    assert (await old(http, "tasks/cancel", {"id": task["id"]}))["error"]["code"] == NOT_CANCELABLE


async def test_a_task_is_continued_in_its_own_context_only(http: httpx.AsyncClient) -> None:
    task = await task_in(http, "tck-input-required")
    params = message("more", "tck-complete-task-2", taskId=task["id"], contextId="another")
    assert await code(http, "SendMessage", params) == INVALID_PARAMS
    good = message("more", "tck-complete-task-2", taskId=task["id"], contextId=task["contextId"])
    assert (await call(http, "SendMessage", good))["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


@pytest.mark.parametrize(("length", "shown"), [(0, 0), (1, 1), (2, 2), (None, 3), (50, 3)])
async def test_no_more_history_is_shown_than_was_asked_for(
    http: httpx.AsyncClient, length: int | None, shown: int
) -> None:
    task = await task_in(http, "tck-input-required")
    last = message("more", "tck-complete-task-2", taskId=task["id"])
    await call(http, "SendMessage", last)
    limit = {} if length is None else {"historyLength": length}
    found = (await call(http, "GetTask", {"id": task["id"], **limit}))["result"]
    assert len(found.get("history", [])) == shown
    legacy = (await old(http, "tasks/get", {"id": task["id"], **limit}))["result"]
    assert len(legacy.get("history") or []) == shown
    if shown == 1:
        assert found["history"][0]["messageId"] == "tck-complete-task-2", "the newest is kept"


async def test_a_listing_has_everything_that_a_listing_must_have(http: httpx.AsyncClient) -> None:
    empty = (await call(http, "ListTasks", {}))["result"]
    assert (empty["tasks"], empty["totalSize"], empty["pageSize"], empty["nextPageToken"]) == ([], 0, 50, "")
    task = await task_in(http, "tck-artifact-text")
    listed = (await call(http, "ListTasks", {"contextId": task["contextId"]}))["result"]["tasks"]
    assert [one["id"] for one in listed] == [task["id"]] and "artifacts" not in listed[0]
    after = {"statusTimestampAfter": "2999-01-01T00:00:00Z"}
    assert (await call(http, "ListTasks", after))["result"]["totalSize"] == 0


# -- capabilities ------------------------------------------------------------------------------------------------


def bare(card: AgentCard) -> None:
    card.capabilities.streaming = False
    card.capabilities.push_notifications = False


def demanding(card: AgentCard) -> None:
    card.capabilities.extensions.append(AgentExtension(uri="https://example.com/must", required=True))


async def served(folder: Path, change: Any) -> Any:
    settings = settings_in(folder)
    card = load_card("planner", settings)
    change(card)
    return build_app(card, ConformanceExecutor(), settings, name="bare", recognise_repetition=False)


async def test_what_the_card_does_not_promise_is_refused(tmp_path: Path) -> None:
    async with http_to(await served(tmp_path, bare)) as http:
        task = await task_in(http, "tck-input-required")
        assert await code(http, "SendStreamingMessage", message("x", "tck-stream-001-1")) == UNSUPPORTED
        assert await code(http, "SubscribeToTask", {"id": task["id"]}) == UNSUPPORTED
        config = {"taskId": task["id"], "url": "https://example.com/hook"}
        assert await code(http, "CreateTaskPushNotificationConfig", config) == NO_PUSH
        assert await code(http, "ListTaskPushNotificationConfigs", {"taskId": task["id"]}) == NO_PUSH
        inline = {"configuration": {"taskPushNotificationConfig": {"url": "https://example.com/hook"}}}
        assert await code(http, "SendMessage", {**message("x", "tck-complete-task-2"), **inline}) == NO_PUSH
        set_old = {"taskId": task["id"], "pushNotificationConfig": {"url": "https://example.com/hook"}}
        assert (await old(http, "tasks/pushNotificationConfig/set", set_old))["error"]["code"] == NO_PUSH
        rest = await http.post("/rest/message:stream", json=message("x", "tck-stream-001-2"), headers=V1)
        assert "error" in rest.text


async def test_a_demanded_extension_has_to_be_supported(tmp_path: Path) -> None:
    async with http_to(await served(tmp_path, demanding)) as http:
        params = message("x", "tck-complete-task-1")
        assert await code(http, "SendMessage", params) == EXTENSION_REQUIRED
        assert await code(http, "SendMessage", params, **{"A2A-Extensions": "https://example.com/must"}) is None


async def test_the_extended_card_that_nobody_promised_is_given_to_nobody(http: httpx.AsyncClient) -> None:
    card = (await http.get("/.well-known/agent-card.json")).json()
    assert not card["capabilities"].get("extendedAgentCard")
    assert await code(http, "GetExtendedAgentCard", {}) == UNSUPPORTED
    legacy = await old(http, "agent/getAuthenticatedExtendedCard", {})
    assert legacy["error"]["code"] == NO_EXTENDED_CARD
    assert (await http.get("/rest/extendedAgentCard", headers=V1)).status_code >= 400


# -- push configurations -----------------------------------------------------------------------------------------


async def test_push_configurations_are_made_read_listed_and_deleted_in_1_0(http: httpx.AsyncClient) -> None:
    task = await task_in(http, "tck-input-required")
    ids = {"taskId": task["id"], "id": "c1"}
    hook = "http://127.0.0.1:9/hook"
    made = (await call(http, "CreateTaskPushNotificationConfig", {**ids, "url": hook, "token": "t"}))["result"]
    assert (made["id"], made["taskId"], made["url"]) == ("c1", task["id"], hook)
    assert (await call(http, "GetTaskPushNotificationConfig", ids))["result"]["url"] == hook
    listed = (await call(http, "ListTaskPushNotificationConfigs", {"taskId": task["id"]}))["result"]["configs"]
    assert [config["id"] for config in listed] == ["c1"]
    for _ in range(2):
        assert await code(http, "DeleteTaskPushNotificationConfig", ids) is None, "deleting twice is fine"
    assert await code(http, "GetTaskPushNotificationConfig", ids) == NOT_FOUND
    for method in ("CreateTaskPushNotificationConfig", "ListTaskPushNotificationConfigs"):
        assert await code(http, method, {"taskId": "nowhere", "url": hook}) in (NOT_FOUND, INVALID_PARAMS)


async def test_push_configurations_are_made_read_listed_and_deleted_in_0_3(http: httpx.AsyncClient) -> None:
    task = await task_in(http, "tck-input-required")
    config = {"id": "c1", "url": "http://127.0.0.1:9/hook"}
    params = {"taskId": task["id"], "pushNotificationConfig": config}
    made = (await old(http, "tasks/pushNotificationConfig/set", params))["result"]
    assert (made["taskId"], made["pushNotificationConfig"]["id"]) == (task["id"], "c1")
    ids = {"id": task["id"], "pushNotificationConfigId": "c1"}
    found = (await old(http, "tasks/pushNotificationConfig/get", ids))["result"]
    assert found["pushNotificationConfig"]["url"] == config["url"]
    listed = (await old(http, "tasks/pushNotificationConfig/list", {"id": task["id"]}))["result"]
    assert [one["pushNotificationConfig"]["id"] for one in listed] == ["c1"]
    deleted = await old(http, "tasks/pushNotificationConfig/delete", ids)
    assert ("result" in deleted, deleted.get("result")) == (True, None)
    assert "error" in await old(http, "tasks/pushNotificationConfig/get", ids)
    nowhere = {**params, "taskId": "nowhere"}
    assert (await old(http, "tasks/pushNotificationConfig/set", nowhere))["error"]["code"] == NOT_FOUND


# -- streams -----------------------------------------------------------------------------------------------------


def frames(body: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]


async def test_a_stream_is_of_server_sent_events_that_answer_the_call(http: httpx.AsyncClient) -> None:
    body = rpc("SendStreamingMessage", message("x", "tck-stream-ordering-001-1"))
    response = await http.post("/", json=body, headers=V1)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = frames(response.text)
    assert {(event["jsonrpc"], event["id"]) for event in events} == {("2.0", 7)}
    kinds = [next(iter(event["result"])) for event in events]
    assert (kinds[0], kinds[-1]) == ("task", "statusUpdate") and "artifactUpdate" in kinds
    task_id = events[0]["result"]["task"]["id"]
    assert {event["result"][kind]["taskId"] for event, kind in zip(events[1:], kinds[1:], strict=True)} == {task_id}


async def test_a_stream_that_begins_with_a_message_holds_nothing_else(http: httpx.AsyncClient) -> None:
    body = rpc("SendStreamingMessage", message("x", "tck-message-response-1"))
    events = frames((await http.post("/", json=body, headers=V1)).text)
    assert [next(iter(event["result"])) for event in events] == ["message"]


async def test_an_error_of_a_streaming_call_has_its_code(http: httpx.AsyncClient) -> None:
    response = await http.post("/", json=rpc("SendStreamingMessage", message("x", "tck", taskId="nowhere")), headers=V1)
    found = frames(response.text)[0] if "event-stream" in response.headers["content-type"] else response.json()
    assert found["error"]["code"] == NOT_FOUND


async def test_a_0_3_stream_ends_with_the_final_event(http: httpx.AsyncClient) -> None:
    response = await http.post("/", json=rpc("message/stream", old_message("x", "tck-stream-001-1")))
    results = [frame["result"] for frame in frames(response.text)]
    assert results[0]["kind"] == "task"
    finals = [event.get("final") for event in results if event["kind"] == "status-update"]
    assert finals[-1] is True and finals.count(True) == 1


# -- cards -------------------------------------------------------------------------------------------------------


async def test_the_card_is_cacheable_and_names_where_to_call(http: httpx.AsyncClient) -> None:
    response = await http.get("/.well-known/agent-card.json")
    assert {"etag", "last-modified", "cache-control"} <= set(response.headers)
    again = await http.get("/.well-known/agent-card.json", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    card = response.json()
    bindings = {interface["protocolBinding"]: interface["protocolVersion"] for interface in card["supportedInterfaces"]}
    assert bindings == {"JSONRPC": "1.0", "HTTP+JSON": "1.0"} and "url" not in card
    legacy = (await http.get("/.well-known/agent-card.json", headers={"A2A-Version": "0.3"})).json()
    assert legacy["protocolVersion"].startswith("0.3") and legacy["preferredTransport"] == "JSONRPC"
    assert legacy["capabilities"]["streaming"] is True and legacy["skills"][0]["tags"]
