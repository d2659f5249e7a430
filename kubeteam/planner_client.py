"""The planner's HTTP endpoint, as the command line uses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from kubeteam.exits import FAILED, USAGE, Complaint

REPORT_LOOKS = 150
"""How often it is looked, 0.2 s apart, whether a report is there once its request has ended."""


@dataclass(frozen=True)
class Event:
    """One server-sent event of a request. `data` is JSON."""

    id: str
    type: str
    data: dict[str, Any]


class PlannerClient:
    """Calls one planner. Every failure is a Complaint that says what to do."""

    def __init__(self, url: str, user: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"X-User-Id": user} if user else {}
        self._http = httpx.AsyncClient(base_url=self.url, timeout=httpx.Timeout(30, connect=5), headers=headers)

    async def __aenter__(self) -> PlannerClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, question: str, *, language: str | None = None, cluster_id: str | None = None) -> str:
        """Starts a request and returns its id."""
        body = {"question": question, "language": language, "cluster_id": cluster_id}
        answer = await self._call("POST", "/v1/requests", json={k: v for k, v in body.items() if v is not None})
        return str(answer["id"])

    async def show(self, request_id: str) -> dict[str, Any]:
        """One request with everything that is known of it."""
        return await self._call("GET", f"/v1/requests/{request_id}")

    async def requests(self, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """A page of requests, newest first: `{"requests": […], "next_cursor": …}`."""
        params: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return await self._call("GET", "/v1/requests", params=params)

    async def reply(self, request_id: str, text: str) -> dict[str, Any]:
        """Answers the question that a request waits for; `last_event` is where to follow it from."""
        return await self._call("POST", f"/v1/requests/{request_id}/reply", json={"text": text})

    async def decide(self, request_id: str, decisions: dict[str, Any]) -> dict[str, Any]:
        """Approves or rejects proposed Actions: `{"decisions": […]}` or `{"all": "approve" | "reject"}`.

        `last_event` in the answer is where to follow the request from.
        """
        return await self._call("POST", f"/v1/requests/{request_id}/approvals", json=decisions)

    async def journal(self, after: int, limit: int) -> dict[str, Any]:
        """A page of the journal: `{"entries": […], "next_after": …}`."""
        return await self._call("GET", "/v1/journal", params={"after": after, "limit": limit})

    async def incidents(self, filters: dict[str, Any]) -> dict[str, Any]:
        """A page of incidents, newest first: `{"incidents": […], "next_cursor": …}`."""
        return await self._call("GET", "/v1/incidents", params={k: v for k, v in filters.items() if v is not None})

    async def incident(self, incident_id: str) -> dict[str, Any]:
        """One incident with its signals."""
        return await self._call("GET", f"/v1/incidents/{incident_id}")

    async def cancel(self, request_id: str) -> dict[str, Any]:
        """Stops a request and its subtasks."""
        return await self._call("DELETE", f"/v1/requests/{request_id}")

    async def events(self, request_id: str, after: str | None = None) -> AsyncIterator[Event]:
        """A request's events from the beginning (or after one), until it ends or waits for a person.

        Reconnects with the last event's id when the connection drops.
        """
        last = after
        for _ in range(20):
            try:
                async with self._stream(request_id, last) as lines:
                    async for event in _parse(lines):
                        last = event.id or last
                        yield event
                    return
            except httpx.TransportError:
                continue
        raise Complaint(f"the planner at {self.url} keeps dropping the event stream of request {request_id}")

    @asynccontextmanager
    async def _stream(self, request_id: str, last: str | None) -> AsyncGenerator[AsyncIterator[str]]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        timeout = httpx.Timeout(60, connect=5)
        async with self._http.stream(
            "GET", f"/v1/requests/{request_id}/events", headers=headers, timeout=timeout
        ) as response:
            if response.status_code >= 400:
                await response.aread()
                raise _complaint(response)
            yield response.aiter_lines()

    async def make_report(self, cluster_id: str | None, language: str) -> dict[str, Any]:
        """Starts a health report: `{"id": …, "request_id": …}`."""
        body = {"cluster_id": cluster_id, "language": language}
        return await self._call("POST", "/v1/reports", json={k: v for k, v in body.items() if v is not None})

    async def report(self, report_id: str, form: str) -> str:
        """A report as `html`, `md` or `json`, once it is there. Raises Complaint when it failed."""
        for _ in range(REPORT_LOOKS):
            response = await self._send("GET", f"/v1/reports/{report_id}.{form}")
            if response.status_code != 202:
                return response.text
            await asyncio.sleep(0.2)
        raise Complaint(f"report {report_id} is not there yet: GET {self.url}/v1/reports/{report_id} later")

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = await self._send(method, path, **options)
        return response.json() if response.content else {}

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Complaint(
                f"no planner answers at {self.url} ({type(error).__name__}). Start one with `kubeteam up`, "
                "or give --planner URL, --sandbox FOLDER or --kubeconfig FILE",
                FAILED,
            ) from error
        if response.status_code >= 400:
            raise _complaint(response)
        return response


def _complaint(response: httpx.Response) -> Complaint:
    try:
        body = response.json()
        detail = body.get("detail") or body.get("title") or response.text
    except ValueError:
        detail = response.text[:300] or response.reason_phrase
    usage = response.status_code in (400, 404, 409, 413, 422)
    return Complaint(f"{detail} (HTTP {response.status_code})", USAGE if usage else FAILED)


async def _parse(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Server-sent events as the HTML standard frames them; comments are heartbeats."""
    fields: dict[str, list[str]] = {}
    async for line in lines:
        if not line:
            if "data" in fields:
                data = json.loads("\n".join(fields["data"]))
                yield Event("".join(fields.get("id", [])), "".join(fields.get("event", ["message"])), data)
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
