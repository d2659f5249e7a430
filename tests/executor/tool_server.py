"""Somebody else's MCP server, served for real on a port of its own: tools of every kind of annotation."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from agents.runtime.settings import McpServerSettings

TOOLS = ["look", "pods_delete", "label", "unsure", "apply", "shell_open", "pods_exec", "ack_kubectl", "nested", "slow"]
TOOLS += ["upgrade", "broken", "scale"]
DESTROYS = ToolAnnotations(read_only_hint=False, destructive_hint=True)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False)


class ToolServer:
    """`calls` are the tools that were carried out, with their arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.description = "Sets a label."
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def settings(self, **changes: Any) -> McpServerSettings:
        values: dict[str, Any] = {"url": f"http://127.0.0.1:{self.port}/mcp", "tools": TOOLS, "timeout_seconds": 2}
        return McpServerSettings(**(values | changes))

    def start(self) -> None:
        app = self._server().streamable_http_app()
        config = uvicorn.Config(app, "127.0.0.1", self.port, log_level="critical", timeout_graceful_shutdown=0)
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, daemon=True)
        self._thread.start()
        while not self._uvicorn.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(5)

    def _server(self) -> MCPServer:
        server, seen = MCPServer("theirs"), self.calls

        @server.tool(annotations=ToolAnnotations(read_only_hint=True))
        def look(name: str) -> str:
            """Reads."""
            seen.append(("look", {"name": name}))
            return "fine"

        @server.tool(annotations=DESTROYS)
        def pods_delete(name: str, namespace: str = "") -> str:
            """Deletes a pod."""
            seen.append(("pods_delete", {"name": name, "namespace": namespace}))
            return f"deleted {name}"

        @server.tool(annotations=ADDS, description=self.description)
        def label(name: str, kind: str, namespace: str, value: str, cluster_id: str = "demo") -> str:
            seen.append(("label", {"name": name, "value": value}))
            return "labelled"

        @server.tool()
        def unsure(topic: str, password: str = "") -> str:
            """Says nothing about itself."""
            seen.append(("unsure", {"topic": topic}))
            return "done; token=abcdefghijklmnop"

        @server.tool(annotations=DESTROYS)
        def apply(resource: str) -> str:
            """Creates or updates."""
            seen.append(("apply", {"resource": resource}))
            return "applied"

        @server.tool(annotations=DESTROYS)
        def scale(kind: str, name: str, namespace: str, scale: int) -> str:
            """Scales."""
            seen.append(("scale", {"scale": scale}))
            return "scaled"

        @server.tool(annotations=ADDS)
        def shell_open(name: str) -> str:
            """A shell by its name."""
            seen.append(("shell_open", {}))
            return ""

        @server.tool(annotations=ADDS)
        def pods_exec(name: str, namespace: str, command: list[str]) -> str:
            """A shell in a pod."""
            seen.append(("pods_exec", {}))
            return ""

        @server.tool(annotations=ADDS)
        def nested(what: dict[str, Any] | None = None, extra_command_line: str = "") -> str:
            """A command line by its parameter."""
            seen.append(("nested", {}))
            return ""

        @server.tool()
        def ack_kubectl(command: str) -> str:
            """Runs kubectl."""
            seen.append(("ack_kubectl", {}))
            return ""

        @server.tool()
        async def slow(topic: str) -> str:
            """Carried out at once, answered late."""
            seen.append(("slow", {}))
            await asyncio.sleep(5)
            return "late"

        @server.tool()
        def broken(topic: str) -> str:
            """Fails half-way."""
            seen.append(("broken", {}))
            raise ToolError("the region is closed")

        @server.tool()
        def upgrade(release: str, dry_run: bool = False) -> str:
            """Has a dry run of its own."""
            seen.append(("upgrade", {"dry_run": dry_run}))
            return f"would upgrade {release}" if dry_run else f"upgraded {release}"

        return server
