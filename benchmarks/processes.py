"""Services as processes of their own, and what the kernel says they cost."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 150
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Service:
    """A process that answers HTTP on a loopback port."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    cpu_to_ready: float = 0.0
    """CPU seconds until it was ready; what it does next, while others are still starting, is not in it."""

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    @property
    def megabytes(self) -> float:
        """Resident memory, shared libraries included."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@asynccontextmanager
async def started(
    commands: Mapping[str, Sequence[str]],
    ports: Mapping[str, int],
    logs: Path,
    *,
    env: Mapping[str, str] | None = None,
    ready: str = "/readyz",
    checkout: Path | None = None,
) -> AsyncGenerator[dict[str, Service]]:
    """Runs `python -m COMMAND` for each name until the block ends, and waits until all answer `ready`.

    `checkout` has the code that they run, when it is not this one's.

    Raises RuntimeError with the end of the log when one does not.
    """
    # With byte code, as the image has it; without, half of a start is compiling.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    clean = {key: value for key, value in kept.items() if not key.startswith("KUBETEAM_")}
    services: dict[str, Service] = {}
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs on this loop meanwhile
                    [sys.executable, "-m", *command], stdout=log, stderr=log, env=clean | dict(env or {}), cwd=checkout
                )
            services[name] = Service(name, process, f"http://127.0.0.1:{ports[name]}")
        await asyncio.gather(*(_until_ready(service, ready, logs) for service in services.values()))
        yield services
    finally:
        for service in services.values():
            service.process.terminate()
        await asyncio.gather(*(asyncio.to_thread(_end, service.process) for service in services.values()))


async def _until_ready(service: Service, path: str, logs: Path) -> None:
    async with httpx.AsyncClient(base_url=service.url, timeout=5) as http:
        for _ in range(START_SECONDS * 10):
            try:
                if service.process.poll() is None and (await http.get(path)).status_code == 200:
                    service.cpu_to_ready = service.cpu_seconds
                    return
            except httpx.TransportError:
                pass  # not listening yet
            if service.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
    tail = (logs / f"{service.name}.log").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{service.name} did not get ready:\n{tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
