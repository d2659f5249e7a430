"""A PostgreSQL of one's own: Debian's, on a free port, in a temporary folder, gone after the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user."""


def programs() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest version; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class Server:
    """A running server that can be taken away and brought back on the same port and data."""

    def __init__(self, folder: Path, home: Path, prefix: list[str], port: int) -> None:
        self.url = f"postgresql+asyncpg://kubeteam@127.0.0.1:{port}/postgres"
        self._folder, self._home, self._prefix, self._port = folder, home, prefix, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        options = ["-k", "", "-h", "127.0.0.1", "-p", str(self._port), "-c", "fsync=off", "-c", "max_connections=200"]
        command = [*self._prefix, self._folder / "postgres", "-D", self._home / "data", *options]
        log = self._home / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd="/")
        _until_ready(self._folder, self._port, self._process, log)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT breaks all connections off; SIGQUIT does not even write down what it has."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)


@contextmanager
def postgres() -> Generator[Server]:
    """A fresh server; skips the test with a hint where there is no PostgreSQL."""
    folder = programs()
    if folder is None:
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql (only its programs are used)")
    home = Path(tempfile.mkdtemp(prefix="kubeteam-pg-"))
    home.chmod(0o755)
    data = home / "data"
    data.mkdir()
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, UNPRIVILEGED)
        prefix = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--init-groups"]
    subprocess.run(
        [*prefix, folder / "initdb", "-D", data, "-A", "trust", "-U", "kubeteam", "--no-sync", "-E", "UTF8"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = Server(folder, home, prefix, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _until_ready(folder: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        ready = subprocess.run([folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False, cwd="/")
        if ready.returncode == 0:
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
