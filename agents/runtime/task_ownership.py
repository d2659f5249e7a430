"""Who works on a task when several replicas serve one address: as SQL over the task store's tables.

A process is alive as long as it is heard of; every write of its tasks says so, too. What a dead process worked on is
adopted by one of the others, and what the dead one may write later, because it was only paused, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from agents.runtime import task_tables as t
from agents.runtime.database import clock
from agents.runtime.states import INTERRUPTED, OPEN
from agents.runtime.worker import gone


def beat(connection: Connection, worker: str, seconds: float) -> None:
    """The worker is alive for another while."""
    dialect = connection.dialect.name
    until = clock(dialect) + seconds
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(t.workers).values(name=worker, alive_until=until)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"alive_until": until}))


def leave(connection: Connection, worker: str) -> None:
    """The worker has stopped: what it had may be adopted at once. Forgets the long dead as well."""
    old = t.workers.c.alive_until < clock(connection.dialect.name) - 86_400
    connection.execute(delete(t.workers).where((t.workers.c.name == worker) | old))


def dead(connection: Connection, service: str, worker: str) -> list[str]:
    """Workers that have tasks of the service and are not heard of."""
    alive = select(t.workers.c.name).where(t.workers.c.alive_until > clock(connection.dialect.name))
    having = select(t.tasks.c.worker).where(t.tasks.c.service == service, t.tasks.c.worker.is_not(None)).distinct()
    found = {name for name in connection.execute(having).scalars() if name is not None and name != worker}
    if not found:
        return []
    heard = set(connection.execute(alive).scalars())
    return sorted(name for name in found if name not in heard or gone(name))


def adopt(connection: Connection, service: str, worker: str, dead_ones: Sequence[str]) -> Sequence[Row[Any, Any, Any]]:
    """Takes what dead workers worked on; gives id, owner and blob. Parked tasks are let go of."""
    theirs = (t.tasks.c.service == service) & t.tasks.c.worker.in_(dead_ones)
    parked = theirs & t.tasks.c.state.in_(sorted(INTERRUPTED))
    connection.execute(update(t.tasks).where(parked).values(worker=None))
    taken = update(t.tasks).where(theirs & t.tasks.c.state.in_(sorted(OPEN))).values(worker=worker)
    return connection.execute(taken.returning(t.tasks.c.id, t.tasks.c.owner, t.tasks.c.blob)).all()


def acquire(connection: Connection, service: str, worker: str, task_id: str) -> bytes | None:
    """Takes a parked task to continue or end it; gives it as it is. None when another was first, or it is at work."""
    parked = (t.tasks.c.state.in_(sorted(INTERRUPTED))) & t.tasks.c.worker.is_(None)
    mine = (t.tasks.c.service == service) & (t.tasks.c.id == task_id) & parked
    return connection.execute(update(t.tasks).where(mine).values(worker=worker).returning(t.tasks.c.blob)).scalar()


def let_go(connection: Connection, service: str, worker: str, task_id: str) -> None:
    """Undoes `acquire`."""
    mine = (t.tasks.c.service == service) & (t.tasks.c.id == task_id) & (t.tasks.c.worker == worker)
    connection.execute(update(t.tasks).where(mine).values(worker=None))


def ask_cancel(connection: Connection, service: str, task_id: str) -> None:
    """Leaves word for whoever works on the task."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(t.cancels)
    connection.execute(insert.values(service=service, task_id=task_id).on_conflict_do_nothing())


def cancels(connection: Connection, service: str) -> list[str]:
    """Tasks whose worker is asked to cancel them."""
    return list(connection.execute(select(t.cancels.c.task_id).where(t.cancels.c.service == service)).scalars())


def cancelled(connection: Connection, service: str, task_ids: Sequence[str]) -> None:
    """They were, or had ended."""
    done = (t.cancels.c.service == service) & t.cancels.c.task_id.in_(task_ids)
    connection.execute(delete(t.cancels).where(done))
