"""One address in front of several replicas, as a Service of Kubernetes is: they take turns, the dead are skipped."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def front(port: int, replicas: Sequence[int]) -> AsyncGenerator[None]:
    """Listens on a port of loopback and passes every connection on to one of the replicas' ports."""
    turn = itertools.count()
    open_ones: set[asyncio.Task[None]] = set()

    async def connect() -> Streams | None:
        first = next(turn)
        for step in range(len(replicas)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", replicas[(first + step) % len(replicas)])
        return None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        open_ones.add(current)
        try:
            if (there := await connect()) is not None:
                await _both_ways((reader, writer), there)
        finally:
            writer.close()
            open_ones.discard(current)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in list(open_ones):
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _both_ways(here: Streams, there: Streams) -> None:
    """Until either side hangs up."""
    copying = [asyncio.create_task(_copy(here[0], there[1])), asyncio.create_task(_copy(there[0], here[1]))]
    try:
        await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in copying:
            task.cancel()
        await asyncio.gather(*copying, return_exceptions=True)
        there[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
