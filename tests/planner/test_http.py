"""The HTTP contract, over a team of fakes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from agents.runtime.findings import Finding
from agents.runtime.updates import InputRequired
from tests.planner.conftest import Serve
from tests.planner.team import Call, FakeTeam, out_of_memory


async def ask(client: httpx.AsyncClient, question: str, **more: Any) -> str:
    response = await client.post("/v1/requests", json={"question": question, **more})
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"/v1/requests/{response.json()['id']}"
    return response.json()["id"]


async def events(client: httpx.AsyncClient, id: str, after: int | None = None) -> list[tuple[int, str, dict[str, Any]]]:
    headers = {"Last-Event-ID": str(after)} if after is not None else {}
    body = (await client.get(f"/v1/requests/{id}/events", headers=headers, timeout=20)).text
    parsed: list[tuple[int, str, dict[str, Any]]] = []
    for block in body.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            parsed.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return parsed


async def until(client: httpx.AsyncClient, id: str, *statuses: str) -> dict[str, Any]:
    for _ in range(1000):
        shown = (await client.get(f"/v1/requests/{id}")).json()
        if shown["status"] in statuses:
            return shown
        await asyncio.sleep(0.01)
    raise AssertionError(f"request {id} never became {statuses}")


def diagnosis(call: Any) -> Finding:
    return Finding(specialist="diagnoser", root_causes=[out_of_memory()])


async def test_the_endpoint_describes_itself(serve: Serve) -> None:
    client, _ = await serve(FakeTeam())
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "post" in paths["/v1/requests"]
    assert "text/event-stream" in paths["/v1/requests/{request_id}/events"]["get"]["responses"]["200"]["content"]
    assert (await client.get("/docs")).status_code == 200


async def test_a_question_is_answered_with_its_root_cause(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(diagnoser=diagnosis))
    id = await ask(client, "The web shop fails. What is wrong?")
    assert (await events(client, id))[-1][2]["status"] == "answered"
    shown = (await client.get(f"/v1/requests/{id}")).json()
    assert shown["root_causes"][0]["resource"] == "front/Deployment/web"
    assert shown["root_causes"][0]["fault"] == "oom_killed"
    assert set(shown["root_causes"][0]["evidence"][0]) == {"source", "query", "observed_at", "excerpt"}
    assert "front/Deployment/web" in shown["answer"]
    assert {s["specialist"] for s in shown["subtasks"]} == {"diagnoser", "auditor", "metrics", "executor"}
    assert all(s["status"] == "done" for s in shown["subtasks"]), shown["subtasks"]
    assert shown["usage"] == {"model": "runbook", "calls": 0, "input_tokens": 0, "output_tokens": 0}
    assert shown["missing"] == []


async def test_the_events_tell_the_plan_and_resume_after_the_last_one_seen(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(diagnoser=diagnosis))
    id = await ask(client, "The web shop fails. What is wrong?")
    whole = await events(client, id)
    assert [number for number, _, _ in whole] == list(range(1, len(whole) + 1))
    kinds = [kind for _, kind, _ in whole]
    assert kinds[0] == "request" and {"plan", "subtask", "progress", "answer"} <= set(kinds)
    plans = [data for _, kind, data in whole if kind == "plan"]
    assert len(plans) >= 2 and {s["id"] for s in plans[-1]["subtasks"]} > {s["id"] for s in plans[0]["subtasks"]}
    assert await events(client, id, after=5) == whole[5:]
    assert await events(client, id, after=len(whole)) == []


async def test_the_answer_event_is_the_request_as_it_is_shown(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(diagnoser=diagnosis))
    id = await ask(client, "The web shop fails. What is wrong?")
    (told,) = [data for _, kind, data in await events(client, id) if kind == "answer"]
    assert told == (await client.get(f"/v1/requests/{id}")).json()


async def test_several_clusters_are_asked_for_and_the_reply_goes_on(serve: Serve) -> None:
    team = FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis)
    client, _ = await serve(team)
    id = await ask(client, "The web shop fails. What is wrong?")
    waiting = await until(client, id, "input_required")
    assert waiting["input_required"]["choices"] == ["prod", "staging"] and waiting["subtasks"] == []
    unclear = await client.post(f"/v1/requests/{id}/reply", json={"text": "the other one"})
    assert unclear.status_code == 422 and "prod, staging" in unclear.json()["detail"]
    assert (await client.post(f"/v1/requests/{id}/reply", json={"text": "staging"})).status_code == 202
    answered = await until(client, id, "answered")
    assert answered["cluster_id"] == "staging" and answered["input_required"] is None
    assert {call.subtask.cluster_id for member in team.members.values() for call in member.calls} == {"staging"}
    again = await client.post(f"/v1/requests/{id}/reply", json={"text": "prod"})
    assert again.status_code == 409 and "answered" in again.json()["detail"]


async def test_a_cluster_that_was_given_is_not_asked_for(serve: Serve) -> None:
    client, _ = await serve(FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis))
    id = await ask(client, "What is wrong with web?", cluster_id="prod")
    assert (await until(client, id, "answered"))["cluster_id"] == "prod"


async def test_a_change_without_a_target_is_asked_for_one_and_is_only_prepared(serve: Serve) -> None:
    team = FakeTeam()
    client, _ = await serve(team)
    id = await ask(client, "重启一下这个服务")
    waiting = await until(client, id, "input_required")
    assert "命名空间" in waiting["input_required"]["question"]
    await client.post(f"/v1/requests/{id}/reply", json={"text": "prod/Deployment/api"})
    await until(client, id, "answered")
    (call,) = team.members["executor"].calls
    assert "prod/Deployment/api" in call.subtask.question and call.subtask.inputs["wish"] == "change"


async def test_what_the_executor_must_know_is_asked_and_the_whole_order_goes_to_it(serve: Serve) -> None:
    def unsure(call: Call) -> Finding:
        asks = call.instruction != "restart deployment api in prod"
        return Finding(specialist="executor", text="ready", facts={"question": "Which api?"} if asks else {})

    team = FakeTeam(executor=unsure)
    client, _ = await serve(team)
    id = await ask(client, "Restart api")
    assert (await until(client, id, "input_required"))["input_required"]["question"] == "Which api?"
    await client.post(f"/v1/requests/{id}/reply", json={"text": "restart deployment api in prod"})
    assert "ready" in (await until(client, id, "answered"))["answer"]
    assert [call.task_id for call in team.members["executor"].calls] == [None, None]


async def test_a_members_question_comes_with_what_the_others_found_until_then(serve: Serve) -> None:
    def unsure(call: Call) -> Finding:
        return Finding(specialist="executor", text="", facts={"question": "Which api?"})

    client, _ = await serve(FakeTeam(diagnoser=diagnosis, executor=unsure))
    id = await ask(client, "Checkout fails again. Please restart deployment api in prod again.")
    waiting = await until(client, id, "input_required")
    assert waiting["input_required"]["question"] == "Which api?"
    assert waiting["root_causes"] and waiting["answer"]


async def test_a_members_question_is_passed_on_and_its_task_continued(serve: Serve) -> None:
    def asks_once(call: Call) -> Any:
        return (
            Finding(specialist="metrics", text=f"of {call.instruction}")
            if call.task_id
            else [InputRequired("Which day?")]
        )

    team = FakeTeam(metrics=asks_once)
    client, _ = await serve(team)
    id = await ask(client, "How much memory does api use?")
    assert (await until(client, id, "input_required"))["input_required"]["question"] == "Which day?"
    await client.post(f"/v1/requests/{id}/reply", json={"text": "yesterday"})
    assert "of yesterday" in (await until(client, id, "answered"))["answer"]
    first, second = team.members["metrics"].calls
    assert second.task_id == f"task-{first.message_id}" and second.message_id != first.message_id


async def test_cancelling_stops_the_members_too(serve: Serve) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    team.members["diagnoser"].gate = asyncio.Event()
    client, _ = await serve(team)
    id = await ask(client, "What is wrong with web?")
    await team.members["diagnoser"].started.wait()
    assert (await client.delete(f"/v1/requests/{id}")).json()["status"] == "cancelled"
    assert team.members["diagnoser"].cancelled
    shown = (await client.get(f"/v1/requests/{id}")).json()
    assert shown["status"] == "cancelled"
    assert {s["status"] for s in shown["subtasks"] if s["specialist"] == "diagnoser"} == {"cancelled"}
    assert (await events(client, id))[-1][2]["status"] == "cancelled"
    assert (await client.delete(f"/v1/requests/{id}")).json()["status"] == "cancelled"


async def test_requests_are_listed_newest_first_page_by_page(serve: Serve) -> None:
    client, _ = await serve(FakeTeam())
    ids = [await ask(client, f"What is wrong with web {n}?") for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await client.get("/v1/requests", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [line["id"] for line in page["requests"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


async def test_the_user_comes_from_the_body_or_the_header(serve: Serve) -> None:
    team = FakeTeam(diagnoser=diagnosis)
    client, _ = await serve(team)
    response = await client.post("/v1/requests", json={"question": "Why is web down?"}, headers={"X-User-Id": "bob"})
    await until(client, response.json()["id"], "answered")
    assert {call.user for call in team.members["diagnoser"].calls} == {"bob"}


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "word"),
    [
        ("POST", "/v1/requests", {"question": "  "}, 422, "question"),
        ("POST", "/v1/requests", {"question": "x" * 20_001}, 422, "question"),
        ("POST", "/v1/requests", {"question": "why", "langauge": "en"}, 422, "langauge"),
        ("POST", "/v1/requests", {"question": "why", "language": "fr"}, 422, "language"),
        ("POST", "/v1/requests", {"question": "x" * 300_000}, 413, "bytes"),
        ("GET", "/v1/requests?limit=0", None, 422, "limit"),
        ("GET", "/v1/requests?cursor=nonsense", None, 400, "cursor"),
        ("GET", "/v1/requests/none", None, 404, "none"),
        ("GET", "/v1/requests/none/events", None, 404, "none"),
        ("POST", "/v1/requests/none/reply", {"text": "x"}, 404, "none"),
        ("DELETE", "/v1/requests/none", None, 404, "none"),
    ],
)
async def test_a_wrong_call_is_told_what_is_wrong(
    serve: Serve, method: str, path: str, body: Any, code: int, word: str
) -> None:
    client, _ = await serve(FakeTeam())
    response = await client.request(method, path, json=body)
    assert response.status_code == code, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert word in response.json()["detail"] and response.json()["status"] == code
