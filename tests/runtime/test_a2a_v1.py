"""A2A 1.0 as clients see it: raw JSON over JSON-RPC and HTTP+JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from agents.runtime.findings import FINDING_EXTENSION
from agents.runtime.output_modes import READ_BY_PROGRAMS
from tests.runtime.scripted import V1, Scripted, call, message, rpc, started, task_of


def events(body: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:])["result"] for line in body.splitlines() if line.startswith("data: ")]


async def test_a_blocking_send_returns_the_completed_task(http: httpx.AsyncClient) -> None:
    task = await task_of(http, "hello")
    assert task["status"]["state"] == "TASK_STATE_COMPLETED"
    assert task["artifacts"][0]["artifactId"] == "answer"
    assert task["artifacts"][0]["parts"][0]["text"] == "echo: hello"
    assert task["history"][0]["messageId"] == "m1"


async def test_a_stream_begins_with_the_task_and_ends_with_its_end(http: httpx.AsyncClient) -> None:
    response = await http.post("/", json=rpc("SendStreamingMessage", message("chunks")), headers=V1)
    first, *rest = events(response.text)
    assert "task" in first
    text = "".join(e["artifactUpdate"]["artifact"]["parts"][0]["text"] for e in rest if "artifactUpdate" in e)
    assert text == "0 1 2 3 4 "
    assert rest[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_an_agent_may_answer_without_a_task(http: httpx.AsyncClient) -> None:
    answer = await call(http, "SendMessage", message("reply"))
    assert answer["result"]["message"]["parts"][0]["text"] == "just words"
    again = await call(http, "SendMessage", message("reply"))
    assert again["result"] == answer["result"]


async def test_a_return_immediately_send_does_not_wait(http: httpx.AsyncClient, executor: Scripted) -> None:
    task = await started(http, "wait")
    assert task["status"]["state"] in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING")
    executor.go.set()


async def test_the_version_may_come_as_a_query_parameter_and_is_demanded(http: httpx.AsyncClient) -> None:
    good = await http.post("/?A2A-Version=1.0", json=rpc("SendMessage", message("x")))
    assert "result" in good.json()
    none = await http.post("/", json=rpc("SendMessage", message("x")))
    assert none.json()["error"]["code"] == -32009


async def test_a_failing_agent_leaves_a_failed_task_that_says_why(http: httpx.AsyncClient) -> None:
    task = await task_of(http, "fail")
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert "the disk is full" in task["status"]["message"]["parts"][0]["text"]


async def test_a_refusal_before_the_task_is_a_protocol_error(http: httpx.AsyncClient) -> None:
    assert (await call(http, "SendMessage", message("refuse")))["error"]["code"] == -32602
    listed = await call(http, "ListTasks", {})
    assert listed["result"]["totalSize"] == 0


async def test_a_follow_up_that_names_only_its_task_continues_in_its_context(http: httpx.AsyncClient) -> None:
    asked = await task_of(http, "ask")
    assert asked["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    assert asked["status"]["message"]["parts"][0]["text"] == "Which namespace?"
    done = await task_of(http, "shop", "m2", taskId=asked["id"])
    assert (done["id"], done["contextId"]) == (asked["id"], asked["contextId"])
    assert done["status"]["state"] == "TASK_STATE_COMPLETED"
    words = [part["text"] for entry in done["history"] for part in entry["parts"]]
    assert words == ["ask", "Which namespace?", "shop"]


async def test_the_stream_of_a_follow_up_does_not_repeat_the_question_as_its_state(http: httpx.AsyncClient) -> None:
    asked = await task_of(http, "ask")
    params = message("shop", "m2", taskId=asked["id"])
    response = await http.post("/", json=rpc("SendStreamingMessage", params), headers=V1)
    first, *_, last = events(response.text)
    assert first["task"]["status"]["state"] == "TASK_STATE_WORKING"
    assert last["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ({"taskId": "nowhere"}, -32001),
        ({"taskId": "{task}", "contextId": "other"}, -32602),
        ({"taskId": "{task}"}, -32004),
    ],
)
async def test_a_wrong_follow_up_is_refused(http: httpx.AsyncClient, ids: dict[str, str], code: int) -> None:
    task = await task_of(http, "hello")
    named = {key: value.format(task=task["id"]) for key, value in ids.items()}
    answer = await call(http, "SendMessage", message("more", "m2", **named))
    assert answer["error"]["code"] == code


async def test_a_message_to_a_working_task_is_refused_and_the_task_goes_on(
    http: httpx.AsyncClient, executor: Scripted
) -> None:
    task = await started(http, "wait")
    refused = await call(http, "SendMessage", message("more", "m2", taskId=task["id"]))
    assert refused["error"]["code"] == -32004
    assert "working" in refused["error"]["message"]
    executor.go.set()
    assert (await task_of(http, "wait"))["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_of_two_answers_at_once_one_is_taken(http: httpx.AsyncClient, executor: Scripted) -> None:
    asked = await task_of(http, "ask")
    answers = await asyncio.gather(
        *(call(http, "SendMessage", message(f"shop {n}", f"a{n}", taskId=asked["id"])) for n in range(4))
    )
    assert sum("result" in answer for answer in answers) == 1
    assert executor.runs == 2


async def test_cancel_reaches_a_running_tool(http: httpx.AsyncClient, executor: Scripted) -> None:
    task = await started(http, "tool")
    await executor.working.wait()
    watching = asyncio.create_task(http.post("/", json=rpc("SubscribeToTask", {"id": task["id"]}), headers=V1))
    await asyncio.sleep(0.05)
    cancelled = await call(http, "CancelTask", {"id": task["id"]})
    assert cancelled["result"]["status"]["state"] == "TASK_STATE_CANCELED"
    assert executor.tool_cancelled.is_set()
    assert events((await watching).text)[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_CANCELED"
    assert (await call(http, "CancelTask", {"id": task["id"]}))["error"]["code"] == -32002


async def test_a_blocking_sender_sees_the_cancel(http: httpx.AsyncClient, executor: Scripted) -> None:
    sending = asyncio.create_task(task_of(http, "wait"))
    await executor.working.wait()
    listed = await call(http, "ListTasks", {})
    await call(http, "CancelTask", {"id": listed["result"]["tasks"][0]["id"]})
    assert (await sending)["status"]["state"] == "TASK_STATE_CANCELED"


async def test_a_parked_task_can_be_cancelled(http: httpx.AsyncClient) -> None:
    asked = await task_of(http, "ask")
    answer = await call(http, "CancelTask", {"id": asked["id"]})
    assert answer["result"]["status"]["state"] == "TASK_STATE_CANCELED"


async def test_resubscribing_starts_from_a_snapshot_and_follows_to_the_end(
    http: httpx.AsyncClient, executor: Scripted
) -> None:
    task = await started(http, "wait")
    await executor.working.wait()
    watching = asyncio.create_task(http.post("/", json=rpc("SubscribeToTask", {"id": task["id"]}), headers=V1))
    await asyncio.sleep(0.05)
    executor.go.set()
    first, *rest = events((await watching).text)
    assert first["task"]["id"] == task["id"]
    assert rest[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    over = await call(http, "SubscribeToTask", {"id": task["id"]})
    assert over["error"]["code"] == -32004


async def test_tasks_are_listed_newest_first_page_by_page(http: httpx.AsyncClient) -> None:
    made = [(await task_of(http, f"t{n}", f"m{n}", contextId="c" if n % 2 else "d"))["id"] for n in range(7)]
    seen: list[str] = []
    token = ""
    while True:
        page = (await call(http, "ListTasks", {"pageSize": 3, "pageToken": token}))["result"]
        assert page["totalSize"] == 7
        seen += [task["id"] for task in page["tasks"]]
        assert all("artifacts" not in task for task in page["tasks"])
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == made[::-1]
    mine = (await call(http, "ListTasks", {"contextId": "c", "includeArtifacts": True}))["result"]
    assert {task["id"] for task in mine["tasks"]} == set(made[1::2])
    assert all(task["artifacts"] for task in mine["tasks"])
    assert (await call(http, "ListTasks", {"status": "TASK_STATE_FAILED"}))["result"]["tasks"] == []
    assert (await call(http, "ListTasks", {"pageToken": "nonsense"}))["error"]["code"] == -32602
    assert (await call(http, "ListTasks", {"pageSize": 101}))["error"]["code"] == -32602


async def test_users_and_tenants_do_not_see_each_others_tasks(http: httpx.AsyncClient) -> None:
    task = (await call(http, "SendMessage", message("x"), **{"X-User-Id": "ann"}))["result"]["task"]
    assert "result" in await call(http, "GetTask", {"id": task["id"]}, **{"X-User-Id": "ann"})
    other_tenant = {"id": task["id"], "tenant": "acme"}
    for params, user in (({"id": task["id"]}, "bob"), (other_tenant, "ann")):
        for method in ("GetTask", "CancelTask", "SubscribeToTask"):
            assert (await call(http, method, params, **{"X-User-Id": user}))["error"]["code"] == -32001
    assert (await call(http, "ListTasks", {}, **{"X-User-Id": "bob"}))["result"]["totalSize"] == 0


async def test_long_ids_are_kept_and_absurd_ones_refused(http: httpx.AsyncClient) -> None:
    task = await task_of(http, "x", contextId="c" * 300)
    assert task["contextId"] == "c" * 300
    assert (await call(http, "SendMessage", message("x", "m" * 600)))["error"]["code"] == -32602


async def test_a_foreign_content_type_is_told_so(http: httpx.AsyncClient) -> None:
    response = await http.post("/", content="<x/>", headers={**V1, "Content-Type": "application/xml"})
    assert response.json()["error"]["code"] == -32005


async def test_an_activated_extension_is_echoed_and_adds_the_finding(http: httpx.AsyncClient) -> None:
    uri = "https://kubeteam.dev/extensions/finding/v1"
    headers = {**V1, "A2A-Extensions": uri}
    response = await http.post("/", json=rpc("SendMessage", message("x")), headers=headers)
    assert response.headers["A2A-Extensions"] == uri
    names = [artifact["artifactId"] for artifact in response.json()["result"]["task"]["artifacts"]]
    assert names == ["answer", "finding"]


async def test_rest_sends_streams_reads_lists_and_cancels(http: httpx.AsyncClient) -> None:
    sent = await http.post("/rest/message:send", json=message("ask"), headers=V1)
    task = sent.json()["task"]
    assert (await http.get(f"/rest/tasks/{task['id']}", headers=V1)).json()["id"] == task["id"]
    assert (await http.get("/rest/tasks?pageSize=5", headers=V1)).json()["totalSize"] == 1
    cancelled = await http.post(f"/rest/tasks/{task['id']}:cancel", json={}, headers=V1)
    assert cancelled.json()["status"]["state"] == "TASK_STATE_CANCELED"
    stream = await http.post("/rest/message:stream", json=message("x", "m2"), headers=V1)
    assert "TASK_STATE_COMPLETED" in stream.text
    assert (await http.get("/rest/tasks/nowhere", headers=V1)).status_code == 404
    assert (await http.get("/rest/acme/tasks", headers=V1)).json()["totalSize"] == 0


@pytest.mark.parametrize("asked", [True, False])
async def test_only_who_gets_the_finding_goes_without_the_answers_words(http: httpx.AsyncClient, asked: bool) -> None:
    params = {**message("hello"), "configuration": {"acceptedOutputModes": READ_BY_PROGRAMS}}
    headers = {**V1, "A2A-Extensions": FINDING_EXTENSION} if asked else V1
    response = await http.post("/", json=rpc("SendStreamingMessage", params), headers=headers)
    artifacts = [e["artifactUpdate"]["artifact"]["artifactId"] for e in events(response.text) if "artifactUpdate" in e]
    assert artifacts == (["finding"] if asked else ["answer"])
