"""Webhooks are told what happens, in their own words, once; a slow or broken one holds up nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.planner.incidents.conftest import Start
from tests.planner.incidents.samples import alert, resolved, webhook


@dataclass
class Hook:
    """A webhook that keeps what it is told, and answers as it is told to."""

    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    attempts: int = 0

    async def until(self, count: int) -> list[dict[str, Any]]:
        for _ in range(500):
            if len(self.told) >= count:
                return self.told
            await asyncio.sleep(0.02)
        raise AssertionError(f"told only {self.told}")


@asynccontextmanager
async def hook(status: Callable[[int], int] = lambda _: 200, slow: asyncio.Event | None = None) -> AsyncIterator[Hook]:
    kept = Hook()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
        kept.attempts += 1
        if slow is not None:
            await slow.wait()
        code = status(kept.attempts)
        if code == 200:
            kept.told.append(json.loads(body))
            kept.headers.append(head)
        writer.write(f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        kept.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/secret"
        yield kept


async def test_what_is_understood_asked_and_over_is_told_as_json(start: Start) -> None:
    async with hook() as heard:
        house = await start(notify=[{"url": heard.url, "headers": {"X-Key": "k1"}}])
        await house.post(webhook(alert(annotations={"summary": "login with password=hunter2 fails"})))
        understood, approval = await heard.until(2)
        assert (understood["event"], approval["event"]) == ("understood", "approval_needed")
        assert understood["root_causes"][0]["resource"] == "front/Deployment/web"
        assert approval["actions"][0]["digest"] == "0" * 64
        assert approval["link"] == f"http://p/#{approval['request_id']}"
        assert "hunter2" not in json.dumps(heard.told) and "x-key: k1" in heard.headers[0]
        await house.post(webhook(resolved(alert())))
        assert [notice["event"] for notice in await heard.until(3)] == ["understood", "approval_needed", "resolved"]


async def test_slack_gets_text_with_a_link_and_control_characters_escaped(start: Start) -> None:
    async with hook() as heard:
        house = await start(notify=[{"url": heard.url, "format": "slack", "events": ["approval_needed"]}])
        await house.post(webhook(alert(annotations={"summary": "<!channel> a & b"})))
        (message,) = await heard.until(1)
        assert set(message) == {"text"}
        assert "&lt;!channel&gt; a &amp; b" in message["text"] and "<!channel>" not in message["text"]
        assert "<http://p/#incident-" in message["text"] and "|Look at it>" in message["text"]
        assert "kubeteam approve incident-" in message["text"] and "`front/Deployment/web`" in message["text"]


async def test_a_webhook_that_fails_is_told_later_and_each_thing_once(start: Start) -> None:
    async with hook(lambda attempt: 500 if attempt < 4 else 200) as heard:
        house = await start(notify=[{"url": heard.url}])
        await house.post(webhook(alert()))
        assert {notice["event"] for notice in await heard.until(2)} == {"understood", "approval_needed"}
        assert heard.attempts >= 5


async def test_a_slow_webhook_delays_neither_work_nor_other_webhooks(start: Start) -> None:
    never = asyncio.Event()
    async with hook(slow=never) as slow, hook() as heard:
        house = await start(notify=[{"url": slow.url, "timeout_seconds": 30}, {"url": heard.url}])
        await house.post(webhook(alert()))
        await house.until("waiting")
        await heard.until(2)
        assert slow.attempts == 1 and slow.told == []
        never.set()


async def test_what_was_not_delivered_is_delivered_after_a_restart(start: Start) -> None:
    async with hook(lambda attempt: 503 if attempt < 3 else 200) as heard:
        house = await start(notify=[{"url": heard.url, "events": ["understood"]}])
        await house.post(webhook(alert()))
        await house.until("waiting")
        await house.desk.close()
        again = await start(notify=[{"url": heard.url, "events": ["understood"]}])
        await heard.until(1)
        await asyncio.sleep(0.1)
        assert len(heard.told) == 1 and await again.desk.store.next_due("other") is None


async def test_incidents_that_share_a_plan_are_told_of_once(start: Start) -> None:
    async with hook() as heard:
        house = await start(notify=[{"url": heard.url, "events": ["understood"]}], plans_at_once=1)
        for n in range(20):
            await house.desk.store.take(_delivery(n), "cluster")
        await house.until("waiting", count=20)
        await heard.until(1)
        asked = (await house.http.get("/v1/requests")).json()["requests"]
        assert [r["status"] for r in asked].count("input_required") == 1 and len(heard.told) == 1


def _delivery(n: int) -> Any:
    from planner.incidents.alertmanager import Webhook, delivery_of

    return delivery_of(Webhook.model_validate(webhook(alert(pod=f"web-{n}"), group=str(n))), [])
