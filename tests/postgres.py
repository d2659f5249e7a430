"""A PostgreSQL of one's own: Debian's, on a free port, in a temporary folder, gone after the tests."""

from __future__ import annotations

import os
import shutil
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


@contextmanager
def postgres() -> Generator[str]:
    """The URL of a fresh server (`…/postgres`); skips the test with a hint where there is no PostgreSQL."""
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
    log = home / "log"
    subprocess.run(
        [*prefix, folder / "initdb", "-D", data, "-A", "trust", "-U", "kubeteam", "--no-sync", "-E", "UTF8"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    options = ["-k", "", "-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off", "-c", "max_connections=200"]
    with log.open("wb") as out:
        server = subprocess.Popen([*prefix, folder / "postgres", "-D", data, *options], stdout=out, stderr=out, cwd="/")
    try:
        _until_ready(folder, port, server, log)
        yield f"postgresql+asyncpg://kubeteam@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)
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
