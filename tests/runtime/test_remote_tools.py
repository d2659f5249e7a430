"""Other people's MCP servers: their tools are used when they only read, and their absence is said."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from agents.runtime.definition import ToolCall
from agents.runtime.remote_tools import RemoteTools
from agents.runtime.settings import AgentSettings, McpServerSettings, Settings
from agents.runtime.tools import Tool, ToolFailure
from agents.runtime.wire import read_finding
from agents.runtime.write_gate import checked_arguments
from tests.runtime.specialists import Cluster, definition, specialist

READ = ToolAnnotations(read_only_hint=True)
ALL = ["query", "write", "unsure", "ack_kubectl", "slow", "broken", "resources_get", "configuration_view", "inspect"]


class Foreign:
    """A server of somebody else, in a thread; it can be stopped and started again on the same port."""

    def __init__(self, transport: str) -> None:
        self.transport = transport
        self.calls: list[tuple[str, Any]] = []
        self.lists = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{'sse' if self.transport == 'sse' else 'mcp'}"

    def settings(self, *tools: str, **changes: Any) -> McpServerSettings:
        kind: Any = self.transport
        values: dict[str, Any] = {"url": self.url, "transport": kind, "tools": list(tools) or ALL}
        return McpServerSettings(**(values | changes))

    def start(self) -> None:
        server = self._server()
        app = server.sse_app() if self.transport == "sse" else server.streamable_http_app()
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
        server = MCPServer("foreign")
        seen = self.calls

        @server.tool(annotations=READ)
        def query(query: str) -> dict[str, Any]:
            """Answers."""
            seen.append(("query", query))
            return {"answer": f"about {query}"}

        @server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False))
        def write(name: str) -> str:
            """Writes."""
            seen.append(("write", name))
            return "written"

        @server.tool()
        def unsure() -> str:
            """Says nothing about itself."""
            seen.append(("unsure", None))
            return "done"

        @server.tool()
        def ack_kubectl(command: str, cluster_id: str) -> str:
            """Runs kubectl."""
            seen.append(("ack_kubectl", command))
            return f"ran {command}"

        @server.tool(annotations=READ)
        async def slow() -> str:
            """Takes its time."""
            await asyncio.sleep(20)
            return "late"

        @server.tool(annotations=READ)
        def broken() -> str:
            """Fails."""
            raise ToolError("the region is closed")

        @server.tool(annotations=READ)
        def resources_get(kind: str, name: str) -> str:
            """Reads any object."""
            seen.append(("resources_get", kind))
            return "apiVersion: v1"

        @server.tool(annotations=READ)
        def inspect(target: str, command: str = "") -> str:
            """Says that it only reads."""
            seen.append(("inspect", command))
            return "ran"

        @server.tool(annotations=READ)
        def configuration_view() -> str:
            """Prints the kubeconfig."""
            seen.append(("configuration_view", None))
            return "token: abc"

        return server


@pytest.fixture(params=["streamable_http", "sse"])
def foreign(request: pytest.FixtureRequest) -> Iterator[Foreign]:
    server = Foreign(request.param)
    server.start()
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def tools_of(*servers: McpServerSettings, gate: Any = None):
    remote = RemoteTools({f"foreign{number or ''}": server for number, server in enumerate(servers)}, gate)
    try:
        yield remote
    finally:
        await remote.aclose()


async def named(remote: RemoteTools) -> dict[str, Tool]:
    tools, missing = await remote.tools()
    assert missing == []
    return {tool.info.name: tool for tool in tools}


async def test_a_reading_tool_is_called(foreign: Foreign):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        assert await tools["query"].call({"query": "pods"}) == {"answer": "about pods"}


async def test_only_allowed_tools_are_there(foreign: Foreign):
    async with tools_of(foreign.settings("query")) as remote:
        assert list(await named(remote)) == ["query"]


@pytest.mark.parametrize("name", ["write", "unsure", "inspect"])
async def test_a_tool_that_does_not_say_it_only_reads_is_never_called(foreign: Foreign, name: str):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        assert not tools[name].info.read_only
        with pytest.raises(ToolFailure, match="go through the executor"):
            await tools[name].call({"name": "x"})
    assert foreign.calls == []


async def test_a_write_goes_to_the_gate_when_there_is_one(foreign: Foreign):
    async def gate(server: str, call: ToolCall) -> str:
        return f"{server} shall {call.name} {call.arguments}"

    async with tools_of(foreign.settings(), gate=gate) as remote:
        tools = await named(remote)
        assert await tools["write"].call({"name": "x"}) == "foreign shall write {'name': 'x'}"
    assert foreign.calls == []


async def test_a_kubectl_line_is_sent_as_it_was_understood(foreign: Foreign):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        await tools["ack_kubectl"].call({"command": "kubectl get pods -nshop", "cluster_id": "c"})
        for line in ("get pods; id", "delete pod x", "get secret -o yaml"):
            with pytest.raises(ToolFailure, match="was not called"):
                await tools["ack_kubectl"].call({"command": line, "cluster_id": "c"})
    assert foreign.calls == [("ack_kubectl", "get pods --namespace=shop")]


@pytest.mark.parametrize("kind", ["Secret", "secrets", "secret/foo", "Secret.v1."])
async def test_secrets_and_credentials_are_not_read(foreign: Foreign, kind: str):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        with pytest.raises(ToolFailure, match="Secrets"):
            await tools["resources_get"].call({"kind": kind, "name": "db"})
        with pytest.raises(ToolFailure, match="credentials"):
            await tools["configuration_view"].call({})
    assert foreign.calls == []


def test_an_audit_log_may_be_asked_who_touched_secrets():
    arguments = {"resource_types": "secrets", "resource_name": "db"}
    assert checked_arguments("query_audit_log", arguments, takes_command_line=False) == arguments


async def test_a_failing_tool_says_why(foreign: Foreign):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        with pytest.raises(ToolFailure, match="the region is closed"):
            await tools["broken"].call({})


async def test_a_slow_tool_is_given_up(foreign: Foreign):
    async with tools_of(foreign.settings(timeout_seconds=0.5)) as remote:
        tools = await named(remote)
        with pytest.raises(ToolFailure, match=r"did not answer within 0\.5 s"):
            await tools["slow"].call({})
        assert await tools["query"].call({"query": "x"}), "the session still works"


async def test_a_restarted_server_is_found_again(foreign: Foreign):
    async with tools_of(foreign.settings()) as remote:
        tools = await named(remote)
        await tools["query"].call({"query": "x"})
        foreign.stop()
        foreign.start()
        assert await tools["query"].call({"query": "y"}) == {"answer": "about y"}


async def test_many_turns_share_one_session(foreign: Foreign):
    async with tools_of(foreign.settings()) as remote:
        turns = await asyncio.gather(*(named(remote) for _ in range(10)))
        await asyncio.gather(*(tools["query"].call({"query": "x"}) for tools in turns))
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("mcp http")]
    assert len(tasks) == 1


async def test_tools_of_the_same_name_are_told_apart(foreign: Foreign):
    async with tools_of(foreign.settings("query"), foreign.settings("query")) as remote:
        assert list(await named(remote)) == ["query", "foreign1_query"]


@pytest.mark.parametrize(("language", "words"), [("en", "could not be used"), ("zh", "无法使用 MCP 服务 foreign")])
async def test_an_unreachable_server_is_named_and_then_left_alone(language: Any, words: str):
    visits = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    nowhere = McpServerSettings(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", tools=["query"])
    async with server, tools_of(nowhere) as remote:
        tools, missing = await remote.tools(language)
        assert tools == []
        assert words in missing[0]
        assert "query" in missing[0]
        tried = visits
        await remote.tools(language)
        assert visits == tried > 0


async def test_a_tool_that_is_not_offered_is_named(foreign: Foreign):
    async with tools_of(foreign.settings("query", "teleport")) as remote:
        _, missing = await remote.tools()
    assert missing == ["The MCP server foreign does not offer: teleport."]


async def test_an_answer_says_which_servers_were_not_there():
    nowhere = McpServerSettings(url="http://127.0.0.1:9/mcp", tools=["query"])
    config = Settings(agents={"weather": AgentSettings(mcp_servers={"prices": nowhere})})
    async with specialist(definition(Cluster()), config) as client:
        task = await client.ask("why?")
    finding = read_finding(task.artifacts)
    assert finding is not None
    assert finding.facts["list_pods"]
    assert "The MCP server prices could not be used" in finding.missing[0]
