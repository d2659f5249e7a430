"""From an alert to a closed incident, with a real Prometheus and a real Alertmanager."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.alerting import alerting, exporter, require
from tests.end_to_end.conftest import team_on_the_incident

pytestmark = pytest.mark.xdist_group("alerts")
TOKEN = "from-alertmanager"


@asynccontextmanager
async def receiver(told: list[dict[str, Any]]) -> AsyncIterator[str]:
    """A webhook that keeps what it is told."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0])
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


async def until(http: httpx.AsyncClient, *statuses: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for _ in range(450):
        found = (await http.get("/v1/incidents")).json()["incidents"]
        if found and found[0]["status"] in statuses:
            return found[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"no incident became {statuses}: {found}")


async def test_an_alert_is_diagnosed_approved_repaired_and_its_incident_closed(tmp_path: Path) -> None:
    require()
    told: list[dict[str, Any]] = []
    async with receiver(told) as hook:
        alerts = {"token": TOKEN, "notify": [{"url": hook}]}
        async with (
            team_on_the_incident(alerts=alerts) as (team, settings),
            exporter(settings.kubernetes.kubeconfig or Path(), "shop") as port,
            alerting(tmp_path, port, team.url, TOKEN),
            httpx.AsyncClient(base_url=team.url, headers={"X-User-Id": "ann"}) as http,
        ):
            incident = await until(http, "waiting")
            assert (incident["namespace"], incident["severity"]) == ("shop", "critical")
            assert any("shop/Deployment/checkout" in cause for cause in incident["causes"]), incident
            request_id = incident["request_id"]
            waiting = (await http.get(f"/v1/requests/{request_id}")).json()
            assert [a["resource"] for a in waiting["input_required"]["actions"]] == ["shop/Deployment/checkout"]

            approved = await http.post(f"/v1/requests/{request_id}/approvals", json={"all": "approve"})
            assert approved.status_code == 202, approved.text
            closed = await until(http, "resolved")
            assert closed["request_id"] == request_id and closed["firing"] == 0
            answered = (await http.get(f"/v1/requests/{request_id}")).json()
            assert answered["answer"].startswith("**Fixed"), answered["answer"]
            listed = (await http.get("/v1/incidents")).json()["incidents"]
            assert len(listed) == 1, "neither the Watchdog nor a repeated alert is an incident"
            for _ in range(50):
                if len(told) == 4:
                    break
                await asyncio.sleep(0.1)
            assert [notice["event"] for notice in told] == ["understood", "approval_needed", "repaired", "resolved"]
