"""Tasks are recorded with kagent's controller: complete, in the user's name, and at nobody's expense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.runtime.kagent import outbox
from agents.runtime.settings import Settings
from tests.runtime.kagent_controller import FakeController
from tests.runtime.scripted import Scripted, app_of, call, http_to, message, started, task_of
from tests.runtime.served import at, free_port

ANN = {"X-User-Id": "ann@example.com"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "DELAYS", (0.02, 0.05))


def settings_for(url: str, folder: Path, **kagent: Any) -> Settings:
    (folder / "token").write_text("t1\n")
    known = {"name": "metrics-analyst", "namespace": "ops", "url": url, "token_file": folder / "token"}
    server = {"shutdown_grace_seconds": 0.2}
    return Settings.model_validate({"store": {"folder": folder}, "server": server, "kagent": {**known, **kagent}})


@asynccontextmanager
async def recorded(
    controller: FakeController, folder: Path, executor: Scripted | None = None, **kagent: Any
) -> AsyncIterator[httpx.AsyncClient]:
    async with at(controller.app()) as url:
        settings = settings_for(url, folder, **kagent)
        async with http_to(app_of(executor or Scripted(), settings)) as http:
            yield http


async def test_a_task_is_recorded_as_0_3_json_in_the_users_name(tmp_path: Path) -> None:
    controller = FakeController(token="t1")
    async with recorded(controller, tmp_path) as http:
        task = (await call(http, "SendMessage", message("hello", contextId="session-1"), **ANN))["result"]["task"]
        await controller.until(lambda: controller.state(task["id"]) == "completed")
    kept = controller.tasks[task["id"]]
    assert (kept["kind"], kept["contextId"]) == ("task", "session-1")
    assert [(entry["kind"], entry["role"], entry["parts"][0]["text"]) for entry in kept["history"]] == [
        ("message", "user", "hello"),
        ("message", "agent", "echo: hello"),
    ], "a reload reads nothing else"
    assert kept["artifacts"][0]["parts"] == [{"kind": "text", "text": "echo: hello"}]
    assert controller.owners[task["id"]] == "ann@example.com"
    assert controller.agents == {"ops__NS__metrics_analyst"}


async def test_every_state_of_a_task_reaches_the_controller(tmp_path: Path) -> None:
    controller, executor = FakeController(), Scripted()
    async with recorded(controller, tmp_path, executor) as http:
        task = await started(http, "tool")
        await controller.until(lambda: controller.state(task["id"]) == "working")
        executor.go.set()
        await controller.until(lambda: controller.state(task["id"]) == "completed")
        asked = await task_of(http, "ask", "m2")
        await controller.until(lambda: controller.state(asked["id"]) == "input-required")
        await task_of(http, "shop", "m3", taskId=asked["id"])
        await controller.until(lambda: controller.state(asked["id"]) == "completed")
    kinds = [[part["kind"] for part in entry["parts"]] for entry in controller.tasks[task["id"]]["history"]]
    assert kinds == [["text"], ["data"], ["data"], ["text"]], "the question, the call, its result, the answer"


async def test_another_agents_conversation_is_made_known_first(tmp_path: Path) -> None:
    controller = FakeController()
    async with recorded(controller, tmp_path) as http:
        headers = {**ANN, "x-kagent-source": "agent"}
        params = message("what uses the most memory?\nmore", contextId="child-1")
        task = (await call(http, "SendMessage", params, **headers))["result"]["task"]
        await controller.until(lambda: controller.state(task["id"]) == "completed")
        own = (await call(http, "SendMessage", message("x", "m2", contextId="chat"), **ANN))["result"]["task"]
        await controller.until(lambda: controller.state(own["id"]) == "completed")
    assert controller.calls[0] == "/api/sessions"
    assert controller.sessions == {
        "child-1": {
            "agent_ref": "ops__NS__metrics_analyst",
            "id": "child-1",
            "name": "what uses the most memory?",
            "source": "agent",
            "user_id": "ann@example.com",
        }
    }, "people's own conversations are made by the user interface"


async def test_a_rotated_token_is_read_again(tmp_path: Path) -> None:
    controller = FakeController(token="t2")
    async with recorded(controller, tmp_path) as http:
        task = await task_of(http, "hello")
        await controller.until(lambda: bool(controller.posts))
        assert controller.posts[0]["_status"] == 401
        (tmp_path / "token").write_text("t2")
        await controller.until(lambda: controller.state(task["id"]) == "completed")


async def test_a_controller_that_is_down_fails_and_delays_no_task_and_is_caught_up_later(tmp_path: Path) -> None:
    port, controller = free_port(), FakeController()
    settings = settings_for(f"http://127.0.0.1:{port}", tmp_path)
    async with http_to(app_of(Scripted(), settings)) as http:
        tasks = [await task_of(http, "hello", f"m{n}") for n in range(20)]
        assert all(task["status"]["state"] == "TASK_STATE_COMPLETED" for task in tasks)
        async with at(controller.app(), port):
            await controller.until(lambda: len(controller.tasks) == 20)
    assert {controller.state(task["id"]) for task in tasks} == {"completed"}


async def test_what_was_not_told_before_a_stop_is_told_after_the_next_start(tmp_path: Path) -> None:
    port, controller = free_port(), FakeController()
    settings = settings_for(f"http://127.0.0.1:{port}", tmp_path)
    async with http_to(app_of(Scripted(), settings)) as http:
        task = await task_of(http, "hello")
    async with at(controller.app(), port), http_to(app_of(Scripted(), settings)):
        await controller.until(lambda: controller.state(task["id"]) == "completed")
    async with at(controller.app(), port), http_to(app_of(Scripted(), settings)):
        await asyncio.sleep(0.1)
    assert len(controller.posts) == 1, "what was told is not told again"


async def test_a_slow_controller_gets_the_last_state_and_holds_up_nobody(tmp_path: Path) -> None:
    controller = FakeController(seconds=1.0)
    async with recorded(controller, tmp_path) as http:
        task = await task_of(http, "chunks")
        assert task["status"]["state"] == "TASK_STATE_COMPLETED"
        assert controller.state(task["id"]) != "completed", "the task did not wait for the controller"
        await controller.until(lambda: controller.state(task["id"]) == "completed")
    assert len(controller.posts) <= 3, "many events travel in few requests"


@pytest.mark.parametrize("status", [503, 429, 500])
async def test_a_controller_in_trouble_is_tried_again(tmp_path: Path, status: int) -> None:
    controller = FakeController(status=status)
    async with recorded(controller, tmp_path) as http:
        task = await task_of(http, "hello")
        await controller.until(lambda: len(controller.posts) > 1)
        controller.status = None
        await controller.until(lambda: controller.state(task["id"]) == "completed")


async def test_a_task_that_the_controller_refuses_stops_no_other(tmp_path: Path) -> None:
    controller = FakeController()
    async with recorded(controller, tmp_path) as http:
        task = (await call(http, "SendMessage", message("ask"), **ANN))["result"]["task"]
        await controller.until(lambda: controller.state(task["id"]) == "input-required")
        controller.owners[task["id"]] = "somebody else"
        await call(http, "SendMessage", message("shop", "m2", taskId=task["id"]), **ANN)
        await controller.until(lambda: controller.posts[-1]["_status"] == 409)
        other = await task_of(http, "hello", "m3")
        await controller.until(lambda: controller.state(other["id"]) == "completed")


async def test_a_task_without_a_place_is_tried_for_a_while_and_given_up(tmp_path: Path) -> None:
    controller = FakeController(status=404)
    async with recorded(controller, tmp_path) as http:
        await task_of(http, "hello")
        await controller.until(lambda: len(controller.posts) == outbox.LATER_ATTEMPTS)
        controller.status = None
        other = await task_of(http, "hello", "m2")
        await controller.until(lambda: controller.state(other["id"]) == "completed")
    assert len(controller.tasks) == 1


async def test_what_waits_is_bounded_and_the_newest_is_kept(tmp_path: Path) -> None:
    port, controller = free_port(), FakeController()
    settings = settings_for(f"http://127.0.0.1:{port}", tmp_path, backlog=5)
    async with http_to(app_of(Scripted(), settings)) as http:
        tasks = [await task_of(http, "hello", f"m{n}") for n in range(12)]
        newest = {task["id"] for task in tasks[-5:]}
        async with at(controller.app(), port):
            await controller.until(lambda: newest <= set(controller.tasks))
    assert len(set(controller.tasks) - newest) <= 1, "beside one that was on its way when it was given up"


async def test_without_kagent_nothing_is_recorded_anywhere(tmp_path: Path, settings: Settings) -> None:
    app = app_of(Scripted(), settings)
    async with http_to(app) as http:
        await task_of(http, "hello")
        assert app.state.tasks.live.observer is None
