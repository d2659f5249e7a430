"""Takes a delivery into the tables, in one transaction: what is known already changes nothing."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from planner.incidents.grouping import common_place, worst
from planner.incidents.incident import Delivery, Incident, Signal, severity_rank
from planner.incidents.rows import incident_of, values_of
from planner.incidents.schema import incidents, signals
from planner.incidents.wording import title_of

REPLAY_SECONDS = 300.0
"""A signal that ended less long ago and comes as firing again is an old message that was late."""
CHUNK = 400
"""Signals per statement: databases bound the number of parameters."""
_Key = tuple[str, int]


class Taken(NamedTuple):
    """What a delivery came to."""

    incident_id: str | None
    """The group's open incident."""
    fresh: int
    """Signals that were not known, or had been over for long."""
    ended: int


def take(connection: Connection, delivery: Delivery, moment: float, cluster_label: str) -> Taken:
    """Keeps what is new in a delivery. The same again gives the same and changes nothing."""
    key = hashlib.sha256(f"{delivery.source}\n{delivery.group}".encode()).hexdigest()
    _one_at_a_time(connection, key)
    known = _known(connection, delivery)
    told = {(s.fingerprint, s.starts): s for s in delivery.signals}
    fresh = [s for k, s in told.items() if s.firing and _is_news(known.get(k), moment)]
    ended = [k for k, s in told.items() if not s.firing and k in known and known[k].firing]
    incident = _open(connection, key)
    if incident is None and fresh:
        incident = _begin(connection, key, delivery, fresh, moment, cluster_label)
    touched = {known[k].incident_id for k in ended} | ({incident.id} if incident and fresh else set[str]())
    if incident is not None and fresh:
        _insert(connection, delivery.source, incident.id, fresh, moment)
    for fingerprint, starts in ended:
        _end(
            connection,
            (signals.c.source == delivery.source)
            & (signals.c.fingerprint == fingerprint)
            & (signals.c.starts == starts),
            moment,
        )
    if delivery.all_over and incident is not None:
        _end(connection, (signals.c.incident_id == incident.id) & signals.c.firing, moment)
        touched.add(incident.id)
    for id in sorted(touched):
        _count(connection, id, moment, more=bool(fresh) and incident is not None and id == incident.id, worst_of=fresh)
    return Taken(incident.id if incident else None, len(fresh), len(ended))


def _one_at_a_time(connection: Connection, key: str) -> None:
    """Deliveries of one group wait for each other; SQLite has but one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": int(key[:15], 16)})


def _known(connection: Connection, delivery: Delivery) -> dict[_Key, Any]:
    found: dict[_Key, Any] = {}
    prints = sorted({signal.fingerprint for signal in delivery.signals})
    for some in _chunks(prints):
        query = sa.select(
            signals.c.fingerprint, signals.c.starts, signals.c.firing, signals.c.seen_at, signals.c.incident_id
        ).where(signals.c.source == delivery.source, signals.c.fingerprint.in_(some))
        found.update({(row.fingerprint, row.starts): row for row in connection.execute(query)})
    return found


def _is_news(row: Any, moment: float) -> bool:
    return row is None or (not row.firing and moment - row.seen_at > REPLAY_SECONDS)


def _open(connection: Connection, key: str) -> Incident | None:
    row = connection.execute(sa.select(incidents).where(incidents.c.open_key == key).with_for_update()).first()
    return incident_of(row) if row is not None else None


def _begin(
    connection: Connection, key: str, delivery: Delivery, fresh: Sequence[Signal], moment: float, cluster_label: str
) -> Incident:
    place = common_place(fresh, cluster_label)
    at = datetime.fromtimestamp(moment, UTC)
    incident = Incident(
        id=secrets.token_hex(6),
        source=delivery.source,
        group=delivery.group,
        title=title_of(fresh),
        severity=worst(fresh),
        **place._asdict(),
        created_at=at,
        changed_at=at,
    )
    connection.execute(sa.insert(incidents).values(values_of(incident) | {"open_key": key}))
    return incident


def _insert(connection: Connection, source: str, incident_id: str, fresh: Sequence[Signal], moment: float) -> None:
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "source": source,
            "fingerprint": signal.fingerprint,
            "starts": signal.starts,
            "incident_id": incident_id,
            "firing": True,
            "seen_at": moment,
            "data": signal.model_dump_json(),
        }
        for signal in fresh
    ]
    statement = insert(signals)
    again = {name: statement.excluded[name] for name in ("incident_id", "firing", "seen_at", "data")}
    statement = statement.on_conflict_do_update(index_elements=["source", "fingerprint", "starts"], set_=again)
    connection.execute(statement, rows)


def _end(connection: Connection, which: sa.ColumnElement[bool], moment: float) -> None:
    connection.execute(sa.update(signals).where(which, signals.c.firing).values(firing=False, seen_at=moment))


def _count(connection: Connection, id: str, moment: float, *, more: bool, worst_of: Sequence[Signal]) -> None:
    """Brings the incident's numbers up to date. New signals after a repair or a failure want a new plan."""
    row = connection.execute(sa.select(incidents).where(incidents.c.id == id).with_for_update()).one()
    incident = incident_of(row)
    counts = sa.select(sa.func.count(), sa.func.sum(sa.case((signals.c.firing, 1), else_=0)))
    total, firing = connection.execute(counts.where(signals.c.incident_id == id)).one()
    changed: dict[str, Any] = {"total": total, "firing": int(firing or 0)}
    changed["changed_at"] = datetime.fromtimestamp(moment, UTC)
    if more:
        changed["severity"] = min((incident.severity, worst(worst_of)), key=severity_rank)
        if incident.status in ("repaired", "failed"):
            changed |= {"status": "open", "request_id": None, "attempt": incident.attempt + 1}
    connection.execute(
        sa.update(incidents).where(incidents.c.id == id).values(values_of(incident.model_copy(update=changed)))
    )


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
