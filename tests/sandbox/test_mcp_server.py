"""The real kubernetes-mcp-server works on the sandbox: many teams reach their clusters through it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from sandbox import Sandbox

BINARY = os.environ.get("KUBERNETES_MCP_SERVER") or shutil.which("kubernetes-mcp-server")
pytestmark = pytest.mark.skipif(
    BINARY is None,
    reason="kubernetes-mcp-server not found: `npm install kubernetes-mcp-server`, then set KUBERNETES_MCP_SERVER to it",
)
SHOP = {"namespace": "shop"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", **SHOP}
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mcp1, namespace: shop}\ndata: {a: b}\n"


@asynccontextmanager
async def session_with(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    arguments = ["--kubeconfig", str(sandbox.kubeconfig), "--toolsets", "core,config,helm"]
    server = StdioServerParameters(command=str(BINARY), args=arguments)
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


async def text_of(session: ClientSession, tool: str, arguments: dict[str, Any]) -> str:
    result = await session.call_tool(tool, arguments)
    text = " ".join(getattr(part, "text", "") for part in result.content)
    assert "error" not in text.lower()[:20], text
    return text


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("namespaces_list", {}, "shop"),
        ("pods_list", {}, "cart-abc-1"),
        ("pods_list_in_namespace", SHOP, "cart-abc-1"),
        ("pods_get", {**SHOP, "name": "cart-abc-3"}, "cart-abc-3"),
        ("pods_log", {**SHOP, "name": "cart-abc-3", "tail": 5}, "listening"),
        ("pods_log", {**SHOP, "name": "cart-abc-3", "previous": True}, "listening"),
        ("events_list", SHOP, "BackOff"),
        ("resources_list", DEPLOYMENT, "cart"),
        ("resources_get", {**DEPLOYMENT, "name": "cart"}, "cart"),
        ("resources_list", {"apiVersion": "v1", "kind": "Pod", **SHOP, "labelSelector": "app=cart"}, "cart-abc-1"),
        ("resources_scale", {**DEPLOYMENT, "name": "cart", "scale": 4}, "4"),
        ("resources_create_or_update", {"resource": CONFIG_MAP}, "mcp1"),
        ("pods_top", SHOP, "cart"),
        ("nodes_top", {}, "n1"),
        ("pods_run", {**SHOP, "image": "busybox", "name": "runme"}, "runme"),
        ("pods_exec", {**SHOP, "name": "cart-abc-1", "command": ["echo", "hi"]}, "hi"),
        ("pods_delete", {**SHOP, "name": "cart-abc-2"}, ""),
        ("resources_delete", {"apiVersion": "v1", "kind": "ConfigMap", **SHOP, "name": "cart-cfg"}, ""),
    ],
)
async def test_a_tool_works(live: Sandbox, tool: str, arguments: dict[str, Any], expected: str) -> None:
    async with session_with(live) as session:
        assert expected in await text_of(session, tool, arguments)
