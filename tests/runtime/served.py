"""Services on real sockets, in this process."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette

from agents.runtime.serve import serving


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@asynccontextmanager
async def at(app: FastAPI | Starlette, port: int | None = None) -> AsyncIterator[str]:
    """The base URL of the served app."""
    port = port or free_port()
    async with serving([(app, "127.0.0.1", port)]):
        yield f"http://127.0.0.1:{port}"
