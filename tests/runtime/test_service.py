"""The rest of a service: card, MCP tools, health, metrics, authentication, several in one process, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import httpx
import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.requests import HTTPConnection

from agents.runtime.cards import CardError, load_card
from agents.runtime.serve import ServeError, serving
from agents.runtime.settings import Settings, SettingsError
from tests.runtime.scripted import Scripted, app_of, call, http_to, message, settings_in
from tests.runtime.served import at, free_port

PROJECT = Path(__file__).parents[2]
NAMES = ("planner", "metrics", "auditor", "diagnoser", "executor")


def tools() -> MCPServer:
    server = MCPServer("t")

    @server.tool()
    def double(number: int) -> int:
        """Twice the number."""
        return 2 * number

    return server


@pytest.mark.parametrize("name", NAMES)
def test_every_card_is_complete(name: str, settings: Settings) -> None:
    card = load_card(name, settings)
    assert card.name == name and card.description and card.version and card.documentation_url
    assert card.provider.organization and card.provider.url
    assert card.capabilities.streaming and card.capabilities.push_notifications
    assert card.capabilities.extensions[0].uri == "https://kubeteam.dev/extensions/finding/v1"
    assert card.security_schemes and card.default_input_modes and card.default_output_modes
    bindings = [(i.protocol_binding, i.protocol_version) for i in card.supported_interfaces]
    assert bindings == [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0")]
    for skill in card.skills:
        assert skill.id and skill.name and skill.description and skill.tags
        chinese = [any("一" <= letter <= "鿿" for letter in example) for example in skill.examples]
        assert any(chinese) and not all(chinese), f"{skill.id} needs examples in English and Chinese"


def test_the_served_url_is_the_public_one_when_there_is_one(tmp_path: Path) -> None:
    plain = load_card("metrics", settings_in(tmp_path)).supported_interfaces[0].url
    assert plain == "http://127.0.0.1:8081/"
    public = load_card("metrics", settings_in(tmp_path, public_url="https://ops.example/metrics/"))
    assert [i.url for i in public.supported_interfaces] == [
        "https://ops.example/metrics/",
        "https://ops.example/metrics/rest",
    ]


def test_a_member_of_team_yaml_has_a_card_and_an_unknown_one_has_not(tmp_path: Path) -> None:
    skills = [{"id": "dns", "name": "DNS", "description": "names"}]
    settings = Settings.model_validate({"agents": {"network": {"port": 9000, "description": "d", "skills": skills}}})
    assert load_card("network", settings).skills[0].id == "dns"
    with pytest.raises(SettingsError, match="nobody"):
        load_card("nobody", settings)
    (tmp_path / "metrics.yaml").write_text("name: [")
    with pytest.raises(CardError, match=r"metrics\.yaml"):
        load_card("metrics", settings, folder=tmp_path)


async def test_the_card_is_cacheable_and_pure_1_0_unless_asked_otherwise(http: httpx.AsyncClient) -> None:
    path = "/.well-known/agent-card.json"
    card = await http.get(path)
    assert card.headers["cache-control"] and card.headers["last-modified"]
    assert not {"url", "protocolVersion", "preferredTransport"} & set(card.json())
    again = await http.get(path, headers={"If-None-Match": card.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for old in (await http.get(path, headers={"A2A-Version": "0.3"}), await http.get("/.well-known/agent.json")):
        assert old.json()["url"] == "http://127.0.0.1:8081/"
        assert old.json()["protocolVersion"].startswith("0.3")
        assert old.headers["etag"] != card.headers["etag"]


async def test_a_setting_makes_the_card_0_3_for_everybody(tmp_path: Path) -> None:
    async with http_to(app_of(Scripted(), settings_in(tmp_path, card_dialect="0.3"))) as http:
        assert "url" in (await http.get("/.well-known/agent-card.json")).json()


async def test_the_tools_answer_over_mcp_under_any_host_name(settings: Settings) -> None:
    async with at(app_of(Scripted(), settings, tools=tools())) as url:
        async with Client(f"{url}/mcp") as mcp:
            assert [tool.name for tool in (await mcp.list_tools()).tools] == ["double"]
            result = await mcp.call_tool("double", {"number": 21})
            assert result.structured_content == {"result": 42}
        async with httpx.AsyncClient() as http:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            accept = {"Accept": "application/json, text/event-stream", "Host": "metrics.kubeteam.svc:8080"}
            assert (await http.post(f"{url}/mcp", json=body, headers=accept)).status_code == 200


async def test_ready_means_that_tools_and_a2a_really_answer(settings: Settings) -> None:
    async with http_to(app_of(Scripted(), settings, tools=tools())) as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]) == (200, {"a2a": "ok", "tools": "ok"})

    async def cluster() -> str | None:
        return "the API server does not answer"

    empty = app_of(Scripted(), settings, tools=MCPServer("empty"), ready={"cluster": cluster})
    async with http_to(empty) as http:
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["cluster"] == "the API server does not answer"
        assert "no tools" in ready.json()["checks"]["tools"]


async def test_metrics_count_requests_by_route_and_tasks_by_state(http: httpx.AsyncClient) -> None:
    await call(http, "SendMessage", message("x"))
    await http.get("/some/secret/path")
    text = (await http.get("/metrics")).text
    assert 'kubeteam_a2a_task_runs_total{service="metrics",state="completed"}' in text
    assert 'kubeteam_http_requests_total{method="POST",route="/",service="metrics",status="200"}' in text
    assert "secret" not in text


async def test_an_authentication_backend_decides_who_calls(executor: Scripted, settings: Settings) -> None:
    class Tokens(AuthenticationBackend):
        async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
            known = conn.headers.get("authorization") == "Bearer ann's"
            return (AuthCredentials(["authenticated"]), SimpleUser("ann")) if known else None

    async with http_to(app_of(executor, settings, authentication=Tokens())) as http:
        await call(http, "SendMessage", message("x"), Authorization="Bearer ann's", **{"X-User-Id": "bob"})
    assert executor.users == ["ann"]


async def test_several_services_share_a_process(tmp_path: Path) -> None:
    bindings = []
    for name in ("one", "two"):
        bindings.append((app_of(Scripted(), settings_in(tmp_path / name)), "127.0.0.1", free_port()))
    async with serving(bindings), httpx.AsyncClient() as http:
        answers = [await http.get(f"http://127.0.0.1:{port}/healthz") for _, _, port in bindings]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_taken_port_is_named(settings: Settings) -> None:
    async with at(app_of(Scripted(), settings)) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(ServeError, match=str(port)):
            async with serving([(app_of(Scripted(), settings), "127.0.0.1", port)]):
                pass


SERVICE = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from agents.runtime.serve import run
    from tests.runtime.scripted import Scripted, app_of, settings_in
    settings = settings_in(Path(sys.argv[1]), shutdown_grace_seconds=0.3)
    run([(app_of(Scripted(), settings), "127.0.0.1", int(sys.argv[2]))])
    """
)


async def test_sigterm_ends_streams_with_the_tasks_last_word(tmp_path: Path) -> None:
    port = free_port()
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVICE, str(tmp_path), str(port), env=env)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            for _ in range(200):
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        break
                except httpx.ConnectError:
                    await asyncio.sleep(0.1)
            body = {"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage", "params": message("wait")}
            async with http.stream("POST", "/", json=body, headers={"A2A-Version": "1.0"}) as stream:
                lines = stream.aiter_lines()
                assert "task" in await anext(lines)
                process.send_signal(signal.SIGTERM)
                rest = [line async for line in lines]
        assert "TASK_STATE_CANCELED" in "".join(rest)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
