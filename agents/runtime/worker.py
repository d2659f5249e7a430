"""Which process owns a piece of work. Leases name their owner by it, so that others know whom they wait for.

A lease runs out when its owner is not heard of. Where owner and observer share a machine nobody need wait for that:
the operating system knows whether the process is still there.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_here: set[str] = set()
"""The workers of this process that have not retired."""


def new_worker() -> str:
    """A name for one life of a service in this process: `place/pid/random`."""
    name = f"{_place()}/{os.getpid()}/{secrets.token_hex(4)}"
    _here.add(name)
    return name


def retire(worker: str) -> None:
    """The worker lets go of everything: whoever looks at its leases from now on takes it for gone."""
    _here.discard(worker)


def gone(worker: str) -> bool:
    """Whether a worker is certainly dead. False when it may live, such as on another machine."""
    if worker in _here:
        return False
    place, _, rest = worker.rpartition("/")[0].rpartition("/")
    if place != _place() or not rest.isdecimal():
        return False
    pid = int(rest)
    if pid == os.getpid():
        return True  # an earlier life: a restarted container has the pid of the one before
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _defunct(pid)


def _place() -> str:
    """One machine and one space of process ids; containers have their own."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # not on Linux
        space = 0
    return f"{socket.gethostname()}:{space}"


def _defunct(pid: int) -> bool:
    """Killed, but not yet waited for by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
