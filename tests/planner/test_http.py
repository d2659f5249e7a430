"""The HTTP contract, over a team of fakes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from agents.runtime.findings import Finding
from tests.planner.conftest import Serve
from tests.planner.team import FakeTeam, out_of_memory


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
