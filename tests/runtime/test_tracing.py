"""The caller's trace: taken up, passed on over every wire, kept with tasks; spans of it only when somebody collects."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.runtime import tracing
from agents.runtime.cards import load_card
from agents.runtime.client import Member, open_http
from agents.runtime.findings import SubtaskInput
from agents.runtime.logs import JsonFormatter, know
from agents.runtime.remote_tools import RemoteTools
from agents.runtime.service import build_app
from agents.runtime.settings import McpServerSettings, Settings, TelemetrySettings
from agents.runtime.updates import Completed
from tests.collector import Collector, Span, assert_one_tree
from tests.runtime.foreign import Foreign, foreign_app, stranger_card
from tests.runtime.scripted import V1, Scripted, app_of, die, http_to, message, rpc, started, task_of
from tests.runtime.served import at, free_port

TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PLACE = tracing.Trace(f"00-{TRACE_ID}-{CALLER}-01", "shop=checkout,other=1")
HEADERS = {"traceparent": PLACE.traceparent, "tracestate": PLACE.tracestate}


class Hearing:
    """Notes the headers of POSTs."""

    def __init__(self, app: ASGIApp, heard: list[dict[str, str]]) -> None:
        self.app = app
        self.heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            self.heard.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self.app(scope, receive, send)


def rest_app(port: int) -> Starlette:
    """Somebody's agent that speaks HTTP+JSON alone."""
    card = stranger_card(f"http://localhost:{port}", "HTTP+JSON")
    handler = DefaultRequestHandler(agent_executor=Foreign(), task_store=InMemoryTaskStore(), agent_card=card)
    return Starlette(routes=[*create_agent_card_routes(card), *create_rest_routes(handler)])


@pytest.fixture
async def pool() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http() as client:
        yield client


@pytest.mark.parametrize("wire", ["1.0", "0.3", "rest"])
async def test_without_an_exporter_the_callers_trace_goes_on_unchanged(pool: httpx.AsyncClient, wire: str) -> None:
    port = free_port()
    app = rest_app(port) if wire == "rest" else foreign_app(port, wire, Foreign())
    heard: list[dict[str, str]] = []
    app.add_middleware(Hearing, heard=heard)
    async with at(app, port) as url:
        with tracing.joined(PLACE):
            member = Member("stranger", url, pool)
            extra = {"x-kagent-root-context-id": "root"}
            run = member.run("look", SubtaskInput(question="?"), message_id="m1", headers=extra)
            async with aclosing(run) as updates:
                last = [update async for update in updates][-1]
    assert isinstance(last, Completed)
    assert heard
    for headers in heard:
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
        assert headers["x-kagent-root-context-id"] == "root"


async def test_a_remote_mcp_server_gets_the_trace_of_each_call_over_one_session() -> None:
    server, seen = MCPServer("theirs"), list[Any]()

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def look() -> str:
        """Looks."""
        return "all is well"

    async def note(ctx: Any, call_next: Any) -> Any:
        if ctx.method == "tools/call":
            seen.append(dict(ctx.meta or {}))
        return await call_next(ctx)

    server.middleware.append(note)
    port = free_port()
    settings = McpServerSettings(url=f"http://127.0.0.1:{port}/mcp", tools=["look"])
    async with at(server.streamable_http_app(), port):
        remote = RemoteTools({"theirs": settings})
        ((tool,), _) = await remote.tools()
        await tool.call({})
        with tracing.joined(PLACE):
            await tool.call({})
        await remote.aclose()
    assert "traceparent" not in seen[0]
    assert {name: seen[1][name] for name in HEADERS} == HEADERS


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_a_callers_header_is_taken_as_the_standard_wants_it_or_not_at_all(header: str) -> None:
    found = tracing.read_trace(header, "a=b")
    if found is not None:
        assert int(found.id, 16) and int(found.span_id, 16) and len(found.id) == 32
        assert found.traceparent == header.strip()


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE_ID}-{'0' * 16}-01", f"ff-{TRACE_ID}-{CALLER}-01"],
)
def test_a_header_that_names_no_place_begins_no_trace(header: str) -> None:
    assert tracing.read_trace(header) is None


async def test_a_task_that_another_replica_takes_up_stays_in_its_trace(database_url: str, tmp_path: Path) -> None:
    store = {"url": database_url, "folder": tmp_path, "lease_seconds": 1}
    settings = Settings.model_validate({"store": store, "server": {"shutdown_grace_seconds": 0.1}})
    places: list[tracing.Trace | None] = []

    class Noting(Scripted):
        async def execute(self, *args: Any) -> None:
            places.append(tracing.current())
            await super().execute(*args)

    dying = app_of(Scripted(), settings, resume=True)
    async with http_to(dying) as http:
        await started(http, "wait", **HEADERS)
        await die(dying)
        second = Noting()
        second.go.set()
        async with http_to(app_of(second, settings, resume=True)):
            for _ in range(100):
                if places:
                    break
                await asyncio.sleep(0.05)
    assert [place.traceparent for place in places if place] == [PLACE.traceparent]


def test_without_an_exporter_nothing_of_the_sdk_is_imported_and_there_are_no_spans() -> None:
    program = """
import sys
from agents.runtime import service, specialist, client
from agents.runtime.tracing import NOTHING, exporting, span
from agents.runtime.settings import TelemetrySettings
exporting("metrics", TelemetrySettings())
assert span("x") is span("y") is NOTHING
loaded = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "environment", "configured"),
    [
        ({}, {}, False),
        ({"otlp_endpoint": "http://otel:4318"}, {}, True),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, True),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel:4318/v1/traces"}, True),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4317", "OTEL_TRACING_ENABLED": "false"}, False),
        ({"otlp_endpoint": "http://otel:4318"}, {"OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_our_settings_or_the_standard_variables_switch_it_on(
    settings: dict[str, Any], environment: dict[str, str], configured: bool
) -> None:
    assert tracing.is_configured(TelemetrySettings(**settings), environment) is configured


def traced_service(tmp_path: Path, url: str, tools: MCPServer | None = None, **telemetry: Any) -> Any:
    settings = Settings.model_validate(
        {"store": {"folder": tmp_path}, "telemetry": {"otlp_endpoint": url, **telemetry}}
    )
    return build_app(load_card("metrics", settings), Scripted(), settings, name="metrics", tools=tools)


def by_name(spans: list[Span]) -> dict[str, Span]:
    return {span.name: span for span in spans}


async def test_requests_of_a_traced_caller_are_spans_and_polls_of_others_are_not(tmp_path: Path) -> None:
    with Collector() as collector:
        async with http_to(traced_service(tmp_path, collector.url, headers={"x-key": "k"})) as http:
            assert (await http.get("/readyz")).status_code == 200
            await task_of(http, "hello")
            await http.post("/", json=rpc("SendMessage", message("hello", "m2")), headers={**V1, **HEADERS})
    assert collector.headers["x-key"] == "k"
    (span,) = collector.spans
    assert (span.service, span.name, span.kind, span.parent) == ("kubeteam-metrics", "POST /", "server", CALLER)
    assert span.attributes["http.response.status_code"] == 200 and not span.failed
    assert_one_tree(collector.spans, CALLER)


@pytest.mark.parametrize("way", ["header", "meta"])
async def test_a_call_of_our_tools_by_others_is_in_their_trace(tmp_path: Path, way: str) -> None:
    tools = MCPServer("ours")

    @tools.tool()
    async def top_resources() -> str:
        """The biggest."""
        raise RuntimeError("the disk is full")

    params: dict[str, Any] = {"name": "top_resources", "arguments": {}}
    headers = {"Accept": "application/json, text/event-stream"}
    if way == "meta":
        params["_meta"] = HEADERS
    else:
        headers |= HEADERS
    with Collector() as collector:
        async with http_to(traced_service(tmp_path, collector.url, tools)) as http:
            for name in ("top_resources", "no_such_tool"):
                await http.post("/mcp", json=rpc("tools/call", {**params, "name": name}), headers=headers)
    assert_one_tree(collector.spans, CALLER)
    executed = by_name(collector.spans)["execute_tool top_resources"]
    assert executed.failed and executed.attributes["error.type"] == "tool_error"
    assert "execute_tool no_such_tool" not in by_name(collector.spans), "names of strangers become no names of spans"


@pytest.mark.parametrize("trouble", [{"answer": 503}, {"delay": 30.0}, {"answer": 400}])
async def test_a_collector_in_trouble_holds_up_neither_requests_nor_the_shutdown(
    tmp_path: Path, trouble: dict[str, Any]
) -> None:
    with Collector(**trouble) as collector:
        async with asyncio.timeout(10):
            async with http_to(traced_service(tmp_path, collector.url, flush_seconds=0.1)) as http:
                answer = await http.post("/", json=rpc("SendMessage", message("hello")), headers={**V1, **HEADERS})
                assert answer.json()["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert not tracing.tracers, "what has stopped records nothing any more"


async def test_a_collector_that_is_not_there_costs_the_spans_and_nothing_else(tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    async with asyncio.timeout(10), http_to(traced_service(tmp_path, gone, flush_seconds=0.1)) as http:
        for number in range(50):
            answer = await http.post(
                "/", json=rpc("SendMessage", message("x", f"m{number}")), headers={**V1, **HEADERS}
            )
            assert "result" in answer.json()


async def test_two_services_of_one_process_send_under_their_own_names_until_each_has_stopped(tmp_path: Path) -> None:
    with Collector() as collector:
        settings = TelemetrySettings(otlp_endpoint=collector.url)
        async with tracing.exporting("one", settings):
            async with tracing.exporting("two", settings):
                tracing.work_for("two")
                with tracing.joined(PLACE), tracing.span("outer"), tracing.span("inner", attributes={"n": 1}):
                    pass
            tracing.work_for("one")
            with tracing.joined(PLACE), pytest.raises(ValueError), tracing.span("broken"):
                raise ValueError("no")
    spans = by_name(collector.spans)
    assert {name: span.service for name, span in spans.items()} == {
        "outer": "kubeteam-two",
        "inner": "kubeteam-two",
        "broken": "kubeteam-one",
    }
    assert spans["inner"].parent == spans["outer"].id and spans["inner"].attributes == {"n": 1}
    assert spans["broken"].failed and spans["broken"].attributes["error.type"] == "ValueError"
    assert {span.state for span in spans.values()} == {PLACE.tracestate}


async def test_a_caller_who_does_not_sample_is_not_recorded_but_passed_on(tmp_path: Path) -> None:
    unsampled = tracing.Trace(f"00-{TRACE_ID}-{CALLER}-00")
    with Collector() as collector:
        async with tracing.exporting("one", TelemetrySettings(otlp_endpoint=collector.url)):
            with tracing.joined(unsampled), tracing.span("outer"):
                passed_on = tracing.headers()["traceparent"]
    assert passed_on.startswith(f"00-{TRACE_ID}-") and passed_on.endswith("-00")
    assert collector.spans == []


def line_of(text: str) -> dict[str, Any]:
    record = logging.LogRecord("planner", logging.INFO, __file__, 1, text, (), None)
    return json.loads(JsonFormatter().format(record))


async def test_log_lines_hold_the_ids_of_the_work_that_they_are_about() -> None:
    async def work(number: str) -> dict[str, Any]:
        know(request_id=f"r{number}", plan_id="")
        await asyncio.sleep(0)
        know(subtask_id=f"s{number}")
        with tracing.joined(PLACE):
            return line_of("at work")

    one, two = await asyncio.gather(work("1"), work("2"))
    assert (one["request_id"], one["subtask_id"], two["request_id"]) == ("r1", "s1", "r2")
    assert (one["trace_id"], one["span_id"]) == (TRACE_ID, CALLER)
    assert "plan_id" not in one and not {"request_id", "trace_id"} & line_of("idle").keys()
