"""Lines that a control plane component logged, with where they were read: from a folder of files, or from Loki."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from string import Template

from agents.cluster.loki import MAX_LINES, LokiClient, matching

Lines = AsyncIterator[tuple[str, str]]
CHUNK = 2_000
# 2026-01-31T08:00:00.123456789Z stderr F message, as the container runtime writes it
_RUNTIME = re.compile(r"\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) [FP] ")
_PLAIN = re.compile(r"[\w ./:-]+", re.ASCII)
_INSIDE = ("log", "line", "message")


async def from_folder(folder: Path, component: str) -> Lines | None:
    """`COMPONENT.log` and what was rotated away from it, oldest first; None when the folder has none."""
    files = await asyncio.to_thread(_files, folder, component)
    return _read(files) if files else None


def _files(folder: Path, component: str) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"controlplane.path: there is no folder {folder}")
    found = [path for path in folder.glob(f"{component}*.log*") if path.is_file()]
    own = [
        path for path in found if re.fullmatch(rf"{re.escape(component)}(?:[-.]\d[\w.:-]*)?\.log[\w.:-]*", path.name)
    ]
    return sorted(own, key=lambda path: path.stat().st_mtime)


async def _read(files: list[Path]) -> Lines:
    for path in files:
        lines = _lines(path)
        while chunk := await asyncio.to_thread(lambda lines=lines: list(islice(lines, CHUNK))):
            for line in chunk:
                yield path.name, line


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            yield unwrapped(line.decode(errors="replace").rstrip("\r\n"))


async def from_loki(
    loki: LokiClient, component: str, pattern: str | None, start: datetime, end: datetime, problems: list[str]
) -> Lines:
    """Lines oldest first. A pattern of plain text is sent along, to spare reading; regular expressions differ."""
    query = Template(loki.selector).safe_substitute(component=component)
    if pattern and _PLAIN.fullmatch(pattern) and "." not in pattern:
        query += f" {matching(pattern)}"
    begins = max(start, loki.begins(datetime.now(UTC)))
    newest: deque[str] = deque(maxlen=MAX_LINES)
    async for _, line in loki.newest(query, begins, end):
        newest.appendleft(unwrapped(line))
    if len(newest) >= MAX_LINES:
        problems.append(f"only the newest {MAX_LINES} lines were read; ask for a shorter time or a pattern")
    for line in newest:
        yield f"Loki {query}", line


def unwrapped(line: str) -> str:
    """The component's own line, without what a container runtime or a log shipper put around it."""
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            return line
        inner = next((found[key] for key in _INSIDE if isinstance(found.get(key), str)), None)
        return unwrapped(inner.rstrip("\n")) if inner is not None else line
    return _RUNTIME.sub("", line, count=1)
