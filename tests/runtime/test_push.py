"""Push notifications: delivered beside the event stream, retried, and never to where they must not go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.types import Task, TaskPushNotificationConfig, TaskState, TaskStatus, TaskStatusUpdateEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.runtime.database import Database
from agents.runtime.migrations import prepare
from agents.runtime.push_policy import PushPolicy
from agents.runtime.push_sender import PushSender
from agents.runtime.push_store import PushStore, PushTarget
from agents.runtime.task_schema import TABLES
from tests.runtime.scripted import Scripted, app_of, call, http_to, message, settings_in, task_of
from tests.runtime.served import at


class Webhook:
    """Remembers what it was sent; `delay` and `refusals` make it slow and moody."""

    def __init__(self, *, delay: float = 0.0, refusals: int = 0) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delay, self.refusals = delay, refusals
        self.complete = asyncio.Event()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        await asyncio.sleep(self.delay)
        if self.refusals > 0:
            self.refusals -= 1
            return Response(status_code=503)
        body = await request.json()
        self.got.append(body)
        self.headers.append(dict(request.headers))
        if "completed" in str(body).lower():
            self.complete.set()
        return Response()


def with_hook(text: str, url: str, **config: Any) -> dict[str, Any]:
    return {**message(text), "configuration": {"taskPushNotificationConfig": {"url": url, **config}}}


async def test_a_webhook_is_told_every_event_in_order_with_its_token(tmp_path: Path) -> None:
    hook = Webhook()
    async with at(hook.app()) as url, http_to(app_of(Scripted(), settings_in(tmp_path))) as http:
        secrets = {"token": "t0k", "authentication": {"scheme": "Bearer", "credentials": "abc"}}
        await call(http, "SendMessage", with_hook("chunks", f"{url}/hook", **secrets))
        await asyncio.wait_for(hook.complete.wait(), 5)
    kinds = [next(iter(body)) for body in hook.got]
    assert kinds[0] in ("task", "statusUpdate") and kinds.count("artifactUpdate") == 5
    assert hook.got[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert hook.headers[0]["x-a2a-notification-token"] == "t0k"
    assert hook.headers[0]["authorization"] == "Bearer abc"
    assert hook.headers[0]["content-type"] == "application/a2a+json"


async def test_a_slow_webhook_does_not_delay_the_events(tmp_path: Path) -> None:
    hook = Webhook(delay=1.0)
    async with at(hook.app()) as url, http_to(app_of(Scripted(), settings_in(tmp_path))) as http:
        answer = await call(http, "SendMessage", with_hook("chunks", f"{url}/hook"))
        assert answer["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"
        # Eight events: with the webhook in the way it would have got most of them before the answer.
        assert len(hook.got) <= 1


async def test_a_webhook_registered_over_0_3_gets_0_3_tasks(tmp_path: Path) -> None:
    hook = Webhook()
    async with at(hook.app()) as url, http_to(app_of(Scripted(), settings_in(tmp_path))) as http:
        parts = [{"kind": "text", "text": "x"}]
        params = {
            "message": {"kind": "message", "messageId": "m", "role": "user", "parts": parts},
            "configuration": {"pushNotificationConfig": {"url": f"{url}/hook"}},
        }
        await http.post("/", json={"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": params})
        await asyncio.wait_for(hook.complete.wait(), 5)
    assert (hook.got[-1]["kind"], hook.got[-1]["status"]["state"]) == ("task", "completed")


async def test_a_moody_webhook_is_tried_again(tmp_path: Path) -> None:
    database = Database(None, tmp_path, "push")
    await prepare(database, TABLES)
    store, hook = PushStore(database, "s"), Webhook(refusals=2)
    async with at(hook.app()) as url:
        sender = PushSender("s", store, PushPolicy(["127.0.0.1"]), delays=(0.0, 0.01, 0.01))
        await store.save(PushTarget(TaskPushNotificationConfig(task_id="t", id="c", url=f"{url}/hook"), "1.0"), "/a")
        await sender.load("t")
        status = TaskStatus(state=TaskState.TASK_STATE_COMPLETED)
        sender.offer(Task(id="t", status=status), TaskStatusUpdateEvent(task_id="t", status=status))
        await asyncio.wait_for(hook.complete.wait(), 5)
        await sender.close()
    await database.close()


async def test_configurations_are_kept_listed_read_and_deleted(http: httpx.AsyncClient) -> None:
    task = await task_of(http, "ask")
    for name in ("b", "a"):
        config = {"taskId": task["id"], "id": name, "url": "http://127.0.0.1:1/"}
        assert (await call(http, "CreateTaskPushNotificationConfig", config))["result"]["id"] == name
    listed = await call(http, "ListTaskPushNotificationConfigs", {"taskId": task["id"]})
    assert [config["id"] for config in listed["result"]["configs"]] == ["a", "b"]
    one = {"taskId": task["id"], "id": "a"}
    assert (await call(http, "GetTaskPushNotificationConfig", one))["result"]["url"] == "http://127.0.0.1:1/"
    other = await call(http, "GetTaskPushNotificationConfig", one, **{"X-User-Id": "bob"})
    assert other["error"]["code"] == -32001
    await call(http, "DeleteTaskPushNotificationConfig", one)
    assert "error" in await call(http, "GetTaskPushNotificationConfig", one)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "http://[::1]/",
        "ftp://example.com/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
async def test_private_addresses_are_refused_unless_they_are_allowed(url: str) -> None:
    assert await PushPolicy().refusal(url) is not None
    if url.startswith("http"):
        assert await PushPolicy(["*"]).refusal(url) is None


async def test_the_allow_list_takes_names_and_networks() -> None:
    policy = PushPolicy(["*.ops.svc", "10.1.0.0/16"])
    assert await policy.refusal("http://hooks.ops.svc/x") is None
    assert await policy.refusal("http://10.1.2.3/x") is None
    assert await policy.refusal("http://10.2.2.3/x") is not None
    assert await policy.refusal("http://nowhere.invalid/") is not None


async def test_a_service_on_all_addresses_does_not_call_loopback(tmp_path: Path) -> None:
    async with http_to(app_of(Scripted(), settings_in(tmp_path, host="0.0.0.0"))) as http:
        answer = await call(http, "SendMessage", with_hook("x", "http://127.0.0.1:9/hook"))
        assert answer["error"]["code"] == -32602
        assert "server.push_allow" in answer["error"]["message"]
