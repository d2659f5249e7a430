"""Several replicas of a service on one database: one's tasks are everybody's, and a dead one's are not lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.settings import Settings
from tests.runtime.scripted import V1, Scripted, app_of, call, die, http_to, message, rpc, started, task_of


class Replica:
    """One of the services behind the address."""

    def __init__(self, app: FastAPI, http: httpx.AsyncClient, executor: Scripted) -> None:
        self.app, self.http, self.executor = app, http, executor


@pytest.fixture
async def replicas(database_url: str, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    store = {"url": database_url, "folder": tmp_path, "lease_seconds": 1}
    settings = Settings.model_validate({"store": store, "server": {"shutdown_grace_seconds": 0.1}})
    async with AsyncExitStack() as stack:
        found: list[Replica] = []
        for _ in range(2):
            executor = Scripted()
            app = app_of(executor, settings, resume=True)
            found.append(Replica(app, await stack.enter_async_context(http_to(app)), executor))
        yield found


async def events(replica: Replica, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    async with replica.http.stream("POST", "/", json=rpc(method, params), headers=V1) as response:
        lines = [line async for line in response.aiter_lines()]
    return [json.loads(line.removeprefix("data: "))["result"] for line in lines if line.startswith("data: ")]


async def test_a_replica_that_starts_leaves_its_neighbours_tasks_alone(replicas: list[Replica]) -> None:
    one, two = replicas
    task = await started(one.http, "wait")
    await asyncio.sleep(1.3)
    assert two.executor.runs == 0
    one.executor.go.set()
    found = (await call(two.http, "SendMessage", message("wait")))["result"]["task"]
    assert found["id"] == task["id"] and found["status"]["state"] == "TASK_STATE_COMPLETED"
    assert (one.executor.runs, two.executor.runs) == (1, 0)


async def test_a_task_is_followed_on_another_replica(replicas: list[Replica]) -> None:
    one, two = replicas
    task = await started(one.http, "tool")
    await one.executor.working.wait()
    following = asyncio.create_task(events(two, "SubscribeToTask", {"id": task["id"]}))
    await asyncio.sleep(0.4)
    one.executor.go.set()
    told = await following
    assert "task" in told[0]
    assert told[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert sum("artifactUpdate" in event for event in told) == 1


async def test_a_task_is_cancelled_on_another_replica_within_a_second(replicas: list[Replica]) -> None:
    one, two = replicas
    task = await started(one.http, "tool")
    await one.executor.working.wait()
    async with asyncio.timeout(2):
        ended = (await call(two.http, "CancelTask", {"id": task["id"]}))["result"]
    assert ended["status"]["state"] == "TASK_STATE_CANCELED"
    assert one.executor.tool_cancelled.is_set()


async def test_a_parked_task_is_continued_on_any_replica_by_one_answer(replicas: list[Replica]) -> None:
    one, two = replicas
    asked = await task_of(one.http, "ask")
    answers = await asyncio.gather(
        call(one.http, "SendMessage", message("shop", "m2", taskId=asked["id"])),
        call(two.http, "SendMessage", message("web", "m3", taskId=asked["id"])),
    )
    assert sorted("error" in answer for answer in answers) == [False, True]
    assert one.executor.runs + two.executor.runs == 2


async def test_the_tasks_of_a_replica_that_dies_are_taken_up_by_another(replicas: list[Replica]) -> None:
    one, two = replicas
    task = await started(one.http, "wait")
    two.executor.go.set()
    await die(one.app)
    async with asyncio.timeout(5):
        await two.executor.working.wait()
        found = (await call(two.http, "SendMessage", message("wait")))["result"]["task"]
    assert (found["id"], found["status"]["state"]) == (task["id"], "TASK_STATE_COMPLETED")


async def test_what_a_replica_says_that_was_taken_for_dead_does_not_count(replicas: list[Replica]) -> None:
    one, two = replicas
    task = await started(one.http, "wait")
    two.executor.go.set()
    await die(one.app)
    await two.executor.working.wait()
    done = (await call(two.http, "SendMessage", message("wait")))["result"]["task"]
    one.executor.go.set()
    await asyncio.sleep(0.3)
    found = (await call(two.http, "GetTask", {"id": task["id"]}))["result"]
    assert found["artifacts"] == done["artifacts"] and found["status"] == done["status"]


async def test_one_message_at_two_replicas_at_once_leaves_one_task(replicas: list[Replica]) -> None:
    one, two = replicas
    sent = await asyncio.gather(*(call(r.http, "SendMessage", message("hello", "m9")) for r in (one, two)))
    ids = {answer["result"]["task"]["id"] for answer in sent if "result" in answer}
    again = await task_of(one.http, "hello", "m9")
    assert again["id"] in ids
    assert (await call(two.http, "ListTasks", {}))["result"]["totalSize"] == 1
