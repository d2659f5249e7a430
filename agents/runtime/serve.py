"""Listening: one or several services in one process and one event loop, stopped together and gracefully."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from agents.runtime.event_stream import end_streams

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2
"""How long connections may stay open after the tasks are drained."""
TICK_SECONDS = 1.0


class ServeError(RuntimeError):
    """A service could not listen; the text says where and why."""


class Binding(NamedTuple):
    """An app and where it listens. A plain tuple will do as well."""

    app: Starlette
    host: str
    port: int


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which would stop one server and not its neighbours, and without its ten
    looks a second at whether it is to stop, which were most of what an idle service did.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Listens no more, and lets those that are connected finish."""
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._stopped.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


Bindings = Sequence[Binding | tuple[Starlette, str, int]]


async def serve(bindings: Bindings, *, stop: asyncio.Event | None = None, started: asyncio.Event | None = None) -> None:
    """Serves until `stop` is set or, without one, until SIGINT or SIGTERM; then drains all services and returns.

    `started` is set when every service listens. Raises ServeError when one cannot.
    """
    stop = stop or _stop_on_signals()
    bindings = [Binding(*binding) for binding in bindings]
    servers = [_Server(_config(binding)) for binding in bindings]
    running = [asyncio.create_task(_listen(server, b)) for server, b in zip(servers, bindings, strict=True)]
    listening = asyncio.create_task(_announce(servers, started or asyncio.Event()))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            # Apps that `build_app` made have work to finish; others may be served as well.
            drains = [getattr(binding.app.state, "drain", None) for binding in bindings]
            await asyncio.gather(*(drain() for drain in drains if drain is not None))
    finally:
        for server, binding in zip(servers, bindings, strict=True):
            end_streams(binding.app)
            server.stop()
        stopping.cancel()
        listening.cancel()
        results = await asyncio.gather(*running, return_exceptions=True)
        await asyncio.gather(stopping, listening, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


@contextlib.asynccontextmanager
async def serving(bindings: Bindings) -> AsyncGenerator[None]:
    """Serves while the block runs; signals are the caller's. Raises ServeError when a service cannot listen."""
    stop, started = asyncio.Event(), asyncio.Event()
    server = asyncio.create_task(serve(bindings, stop=stop, started=started))
    ready = asyncio.create_task(started.wait())
    try:
        await asyncio.wait([server, ready], return_when=asyncio.FIRST_COMPLETED)
        if not started.is_set():
            await server
        yield
    finally:
        ready.cancel()
        stop.set()
        if not server.done():
            await server


def run(bindings: Bindings) -> None:
    """Blocks until the services are stopped by a signal."""
    tune_gc()
    import uvloop  # not on Windows, where nobody serves clusters

    uvloop.run(serve(bindings))


def tune_gc() -> None:
    """Fewer collections: measured, a busy service spent half its time in them. Call it when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _announce(servers: list[_Server], started: asyncio.Event) -> None:
    for server in servers:
        await server.listening.wait()
    started.set()


async def _listen(server: _Server, binding: Binding) -> None:
    where = f"{binding.host}:{binding.port}"
    try:
        await server.serve()
    except SystemExit as error:  # how uvicorn says that it could not bind
        raise ServeError(f"cannot listen on {where}: is something else listening there?") from error
    if not server.started:
        raise ServeError(f"the service for {where} could not start: see the log above")


def _config(binding: Binding) -> uvicorn.Config:
    return uvicorn.Config(
        binding.app,
        host=binding.host,
        port=binding.port,
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )


def _stop_on_signals() -> asyncio.Event:
    """Set by the first signal; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        log.info("%s: finishing what is under way", number.name)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    return stop
