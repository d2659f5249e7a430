"""Reading a cluster into a Snapshot: one paged list per kind, all at once, then logs and Secrets that may matter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from agents.cluster.cluster import ClusterReader
from agents.cluster.errors import ClusterError, Forbidden, NotFound, TimedOut, Unavailable
from agents.cluster.kinds import BUILT_IN, Kind
from agents.cluster.secrets import SecretShape
from agents.cluster.usage import Usage
from agents.diagnoser.fields import Obj
from agents.diagnoser.snapshot import LogKey, Snapshot
from agents.diagnoser.suspects import referenced_secrets, wanted_logs

NOT_NEEDED = frozenset(
    {"PodTemplate", "CSIStorageCapacity", "FlowSchema", "PriorityLevelConfiguration", "CertificateSigningRequest"}
)
"""Kinds that no analyzer reads."""

MAX_CUSTOM_KINDS = 40
MAX_LOGS = 160
MAX_SECRETS = 60
TAIL_LINES = 400
LOG_BYTES = 64 * 1024
_PARALLEL = 8


async def collect(
    reader: ClusterReader,
    *,
    now: datetime | None = None,
    question: str = "",
    audit: Iterable[Obj] = (),
    max_logs: int = MAX_LOGS,
) -> Snapshot:
    """A Snapshot of everything that may be read.

    A kind that may not be listed is named in `unreadable`. When the cluster stops answering half-way, the Snapshot
    holds what had arrived and `interrupted` says why. Raises the first ClusterError when nothing could be read at all.
    """
    listing = _Listing(reader)
    objects = await listing.read()
    snapshot = Snapshot(
        objects=objects,
        now=now or datetime.now(UTC),
        unreadable=listing.unreadable,
        interrupted=listing.interrupted,
        audit=tuple(audit),
        cluster=reader.id,
    )
    usage, logs, secrets = await asyncio.gather(
        _usage(reader),
        _logs(reader, wanted_logs(snapshot, question, max_logs)),
        _secrets(reader, referenced_secrets(snapshot, MAX_SECRETS)),
    )
    snapshot.usage, snapshot.logs, snapshot.secrets = usage, logs, secrets
    return snapshot


class _Listing:
    """The lists of all kinds, and what went wrong with them."""

    def __init__(self, reader: ClusterReader) -> None:
        self._reader = reader
        self._turns = asyncio.Semaphore(_PARALLEL)
        self._errors: list[ClusterError] = []
        self.unreadable: dict[str, str] = {}
        self.interrupted = ""

    async def read(self) -> list[Obj]:
        kinds = [kind for kind in BUILT_IN if kind.name not in NOT_NEEDED]
        lists = await asyncio.gather(*map(self._list, kinds))
        custom = await asyncio.gather(*map(self._list, await self._custom(kinds)))
        if self._errors and not any(lists):
            raise self._errors[0]
        return [obj for found in (*lists, *custom) for obj in found]

    async def _list(self, kind: Kind) -> list[Obj]:
        async with self._turns:
            try:
                return await self._reader.list(kind)
            except NotFound:
                return []  # the API does not serve this kind, so there are no such objects
            except ClusterError as error:
                self._note(kind.name, error)
                return []

    async def _custom(self, known: list[Kind]) -> list[Kind]:
        try:
            found = await self._reader.custom_kinds()
        except ClusterError as error:
            self._note("custom resources", error)
            return []
        served = {(kind.group, kind.name) for kind in known}
        return [kind for kind in found if (kind.group, kind.name) not in served][:MAX_CUSTOM_KINDS]

    def _note(self, kind: str, error: ClusterError) -> None:
        self._errors.append(error)
        self.unreadable[kind] = "forbidden" if isinstance(error, Forbidden) else str(error)
        if isinstance(error, (Unavailable, TimedOut)):
            self.interrupted = self.interrupted or str(error)


async def _usage(reader: ClusterReader) -> Usage | None:
    try:
        return await reader.usage()
    except ClusterError:
        return None  # no metrics-server: analyzers do without


async def _logs(reader: ClusterReader, keys: list[LogKey]) -> dict[LogKey, str]:
    turns = asyncio.Semaphore(_PARALLEL)

    async def fetch(key: LogKey) -> tuple[LogKey, str]:
        async with turns:
            try:
                found = await reader.logs(
                    key.namespace,
                    key.pod,
                    key.container,
                    previous=key.previous,
                    tail_lines=TAIL_LINES,
                    limit_bytes=LOG_BYTES,
                )
            except ClusterError:
                found = ""  # a container that never ran, or a node that is down, has no log
            return key, found

    return {key: found for key, found in await asyncio.gather(*map(fetch, keys)) if found}


async def _secrets(reader: ClusterReader, names: list[tuple[str, str]]) -> dict[tuple[str, str], SecretShape]:
    async def fetch(name: tuple[str, str]) -> SecretShape | None:
        try:
            return await reader.secret_shape(*name)
        except ClusterError:
            return None  # missing, or not ours to read: the list of Secrets tells which

    found = await asyncio.gather(*map(fetch, names))
    return {(shape.namespace, shape.name): shape for shape in found if shape is not None}
