"""What tasks promise beyond one request: repetition, restart, crash, shutdown, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest
from a2a.server.agent_execution import RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater

from agents.runtime import live_tasks
from agents.runtime.settings import Settings
from tests.runtime.scripted import Scripted, app_of, call, die, http_to, message, settings_in, started, task_of


async def test_a_repeated_message_gets_the_task_it_made(http: httpx.AsyncClient, executor: Scripted) -> None:
    first, second = await task_of(http, "hello"), await task_of(http, "hello")
    assert first == second
    assert executor.runs == 1


async def test_repetitions_at_the_same_moment_and_while_it_runs_share_one_task(
    http: httpx.AsyncClient, executor: Scripted
) -> None:
    sending = [asyncio.create_task(task_of(http, "wait")) for _ in range(5)]
    await executor.working.wait()
    sending.append(asyncio.create_task(task_of(http, "wait")))
    await asyncio.sleep(0.05)
    executor.go.set()
    tasks = await asyncio.gather(*sending)
    assert len({task["id"] for task in tasks}) == 1
    assert all(task["status"]["state"] == "TASK_STATE_COMPLETED" for task in tasks)
    assert executor.runs == 1


async def test_the_same_id_of_another_user_or_with_other_words_is_another_message(
    http: httpx.AsyncClient, executor: Scripted
) -> None:
    await task_of(http, "hello")
    await task_of(http, "other words")
    await call(http, "SendMessage", message("hello"), **{"X-User-Id": "ann"})
    assert executor.runs == 3


async def test_a_message_is_recognised_after_a_restart(executor: Scripted, settings: Settings) -> None:
    async with http_to(app_of(executor, settings)) as http:
        before = await task_of(http, "hello")
    async with http_to(app_of(executor, settings)) as http:
        assert await task_of(http, "hello") == before
    assert executor.runs == 1


async def test_a_parked_task_is_continued_after_a_restart(executor: Scripted, settings: Settings) -> None:
    async with http_to(app_of(executor, settings)) as http:
        asked = await task_of(http, "ask")
    async with http_to(app_of(executor, settings)) as http:
        done = await task_of(http, "shop", "m2", taskId=asked["id"])
    assert done["status"]["state"] == "TASK_STATE_COMPLETED"
    assert done["contextId"] == asked["contextId"]


async def test_parked_and_ended_tasks_are_kept_only_in_the_store(executor: Scripted, settings: Settings) -> None:
    app = app_of(executor, settings)
    async with http_to(app) as http:
        for number in range(5):
            await task_of(http, "ask", f"a{number}")
            await task_of(http, "hello", f"h{number}")
        live = app.state.tasks.live
        assert not len(live)
        assert not live.claims
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("task ")]


async def test_a_task_that_a_crash_left_working_is_failed_at_the_next_start(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    crashed = app_of(Scripted(), settings)
    context = crashed.router.lifespan_context(crashed)
    await context.__aenter__()
    transport = httpx.ASGITransport(app=crashed)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        task = await started(http, "wait")
    await die(crashed)
    async with http_to(app_of(Scripted(), settings)) as http:
        found = (await call(http, "GetTask", {"id": task["id"]}))["result"]
    assert found["status"]["state"] == "TASK_STATE_FAILED"
    assert "stopped while it worked" in found["status"]["message"]["parts"][0]["text"]
    await context.__aexit__(None, None, None)


async def test_an_executor_that_can_resume_gets_its_open_tasks_back(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with http_to(app_of(Scripted(), settings, resume=True)) as http:
        task = await started(http, "wait", **{"X-User-Id": "ann"})
    second = Scripted()
    second.go.set()
    async with http_to(app_of(second, settings, resume=True)) as http:
        await second.working.wait()
        found = (await call(http, "SendMessage", message("wait"), **{"X-User-Id": "ann"}))["result"]["task"]
    assert found["id"] == task["id"]
    assert found["status"]["state"] == "TASK_STATE_COMPLETED"
    assert (second.runs, second.users) == (1, ["ann"])


async def test_a_graceful_stop_lets_tasks_end_and_refuses_new_ones(tmp_path: Path, executor: Scripted) -> None:
    app = app_of(executor, settings_in(tmp_path, shutdown_grace_seconds=5))
    async with http_to(app) as http:
        sending = asyncio.create_task(task_of(http, "wait"))
        await executor.working.wait()
        draining = asyncio.create_task(app.state.drain())
        await asyncio.sleep(0.02)
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
        assert "shutting down" in (await call(http, "SendMessage", message("new", "m9")))["error"]["message"]
        executor.go.set()
        await draining
        assert (await sending)["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_a_graceful_stop_cancels_and_stores_what_does_not_end(executor: Scripted, settings: Settings) -> None:
    app = app_of(executor, settings)
    async with http_to(app) as http:
        sending = asyncio.create_task(task_of(http, "tool"))
        await executor.working.wait()
        await app.state.drain()
        assert (await sending)["status"]["state"] == "TASK_STATE_CANCELED"
    assert executor.tool_cancelled.is_set()
    async with http_to(app_of(executor, settings)) as http:
        assert (await call(http, "ListTasks", {"status": "TASK_STATE_CANCELED"}))["result"]["totalSize"] == 1


async def test_a_client_that_goes_away_does_not_stop_its_task(http: httpx.AsyncClient, executor: Scripted) -> None:
    sending = asyncio.create_task(task_of(http, "wait"))
    await executor.working.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    executor.go.set()
    assert (await task_of(http, "wait"))["status"]["state"] == "TASK_STATE_COMPLETED"
    assert executor.runs == 1


class Stubborn(Scripted):
    """Does not stop when it is told to."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").start_work()
        self.working.set()
        while not self.go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.go.wait()


async def test_whoever_waits_for_a_cancelled_task_is_answered_though_its_executor_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_tasks, "STOP_SECONDS", 0.05)
    executor = Stubborn()
    async with http_to(app_of(executor, settings)) as http:
        sending = asyncio.create_task(task_of(http, "hello"))
        await executor.working.wait()
        [task] = (await call(http, "ListTasks", {}))["result"]["tasks"]
        await call(http, "CancelTask", {"id": task["id"]})
        answered = await asyncio.wait_for(sending, 5)
        executor.go.set()
    assert answered["status"]["state"] == "TASK_STATE_CANCELED"
