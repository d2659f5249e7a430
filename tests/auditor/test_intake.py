"""The API server's webhook: only with the token, once per event, never lost once it was answered 200."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from mcp.server.mcpserver.exceptions import ToolError

from agents.auditor.agent import DEFINITION
from agents.auditor.audit_store import AuditStore, AuditStoreError
from agents.auditor.tools import build_tools
from agents.cluster.audit import AuditFiles, AuditFilter
from agents.runtime.service import build_service
from agents.runtime.settings import AuditWebhookSettings, Settings, StoreSettings
from tests.auditor.conftest import SERVICE, audited
from tests.cluster.fake_api import FakeApi, serving
from tests.cluster.turns import ask, call

NOW = datetime.now(UTC)
TOKEN = "hook-token"
LEAK = "c3dvcmRmaXNo"


def event(minutes: float, verb: str = "patch", resource: str = "deployments", **more: Any) -> dict[str, Any]:
    return json.loads(audited(minutes, verb, resource, more.pop("name", "api"), **more))


def batch(*items: dict[str, Any]) -> dict[str, Any]:
    bare = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": bare}


def settings_at(folder: Path, **webhook: Any) -> Settings:
    return Settings.model_validate(
        {
            "kubernetes": {"kubeconfig": folder / "kubeconfig"},
            "store": {"folder": folder / "store"},
            "audit": {"webhook": {"token": TOKEN, **webhook}},
        }
    )


@asynccontextmanager
async def auditor(api: FakeApi, folder: Path, **webhook: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The auditor's service, and a client with the webhook's token."""
    async with serving(api, folder):
        app = build_service(DEFINITION, settings_at(folder, **webhook))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://auditor", headers=headers) as client,
        ):
            yield client


async def test_questions_are_answered_from_what_the_webhook_brought(api: FakeApi, tmp_path: Path) -> None:
    async with auditor(api, tmp_path, max_body_bytes=100_000) as http:
        events = [
            event(3000, "create", "services", name="billing", requestObject=SERVICE),
            event(50, "delete", "services", name="billing"),
            event(20, "patch", "configmaps", name="colors", requestObject={"data": {"color": "blue"}}),
        ]
        assert (await http.post("/audit", json=batch(*events))).json() == {"events": 3}
        tools = build_tools(settings_at(tmp_path))
        async with tools.settings.lifespan(tools):  # type: ignore[misc]
            deleted, _ = await ask(DEFINITION, tools, "Which port did the deleted service billing have?")
            changed, _ = await ask(DEFINITION, tools, "What changed in the last hour?")
            by_name = await call(tools, "query_audit_log", namespace="we*", resource_types="svc", start_time="7d")
        assert "port 7443 -> 9000/TCP (http)" in deleted.text
        assert "colors" in changed.text and "color = blue" in changed.text
        assert by_name["total"] == 2


async def test_a_batch_that_comes_again_changes_nothing(api: FakeApi, tmp_path: Path) -> None:
    async with auditor(api, tmp_path, max_body_bytes=100_000) as http:
        for _ in range(3):
            assert (await http.post("/audit", json=batch(event(1), event(2)))).status_code == 200
        tools = build_tools(settings_at(tmp_path))
        async with tools.settings.lifespan(tools):  # type: ignore[misc]
            assert (await call(tools, "query_audit_log"))["total"] == 2


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
async def test_nobody_else_may_write(api: FakeApi, tmp_path: Path, header: dict[str, str]) -> None:
    async with auditor(api, tmp_path, max_body_bytes=100_000) as http:
        http.headers.pop("Authorization")
        assert (await http.post("/audit", json=batch(event(1)), headers=header)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"kind": "Event"}', 400),
        (b'{"kind":"EventList","items":[1]}', 200),
        (b" " * 200_000, 413),
    ],
)
async def test_what_is_no_batch_is_refused(api: FakeApi, tmp_path: Path, body: bytes, status: int) -> None:
    async with auditor(api, tmp_path, max_body_bytes=100_000) as http:
        assert (await http.post("/audit", content=body)).status_code == status


async def test_a_cluster_without_a_webhook_has_no_door(api: FakeApi, tmp_path: Path) -> None:
    async with auditor(api, tmp_path, max_body_bytes=100_000) as http:
        assert (await http.post("/audit/other", json=batch(event(1)))).status_code == 404


async def test_too_many_batches_at_a_time_are_sent_away_for_a_while(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow(self: AuditStore, cluster: str, items: list[Any]) -> int:
        written.set()
        await go_on.wait()
        return len(items)

    monkeypatch.setattr(AuditStore, "add", slow)
    async with auditor(api, tmp_path, max_waiting=1) as client:
        first = asyncio.create_task(client.post("/audit", json=batch(event(1))))
        await written.wait()
        second = await client.post("/audit", json=batch(event(2)))
        go_on.set()
        assert (await first).status_code == 200
    assert (second.status_code, second.headers["Retry-After"]) == (429, "1")


async def test_without_a_webhook_there_is_no_such_route(api: FakeApi, tmp_path: Path) -> None:
    async with serving(api, tmp_path):
        app = build_service(DEFINITION, Settings.model_validate({"store": {"folder": tmp_path / "store"}}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            assert (await client.post("/audit", json=batch(event(1)))).status_code in (404, 405)


# The store on its own, on both databases


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[AuditStore]:
    store = AuditStore(StoreSettings(url=database_url, folder=tmp_path))
    async with store.lifespan():
        yield store


async def test_the_store_decides_as_a_file_does(store: AuditStore, tmp_path: Path) -> None:
    kept, cluster = store, "prod"
    events = [
        event(1, "delete", name="api-1"),
        event(2, "get", "secrets", name="API-1", user="bob"),
        event(3, "patch", "leases"),
        event(4, "patch", user="system:serviceaccount:kube-system:deployment-controller"),
        event(5, "list", "pods", name="", responseStatus={"code": 403, "message": "forbidden"}),
        event(6, "update", requestURI="/x?dryRun=All"),
    ]
    path = tmp_path / "audit.jsonl"
    path.write_text("\n".join(map(json.dumps, events)))
    await kept.add(cluster, events)
    begin, end = NOW - timedelta(hours=1), NOW + timedelta(minutes=1)
    for more in (
        {},
        {"limit": 2},
        {"verbs": ("delete", "get")},
        {"resources": ("secrets",)},
        {"namespace": "we*"},
        {"namespace": "other"},
        {"name": "api*"},
        {"name": "api-1"},
        {"user": "bo*"},
        {"changes_only": True, "people_only": True},
        {"denied_only": True},
    ):
        wanted = AuditFilter(start=begin, end=end, **more)  # type: ignore[arg-type]
        in_file, in_store = await AuditFiles(path).find(wanted), await kept.at(cluster).find(wanted)
        assert [e.raw["auditID"] for e in in_store.events] == [e.raw["auditID"] for e in in_file.events], more
        assert (in_store.total, in_store.oldest) == (in_file.total, in_file.oldest), more


async def test_events_expire_by_age_and_by_number(store: AuditStore) -> None:
    kept, cluster = store, "prod"
    await kept.add(cluster, [event(minutes) for minutes in (1, 2, 3, 4, 90)])
    gone = await kept.expire(cluster, AuditWebhookSettings(token="x", retention_hours=1, max_events=2), NOW)
    page = await kept.at(cluster).find(AuditFilter(start=NOW - timedelta(days=1), end=NOW))
    assert (gone, page.total) == (3, 2)


async def test_no_secret_value_is_written_to_disk(tmp_path: Path) -> None:
    import zlib

    from sqlalchemy import select

    from agents.auditor.audit_tables import events as table

    body = {"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": LEAK}}
    store = AuditStore(StoreSettings(folder=tmp_path))
    async with store.lifespan():
        await store.add("", [event(1, "create", "secrets", requestObject=body)])
        (blob,) = await store.read(lambda connection: connection.execute(select(table.c.blob)).scalars().all())
    assert LEAK.encode() not in zlib.decompress(blob)


async def test_a_database_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(AuditStoreError, match="not open"):
        await AuditStore(StoreSettings(folder=tmp_path)).add("", [event(1)])


async def test_each_cluster_has_its_own_source(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "demo.jsonl").write_text(audited(1, "delete", "services", "billing"))
    async with serving(api, tmp_path):
        name = yaml.safe_load((tmp_path / "kubeconfig").read_text())["contexts"][0]["name"]
        audit = {"path": tmp_path / "nowhere.jsonl", "clusters": {name: {"path": tmp_path / "demo.jsonl"}}}
        tools = build_tools(
            Settings.model_validate({"kubernetes": {"kubeconfig": tmp_path / "kubeconfig"}, "audit": audit})
        )
        async with tools.settings.lifespan(tools):  # type: ignore[misc]
            assert (await call(tools, "query_audit_log"))["total"] == 1
            with pytest.raises(ToolError, match="no cluster 'other'"):
                await call(tools, "query_audit_log", cluster_id="other")
