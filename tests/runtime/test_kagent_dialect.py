"""Specialists in kagent's user interface, over A2A 0.3 and 1.0: what is shown, what is sent back, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from google.protobuf.json_format import MessageToDict

from agents.runtime import wire
from agents.runtime.cards import load_card
from agents.runtime.findings import Usage
from agents.runtime.kagent import handler
from agents.runtime.pause import ChildPause, Pause, Question, ask
from agents.runtime.service import build_app, build_service
from agents.runtime.settings import Settings
from tests.runtime.kagent_controller import FakeController
from tests.runtime.kagent_ui import HEADERS, Screen, decision, reloaded, stream, stream_body, text
from tests.runtime.scripted import V1, http_to, rpc
from tests.runtime.served import at
from tests.runtime.specialists import Cluster, definition

HITL = "https://kagent.dev/extensions/hitl/v1"
SCALE = Pause(
    id="confirm-1",
    call_id="call-1",
    tool="scale_workload",
    args={"resource": "shop/Deployment/web", "replicas": 3},
    hint="scale web to 3",
)
RESTART = Pause(id="confirm-2", call_id="call-2", tool="restart_rollout", args={"resource": "shop/Deployment/api"})
WHICH = ask("q-1", [Question(question="Which cluster?", choices=("prod", "staging"))])
INSIDE = Pause(
    id="confirm-3",
    call_id="call-3",
    tool="executor",
    args={"request": "scale"},
    child=ChildPause(agent="executor", task_id="t-child", context_id="c-child", pauses=(SCALE,)),
)
KINDS: dict[str, list[Pause]] = {
    "one": [SCALE],
    "two": [SCALE, RESTART],
    "question": [WHICH],
    "nested": [INSIDE],
}


class Asking(AgentExecutor):
    """Pauses with what the message names, and completes with the Reply it gets as JSON; `work` calls a tool."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.working = asyncio.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        task = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        words = wire.text_of(context.message.parts)
        reply = wire.read_reply(context.message.parts)
        await task.start_work()
        self.working.set()
        if reply is not None:
            return await self._answer(task, reply.model_dump_json())
        if words in KINDS:
            pauses = KINDS[words]
            parts = [wire.text_part("May I?", "text/plain"), wire.pause_part(pauses)]
            return await task.requires_input(task.new_agent_message(parts))
        if words == "wait":
            await self.go.wait()
        await task.update_status(2, wire.progress_message("looking around", task_id=task.task_id))
        call = wire.tool_call_part(wire.ToolCallNote("c1", "top_resources", {"limit": 3}))
        await task.update_status(2, task.new_agent_message([wire.text_part("Calling it", "text/plain"), call]))
        result = wire.tool_result_part(wire.ToolResultNote("c1", "top_resources", {"rows": 3}))
        await task.update_status(2, task.new_agent_message([result]))
        child = wire.tool_call_part(wire.ToolCallNote("c2", "metrics-analyst", {"request": "?"}, "child-ctx"))
        await task.update_status(2, task.new_agent_message([child]))
        done = wire.tool_result_part(wire.ToolResultNote("c2", "metrics-analyst", "done", session="child-ctx"))
        await task.update_status(2, task.new_agent_message([done]))
        return await self._answer(task, "the answer")

    async def _answer(self, task: TaskUpdater, words: str) -> None:
        usage = Usage(model="m", calls=2, input_tokens=900, output_tokens=100)
        artifact = wire.answer_artifact(words, usage)
        await task.add_artifact(
            list(artifact.parts),
            artifact_id=artifact.artifact_id,
            metadata=MessageToDict(artifact.metadata),
            last_chunk=True,
        )
        await task.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def settings_in(folder: Path, **kagent: Any) -> Settings:
    """As in a pod that kagent runs."""
    known = {"name": "planner", "namespace": "kagent", **kagent}
    server = {"shutdown_grace_seconds": 0.2}
    return Settings.model_validate({"store": {"folder": folder}, "server": server, "kagent": known})


def app_in(folder: Path, executor: AgentExecutor, **kagent: Any) -> Any:
    settings = settings_in(folder, **kagent)
    return build_app(load_card("planner", settings), executor, settings, name="planner")


@pytest.fixture
def executor() -> Asking:
    return Asking()


@pytest.fixture
async def http(tmp_path: Path, executor: Asking) -> AsyncIterator[httpx.AsyncClient]:
    async with http_to(app_in(tmp_path, executor)) as client:
        yield client


async def paused(http: httpx.AsyncClient, kind: str) -> dict[str, Any]:
    """The event of the pause."""
    last = (await stream(http, stream_body([text(kind)], "m1", contextId="session-1")))[-1]
    assert (last["kind"], last["final"], last["status"]["state"]) == ("status-update", True, "input-required")
    return last


async def decided(http: httpx.AsyncClient, pause: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The Reply that the agent got, as JSON text of its answer; or the error."""
    ids = {"contextId": pause["contextId"], "taskId": pause["taskId"]}
    events = await stream(http, stream_body(parts, "m2", **ids))
    if "error" in events[-1]:
        return events[-1]["error"]
    assert events[0]["status"]["state"] == "working", "the same task goes on"
    return json.loads(Screen(events).bubbles[-1])


# -- what is shown -----------------------------------------------------------------------------------------------


async def test_the_answer_is_shown_once_and_progress_leaves_nothing_behind(http: httpx.AsyncClient) -> None:
    events = await stream(http, stream_body([text("work")], "m1", contextId="session-1"))
    assert (events[0]["kind"], events[0]["contextId"]) == ("task", "session-1")
    assert [event["final"] for event in events if event["kind"] == "status-update"][-1] is True
    screen = Screen(events)
    assert (screen.bubbles, screen.transient, screen.state) == (["the answer"], "", "completed")
    assert Screen(events[:3]).transient == "looking around\n\n", "while it works, people see what it does"
    assert screen.tokens == {"totalTokenCount": 1000, "promptTokenCount": 900, "candidatesTokenCount": 100}


async def test_tool_calls_and_results_are_paired_under_both_prefixes(http: httpx.AsyncClient) -> None:
    events = await stream(http, stream_body([text("work")], "m1"))
    screen = Screen(events)
    assert (screen.calls["c1"]["name"], screen.calls["c1"]["args"]) == ("top_resources", {"limit": 3})
    assert screen.results["c1"]["response"] == {"result": {"rows": 3}, "isError": False}
    marks = [p["metadata"] for e in events if e["kind"] == "status-update" and "message" in e["status"]
             for p in e["status"]["message"]["parts"] if p["kind"] == "data"]  # fmt: skip
    assert all(mark["adk_type"] == mark["kagent_type"] for mark in marks)


async def test_another_agent_is_a_card_that_leads_to_its_conversation(http: httpx.AsyncClient) -> None:
    screen = Screen(await stream(http, stream_body([text("work")], "m1")))
    assert screen.calls["c2"]["name"] == "kagent__NS__metrics_analyst"
    assert screen.sessions == {"c2": "child-ctx"}
    assert screen.results["c2"]["response"]["subagent_session_id"] == "child-ctx"


async def test_outside_kagent_a_member_keeps_its_own_name(tmp_path: Path, executor: Asking) -> None:
    async with http_to(app_in(tmp_path, executor, name=None)) as http:
        screen = Screen(await stream(http, stream_body([text("work")], "m1")))
    assert screen.calls["c2"]["name"] == "metrics-analyst"


async def test_a_reload_shows_the_same_as_the_stream_did(tmp_path: Path, executor: Asking) -> None:
    controller = FakeController()
    async with at(controller.app()) as url, http_to(app_in(tmp_path, executor, url=url)) as http:
        events = await stream(http, stream_body([text("work")], "m1", contextId="session-1"))
        await controller.until(lambda: controller.state(events[0]["id"]) == "completed")
    watched, again = Screen(events), reloaded(controller.tasks[events[0]["id"]])
    assert again.bubbles == watched.bubbles == ["the answer"]
    assert (again.calls, again.results, again.sessions) == (watched.calls, watched.results, watched.sessions)


async def test_a_task_of_a_1_0_client_is_recorded_in_the_form_of_0_3(tmp_path: Path, executor: Asking) -> None:
    controller = FakeController()
    async with at(controller.app()) as url, http_to(app_in(tmp_path, executor, url=url)) as http:
        params = {"message": {"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": "work"}]}}
        sent = await http.post("/", json=rpc("SendMessage", params), headers=V1)
        task_id = sent.json()["result"]["task"]["id"]
        await controller.until(lambda: controller.state(task_id) == "completed")
    assert reloaded(controller.tasks[task_id]).bubbles == ["the answer"]
    assert controller.tasks[task_id]["history"][1]["parts"][0]["data"]["args"] == {"limit": 3}


async def test_a_page_that_is_opened_again_follows_the_rest(http: httpx.AsyncClient, executor: Asking) -> None:
    watching = asyncio.create_task(stream(http, stream_body([text("wait")], "m1", contextId="s")))
    await executor.working.wait()
    listed = await http.post("/", json=rpc("ListTasks", {}), headers={**V1, "X-User-Id": HEADERS["X-User-Id"]})
    task_id = listed.json()["result"]["tasks"][0]["id"]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tasks/resubscribe", "params": {"id": task_id}}
    again = asyncio.create_task(stream(http, body))
    await asyncio.sleep(0.05)
    executor.go.set()
    assert Screen(await again).bubbles == Screen(await watching).bubbles == ["the answer"]


async def test_a_silent_agent_still_shows_that_it_lives(
    tmp_path: Path, executor: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handler.HEARTBEAT_SECONDS <= 15
    monkeypatch.setattr(handler.DialectHandler.__init__, "__kwdefaults__", {"heartbeat_seconds": 0.02})
    async with http_to(app_in(tmp_path, executor)) as http:
        watching = asyncio.create_task(stream(http, stream_body([text("wait")], "m1")))
        await asyncio.sleep(0.2)
        executor.go.set()
        events = await watching
    silent = [e for e in events if e["kind"] == "status-update" and "message" not in e["status"] and not e["final"]]
    assert len(silent) > 2 and {event["status"]["state"] for event in silent} == {"working"}
    assert Screen(events).bubbles == ["the answer"]


# -- approvals ---------------------------------------------------------------------------------------------------


async def test_an_approval_is_a_card_with_buttons(http: httpx.AsyncClient) -> None:
    screen = Screen([await paused(http, "one")])
    assert screen.cards == [
        {
            "name": "adk_request_confirmation",
            "id": "confirm-1",
            "args": {
                "originalFunctionCall": {
                    "name": "scale_workload",
                    "args": {"resource": "shop/Deployment/web", "replicas": 3},
                    "id": "call-1",
                },
                "toolConfirmation": {"hint": "scale web to 3", "confirmed": False, "payload": None},
            },
        }
    ]


async def test_a_pause_inside_a_specialist_shows_the_specialists_calls(http: httpx.AsyncClient) -> None:
    pause = await paused(http, "nested")
    card = Screen([pause]).cards[0]
    assert card["args"]["originalFunctionCall"]["id"] == "call-3"
    assert card["args"]["toolConfirmation"]["payload"] == {
        "task_id": "t-child",
        "context_id": "c-child",
        "subagent_name": "kagent__NS__executor",
        "hitl_parts": [
            {
                "name": "adk_request_confirmation",
                "id": "confirm-1",
                "originalFunctionCall": {
                    "name": "scale_workload",
                    "args": {"resource": "shop/Deployment/web", "replicas": 3},
                    "id": "call-1",
                },
            }
        ],
    }
    reply = await decided(http, pause, decision("Approved", decision_type="approve"))
    assert reply["verdicts"] == {"call-1": {"approved": True, "reason": ""}}


APPROVED, REJECTED = {"approved": True, "reason": ""}, {"approved": False, "reason": ""}


@pytest.mark.parametrize(
    ("kind", "parts", "verdicts"),
    [
        ("one", decision("Approved", decision_type="approve"), {"call-1": APPROVED}),
        ("one", decision("Rejected", decision_type="reject"), {"call-1": REJECTED}),
        (
            "one",
            decision("no", decision_type="reject", rejection_reason="not now"),
            {"call-1": {"approved": False, "reason": "not now"}},
        ),
        ("two", decision("Approved", decision_type="approve"), {"call-1": APPROVED, "call-2": APPROVED}),
        (
            "two",
            decision(
                "mixed",
                decision_type="batch",
                decisions={"call-1": "approve", "call-2": "reject"},
                rejection_reasons={"call-2": "why"},
            ),
            {"call-1": APPROVED, "call-2": {"approved": False, "reason": "why"}},
        ),
        (
            "two",
            decision("Approved", decision_type="batch", decisions={"call-1": "approve"}),
            {"call-1": APPROVED, "call-2": REJECTED},
        ),
        ("two", decision("Approved", decision_type="batch", decisions={}), {"call-1": REJECTED, "call-2": REJECTED}),
        ("one", decision("Approved", decision_type="reject"), {"call-1": REJECTED}),
    ],
    ids=[
        "approve",
        "reject",
        "reason",
        "all",
        "mixed",
        "missing_is_rejected",
        "empty_is_rejected",
        "words_say_nothing",
    ],
)
async def test_a_click_is_a_decision(
    http: httpx.AsyncClient, kind: str, parts: list[dict[str, Any]], verdicts: dict[str, Any]
) -> None:
    assert (await decided(http, await paused(http, kind), parts))["verdicts"] == verdicts


@pytest.mark.parametrize(
    "data",
    [
        {"decision_type": "batch", "decisions": {"call-9": "approve"}},
        {"decision_type": "batch", "decisions": {"confirm-1": "approve"}},
        {"decision_type": "batch", "decisions": {"call-1": "yes"}},
        {"decision_type": "aprove"},
        {"decision_type": "approve", "and": "more"},
        {"decision_type": "batch", "decisions": "approve"},
    ],
)
async def test_a_decision_that_fits_nothing_is_refused_and_the_task_goes_on_waiting(
    http: httpx.AsyncClient, data: dict[str, Any]
) -> None:
    pause = await paused(http, "one")
    assert (await decided(http, pause, decision("Approved", **data)))["code"] == -32602
    good = await decided(http, pause, decision("Approved", decision_type="approve"))
    assert good["verdicts"] == {"call-1": APPROVED}


async def test_two_decisions_in_one_message_are_none(http: httpx.AsyncClient) -> None:
    parts = [*decision("", decision_type="reject"), *decision("", decision_type="approve")]
    assert (await decided(http, await paused(http, "one"), parts))["code"] == -32602


async def test_a_decision_that_is_sent_again_is_the_same_decision(http: httpx.AsyncClient) -> None:
    pause = await paused(http, "one")
    body = decision("Approved", decision_type="approve")
    await decided(http, pause, body)
    again = await stream(http, stream_body(body, "m2", contextId=pause["contextId"], taskId=pause["taskId"]))
    assert (again[0]["kind"], again[0]["status"]["state"]) == ("task", "completed")


async def test_nobody_else_decides_on_a_persons_task(http: httpx.AsyncClient) -> None:
    pause = await paused(http, "one")
    ids = {"contextId": pause["contextId"], "taskId": pause["taskId"]}
    body = stream_body(decision("Approved", decision_type="approve"), "m2", **ids)
    response = await http.post("/", json=body, headers={**HEADERS, "X-User-Id": "mallory"})
    assert "-32001" in response.text


async def test_a_stored_pause_and_its_decision_are_what_the_page_needs(tmp_path: Path, executor: Asking) -> None:
    controller = FakeController()
    async with at(controller.app()) as url, http_to(app_in(tmp_path, executor, url=url)) as http:
        pause = await paused(http, "one")
        await controller.until(lambda: controller.state(pause["taskId"]) == "input-required")
        stored = controller.tasks[pause["taskId"]]["status"]["message"]
        assert stored["parts"][-1]["data"]["name"] == "adk_request_confirmation"
        await decided(http, pause, decision("Approved", decision_type="approve"))
        await controller.until(lambda: controller.state(pause["taskId"]) == "completed")
    history = controller.tasks[pause["taskId"]]["history"]
    sent = [entry["parts"] for entry in history if entry["role"] == "user"][-1]
    assert [part["kind"] for part in sent] == ["data", "text"] and sent[0]["data"] == {"decision_type": "approve"}


# -- questions ---------------------------------------------------------------------------------------------------


async def test_a_question_is_asked_once_and_answered_by_position(http: httpx.AsyncClient) -> None:
    pause = await paused(http, "question")
    screen = Screen([pause])
    call = screen.cards[0]["args"]["originalFunctionCall"]
    asked = [{"question": "Which cluster?", "choices": ["prod", "staging"], "multiple": False}]
    assert (call["name"], call["args"]["questions"], screen.bubbles) == ("ask_user", asked, [])
    answers = [{"answer": ["staging"]}]
    body = decision("Answered questions", decision_type="approve", ask_user_answers=answers)
    assert (await decided(http, pause, body))["answers"] == [["staging"]]


async def test_answers_that_do_not_match_the_questions_are_refused(http: httpx.AsyncClient) -> None:
    pause = await paused(http, "question")
    none = decision("Approved", decision_type="approve")
    many = decision("Approved", decision_type="approve", ask_user_answers=[{"answer": ["a"]}, {"answer": ["b"]}])
    for parts in (none, many):
        assert (await decided(http, pause, parts))["code"] == -32602


# -- 1.0 ---------------------------------------------------------------------------------------------------------


async def send_1_0(
    http: httpx.AsyncClient, words: str, message_id: str = "m1", *, active: str = HITL, **more: Any
) -> httpx.Response:
    message = {"messageId": message_id, "role": "ROLE_USER", "parts": [{"text": words}], **more}
    headers = {**V1, "A2A-Extensions": active} if active else V1
    return await http.post("/", json=rpc("SendMessage", {"message": message}), headers=headers)


async def test_the_extension_is_echoed_and_carries_the_request(http: httpx.AsyncClient) -> None:
    response = await send_1_0(http, "two")
    assert HITL in response.headers["A2A-Extensions"]
    message = response.json()["result"]["task"]["status"]["message"]
    assert message["extensions"] == [HITL]
    assert message["metadata"][HITL] == {
        "type": "tool_approval_request",
        "hint": "scale web to 3",
        "tools": [
            {
                "id": "confirm-1",
                "call_id": "call-1",
                "name": "scale_workload",
                "args": {"resource": "shop/Deployment/web", "replicas": 3.0},
            },
            {
                "id": "confirm-2",
                "call_id": "call-2",
                "name": "restart_rollout",
                "args": {"resource": "shop/Deployment/api"},
            },
        ],
    }
    assert [part.get("text") for part in message["parts"]] == ["May I?"]


async def test_without_the_extension_a_1_0_client_gets_words_alone(http: httpx.AsyncClient) -> None:
    message = (await send_1_0(http, "one", active="")).json()["result"]["task"]["status"]["message"]
    assert (message["parts"], "metadata" in message) == ([{"text": "May I?", "mediaType": "text/plain"}], False)


async def test_a_nested_pause_and_a_question_have_their_forms(http: httpx.AsyncClient) -> None:
    nested = (await send_1_0(http, "nested")).json()["result"]["task"]["status"]["message"]["metadata"][HITL]
    assert nested["nested"]["subagent_name"] == "kagent__NS__executor"
    assert [tool["id"] for tool in nested["nested"]["tools"]] == ["confirm-1"]
    asked = (await send_1_0(http, "question", "m2")).json()["result"]["task"]["status"]["message"]["metadata"][HITL]
    questions = [{"question": "Which cluster?", "choices": ["prod", "staging"], "multiple": False}]
    assert asked == {"type": "ask_user_request", "id": "q-1", "questions": questions}


@pytest.mark.parametrize(
    ("kind", "response", "expected"),
    [
        (
            "two",
            {
                "type": "tool_approval_response",
                "approvals": [
                    {"id": "confirm-1", "approved": True},
                    {"id": "confirm-2", "approved": False, "rejection_reason": "no"},
                ],
            },
            {"call-1": APPROVED, "call-2": {"approved": False, "reason": "no"}},
        ),
        (
            "two",
            {"type": "tool_approval_response", "approvals": [{"id": "confirm-2", "approved": True}]},
            {"call-1": REJECTED, "call-2": APPROVED},
        ),
        ("two", {"type": "tool_approval_response", "approvals": [{"id": "call-1", "approved": True}]}, -32602),
        (
            "one",
            {
                "type": "tool_approval_response",
                "approvals": [{"id": "confirm-1", "approved": False}, {"id": "confirm-1", "approved": True}],
            },
            -32602,
        ),
        ("one", {"type": "tool_approval_response", "approvals": [], "extra": 1}, -32602),
        ("one", {"type": "ask_user_response", "id": "q-1", "answers": []}, -32602),
        (
            "question",
            {"type": "ask_user_response", "id": "q-1", "answers": [{"answer": ["prod"]}]},
            {"q-1-call": APPROVED},
        ),
    ],
    ids=["mixed", "missing_is_rejected", "call_id_is_no_id", "twice", "extra", "wrong_form", "answer"],
)
async def test_the_answers_of_the_extension(
    http: httpx.AsyncClient, kind: str, response: dict[str, Any], expected: Any
) -> None:
    task = (await send_1_0(http, kind)).json()["result"]["task"]
    more = {"taskId": task["id"], "contextId": task["contextId"], "extensions": [HITL], "metadata": {HITL: response}}
    answer = (await send_1_0(http, "Decided", "m2", **more)).json()
    if isinstance(expected, int):
        assert answer["error"]["code"] == expected
    else:
        words = next(a for a in answer["result"]["task"]["artifacts"] if a["artifactId"] == "answer")
        assert json.loads(words["parts"][0]["text"])["verdicts"] == expected


async def test_in_1_0_tool_calls_are_an_artifact_for_those_who_read_only_artifacts(http: httpx.AsyncClient) -> None:
    task = (await send_1_0(http, "work")).json()["result"]["task"]
    transcript, answer = task["artifacts"]
    kinds = [part["metadata"]["kagent.dev/a2a/part-type"] for part in transcript["parts"]]
    assert kinds == ["function_call", "function_response"] * 2 and answer["artifactId"] == "answer"
    plain = (await send_1_0(http, "work", "m2", active="")).json()["result"]["task"]
    assert [artifact["artifactId"] for artifact in plain["artifacts"]] == ["answer"]


# -- the services themselves -------------------------------------------------------------------------------------


async def test_a_real_specialist_is_a_valid_agent_of_kagent(tmp_path: Path) -> None:
    agents = {"weather": {"url": "http://x", "description": "weather", "instruction": "look"}}
    controller = FakeController()
    async with at(controller.app()) as url:
        known = {"name": "weather-watch", "namespace": "ops", "url": url}
        settings = Settings.model_validate({"store": {"folder": tmp_path}, "kagent": known, "agents": agents})
        assert (settings.port("weather"), settings.server.host) == (8080, "0.0.0.0")
        async with http_to(build_service(definition(Cluster()), settings)) as http:
            card = (await http.get("/.well-known/agent-card.json")).json()
            assert (card["url"], card["protocolVersion"]) == ("http://weather-watch.ops:8080/", "0.3")
            assert card["name"] and card["description"] and card["version"] and card["capabilities"]["streaming"]
            events = await stream(http, stream_body([text("What is wrong?")], "m1", contextId="s1"))
            screen = Screen(events)
            assert {call["name"] for call in screen.calls.values()} == {"list_pods", "list_events"}
            assert screen.calls.keys() == screen.results.keys() and len(screen.bubbles) == 1
            await controller.until(lambda: controller.state(events[0]["id"]) == "completed")
        assert reloaded(controller.tasks[events[0]["id"]]).bubbles == screen.bubbles
