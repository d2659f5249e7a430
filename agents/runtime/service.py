"""One service as an ASGI app: A2A, card, MCP tools, health, metrics, and what a member adds to it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from a2a.server.agent_execution import AgentExecutor
from a2a.types import AgentCard
from fastapi import APIRouter, FastAPI
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.authentication import AuthenticationBackend
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.runtime.a2a_routes import a2a_routes
from agents.runtime.admission import Admit
from agents.runtime.card_signature import signer
from agents.runtime.cards import REST_PATH, card_routes, load_card
from agents.runtime.definition import AgentDefinition
from agents.runtime.health import Check, Refresh, a2a_check, health_router, nothing_to_refresh, tools_check
from agents.runtime.kagent.handler import DialectHandler
from agents.runtime.kagent.recording import open_record
from agents.runtime.kagent.style import Style
from agents.runtime.live_tasks import LiveTasks
from agents.runtime.mcp_calls import MeasuredCalls
from agents.runtime.push_policy import PushPolicy
from agents.runtime.push_sender import PushSender
from agents.runtime.push_store import PushStore
from agents.runtime.service_metrics import REQUEST_SECONDS, REQUESTS
from agents.runtime.settings import Settings
from agents.runtime.task_handler import TaskHandler
from agents.runtime.task_store import TaskStore
from agents.runtime.tracing import NOTHING, exporting, joined, span, trace_of, work_for

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def build_service(definition: AgentDefinition, settings: Settings) -> FastAPI:
    """A specialist: its own agent over A2A, and the same tools over MCP."""
    from agents.runtime.specialist import SpecialistExecutor  # ADK is slow to import and not every service needs it

    tools = definition.tools(settings)
    executor = SpecialistExecutor(definition, settings, tools)
    card = load_card(definition.name, settings)
    extras = definition.extras(settings)
    return build_app(
        card,
        executor,
        settings,
        name=definition.name,
        tools=tools,
        routers=extras.routers,
        lifespans=[executor.lifespan, *extras.lifespans],
        resume=True,
    )


def build_app(
    card: AgentCard,
    executor: AgentExecutor,
    settings: Settings,
    *,
    name: str,
    tools: MCPServer | None = None,
    routers: Sequence[APIRouter] = (),
    lifespans: Sequence[Lifespan] = (),
    ready: Mapping[str, Check] | None = None,
    before_scrape: Refresh = nothing_to_refresh,
    resume: bool = False,
    recognise_repetition: bool = True,
    admit: Admit | None = None,
    authentication: AuthenticationBackend | None = None,
) -> FastAPI:
    """Puts a service together. It is served by `agents.runtime.serve`.

    `lifespans` open before the first request, in order, and close after the last. `resume`: the executor is called
    again for tasks that a crash or a stop left open, with the last message of the user; without it they are closed as
    FAILED. `recognise_repetition`: a message that comes again gets the task it already made. `before_scrape` brings
    gauges up to date. `admit` is asked before a message begins a task. `app.state.tasks` is the TaskHandler,
    `app.state.drain` what a graceful stop awaits.
    """
    kept = settings.store
    store = TaskStore.at(kept.url, kept.folder, name, lease_seconds=kept.lease_seconds, migrate=kept.migrate)
    push_store = PushStore(store.database, name)
    push_sender = PushSender(name, push_store, _push_policy(settings))
    handler = TaskHandler(name, executor, card, store, push_store, push_sender, resume=resume)
    handler.recognise_repetition = recognise_repetition
    handler.live.retention_seconds = kept.retention_days * 86_400
    style = Style(card.name, settings.kagent.namespace if settings.kagent.name else None)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(exporting(name, settings.telemetry))
            await store.open()
            stack.push_async_callback(store.close)
            stack.push_async_callback(push_sender.close)
            if tools is not None:
                await stack.enter_async_context(tools.session_manager.run())
            if settings.kagent.url is not None:
                handler.live.observer = await stack.enter_async_context(open_record(name, settings, store, style))
            for extra in lifespans:
                await stack.enter_async_context(extra(app))
            await handler.live.start()
            # Closing twice is harmless: a served app was drained already, a test's app was not.
            stack.push_async_callback(handler.live.drain, 0.0)
            yield

    app = FastAPI(title=f"kubeteam {name}", version=card.version, description=card.description, lifespan=lifespan)
    app.state.tasks = handler
    app.state.drain = _drain(handler.live, settings.server.shutdown_grace_seconds)
    checks: dict[str, Check] = {"a2a": a2a_check(app), **(ready or {})}
    if tools is not None:
        checks["tools"] = tools_check(tools)
    for router in routers:  # first, because they are asked most
        app.include_router(router)
    app.include_router(health_router(checks, lambda: handler.live.draining, before_scrape))
    app.router.routes.extend(card_routes(card, settings.server.card_dialect, signer(settings.cards)))
    app.router.routes.extend(a2a_routes(DialectHandler(handler, style), card, admit))
    if tools is not None:
        tools.middleware.append(MeasuredCalls(name, tools))
        app.router.routes.extend(_mcp_app(tools).routes)
    if authentication is not None:
        app.add_middleware(AuthenticationMiddleware, backend=authentication)
    app.add_middleware(Measured, service=name)
    return app


def _mcp_app(tools: MCPServer) -> FastAPI:
    """Stateless and answered with plain JSON, so that any replica can answer any call.

    The Host guard is off: services are reached under names that only the cluster knows, and pages of strangers are kept
    out by the absence of CORS headers.
    """
    guard = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return tools.streamable_http_app(  # pyright: ignore[reportReturnType] - a Starlette app; only its routes are used
        streamable_http_path="/mcp", stateless_http=True, json_response=True, transport_security=guard, host="0.0.0.0"
    )


def _push_policy(settings: Settings) -> PushPolicy:
    local = ["127.0.0.0/8", "::1", "localhost"] if settings.server.host in LOOPBACK else []
    return PushPolicy([*settings.server.push_allow, *local])


def _drain(live: LiveTasks, seconds: float) -> Callable[[], Awaitable[None]]:
    async def drain() -> None:
        await live.drain(seconds)

    return drain


class Measured:
    """Counts and times requests by route, never by path: paths hold ids. Takes up the caller's trace."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service
        self._fixed: frozenset[str] | None = None
        """The paths of routes that are always the same, known with the first request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        work_for(self._service)
        trace = trace_of(scope["headers"])
        # Only what is part of somebody's trace: probes and pages that look again and again would each make one.
        traced = trace is not None and scope["method"] != "GET"
        with joined(trace), span("HTTP", "server") if traced else NOTHING as told:
            try:
                await self._app(scope, receive, watch)
            finally:
                method, route = scope["method"], self._route_of(scope)
                REQUESTS.labels(self._service, method, route, str(status)).inc()
                REQUEST_SECONDS.labels(self._service, route).observe(time.perf_counter() - began)
                told.rename(f"{method} {route}")
                told.set(http__request__method=method, http__route=route, http__response__status_code=status)
                if status >= 500:
                    told.fail(str(status))

    def _route_of(self, scope: Scope) -> str:
        """The route's pattern where FastAPI matched one, the path where it is fixed, else what it begins with."""
        path: str = scope["path"]
        pattern = getattr(scope.get("route"), "path", None)
        if pattern is not None:
            return pattern
        if self._fixed is None:
            self._fixed = frozenset(getattr(route, "path", "") for route in scope["app"].routes)
        if path in self._fixed:
            return path
        return REST_PATH if path.startswith(f"{REST_PATH}/") else "other"
