"""Which planner drives a request: a lease with a fencing epoch, as SQL.

Owning is claiming: the epoch goes up by one. Every write names the epoch under which it was decided and is refused when
there has been a later one, so that an owner that was only paused cannot spoil what its successor does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agents.runtime.database import clock
from planner.schema import requests

TO_DO = ("queued", "running")
LOOKED_AT = 500
"""Candidates for a claim that are looked at, oldest first: enough to let users take turns."""


@dataclass(frozen=True)
class Lease:
    """The right to write to a request."""

    request_id: str
    epoch: int


@dataclass(frozen=True)
class Candidate:
    """A request that somebody else drives, or nobody."""

    request_id: str
    user: str
    epoch: int
    owner: str | None
    expired: bool


def candidates(connection: sa.Connection, holder: str) -> list[Candidate]:
    """Requests with work to do that `holder` does not drive, oldest first; also its own that it has not kept."""
    now = clock(connection.dialect.name)
    query = (
        sa.select(requests.c.id, requests.c.user, requests.c.epoch, requests.c.owner, requests.c.lease_until < now)
        .where(requests.c.status.in_(TO_DO))
        .where(sa.or_(requests.c.owner.is_distinct_from(holder), requests.c.lease_until < now))
        .order_by(requests.c.created_at)
        .limit(LOOKED_AT)
    )
    return [Candidate(id, user, epoch, owner, bool(late)) for id, user, epoch, owner, late in connection.execute(query)]


def claim(connection: sa.Connection, wanted: Sequence[Candidate], holder: str, seconds: float) -> list[Lease]:
    """Takes those of the candidates that nobody has taken since they were looked at."""
    until = clock(connection.dialect.name) + seconds
    taken: list[Lease] = []
    for candidate in sorted(wanted, key=lambda each: each.request_id):
        statement = (
            sa.update(requests)
            .where(requests.c.id == candidate.request_id, requests.c.epoch == candidate.epoch)
            .where(requests.c.status.in_(TO_DO))
            .values(owner=holder, lease_until=until, epoch=requests.c.epoch + 1)
        )
        if candidate.expired:  # unless it has been renewed meanwhile
            statement = statement.where(requests.c.lease_until < clock(connection.dialect.name))
        if connection.execute(statement).rowcount == 1:
            taken.append(Lease(candidate.request_id, candidate.epoch + 1))
    return taken


def renew(connection: sa.Connection, holder: str, seconds: float) -> set[Lease]:
    """Keeps all that the holder has for another while; gives what that is."""
    until = clock(connection.dialect.name) + seconds
    statement = (
        sa.update(requests)
        .where(requests.c.owner == holder, requests.c.status.in_(TO_DO))
        .values(lease_until=until)
        .returning(requests.c.id, requests.c.epoch)
    )
    return {Lease(id, epoch) for id, epoch in connection.execute(statement)}


def release(connection: sa.Connection, holder: str, ids: Iterable[str] | None = None) -> None:
    """Lets go of some or all of what the holder has, so that others need not wait for the lease to run out."""
    mine = requests.c.owner == holder
    if ids is not None:
        mine &= requests.c.id.in_(list(ids))
    connection.execute(sa.update(requests).where(mine).values(owner=None, lease_until=0))


def seize(connection: sa.Connection, request_id: str, holder: str, seconds: float) -> Lease | None:
    """Takes a request from whoever has it; None when it has ended or does not exist."""
    statement = (
        sa.update(requests)
        .where(requests.c.id == request_id, requests.c.status.in_((*TO_DO, "input_required")))
        .values(owner=holder, lease_until=clock(connection.dialect.name) + seconds, epoch=requests.c.epoch + 1)
        .returning(requests.c.epoch)
    )
    epoch = connection.execute(statement).scalar()
    return None if epoch is None else Lease(request_id, epoch)
