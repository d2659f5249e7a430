"""A real Prometheus with the series of a scenario, for tests; absent binaries are said, and skip."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

START_SECONDS = 30


def missing() -> str | None:
    """Which binary of Debian's package `prometheus` is not installed."""
    absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)} (apt-get install prometheus)" if absent else None


def require() -> None:
    """Skips the test when there is no Prometheus to run."""
    if reason := missing():
        pytest.skip(reason)


@contextmanager
def prometheus(folder: Path, metrics: Path | None = None, config: str = "") -> Iterator[str]:
    """The URL of a running server that holds the samples of an OpenMetrics file."""
    require()
    data, settings = folder / "prometheus-data", folder / "prometheus.yml"
    data.mkdir(parents=True)
    settings.write_text(config or "global: {scrape_interval: 15s}\n")
    if metrics is not None:
        made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(metrics), str(data)]
        subprocess.run(made, check=True, capture_output=True, timeout=60)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [
        "prometheus",
        f"--config.file={settings}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=3d",
        "--log.level=warn",
    ]
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_ready(f"http://127.0.0.1:{port}", process, folder / "prometheus.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/-/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"prometheus did not start: {log.read_text()[-1000:]}")


async def parsed(url: str, promql: str) -> str | None:
    """What a real parser says against a query; None when it is valid."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/api/v1/query", params={"query": promql})
    return None if answer.status_code == 200 else str(answer.json().get("error"))
