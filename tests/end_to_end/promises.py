"""What must hold after chaos: by the journal, the store and the cluster, not by what anybody claims."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import func, select

from agents.cluster.clusters import Clusters
from agents.runtime import journal
from agents.runtime.database import Database
from agents.runtime.settings import Settings
from agents.runtime.states import OPEN
from agents.runtime.task_tables import tasks
from tests.end_to_end.chaos import Outcome

NAMESPACE = "shop"
IDLE_SECONDS = 30.0
"""How long after the last answer a task may still be open."""


async def generations(settings: Settings) -> dict[str, int]:
    """How often each Deployment's spec was written, as the cluster itself counts."""
    clusters = Clusters(settings.kubernetes)
    async with clusters.lifespan():
        found = await (await clusters.get(None)).list("Deployment", NAMESPACE)
    return {f"{NAMESPACE}/Deployment/{o['metadata']['name']}": o["metadata"]["generation"] for o in found}


async def check(outcome: Outcome, settings: Settings, before: Mapping[str, int]) -> dict[str, int]:
    """Raises AssertionError when a promise was broken; gives the journal's events by name."""
    assert not outcome.hanging, f"these requests hang: {outcome.hanging}"
    assert not outcome.incomplete, "not answered in full:\n" + "\n".join(outcome.incomplete)
    entries = await _journal(settings)
    of = Counter((entry.event, entry.subject) for entry in entries)
    twice = [key for key, count in of.items() if key[0] in ("applying", "approved", "applied") and count > 1]
    assert not twice, f"executed twice: {twice}"
    decided = {entry.subject for entry in entries if entry.event in ("approved", "rejected", "refused")}
    assert outcome.approved <= decided, f"approvals were lost: {outcome.approved - decided}"
    open_ones = [subject for event, subject in of if event == "applying" and not _ended(entries, subject)]
    assert not open_ones, f"begun and never ended: {open_ones}"
    _compare(entries, before, await generations(settings))
    await _nobody_works(settings)
    return dict(Counter(entry.event for entry in entries))


async def _journal(settings: Settings) -> list[journal.Entry]:
    """The whole of it, its chain checked."""
    engine = journal.changes_engine(settings)
    good, _, problem = await journal.verify(engine)
    assert problem is None, problem
    entries: list[journal.Entry] = []
    while batch := await journal.read(engine, after=entries[-1].seq if entries else 0, limit=500):
        entries += batch
    await engine.dispose()
    assert good == len(entries)
    return entries


def _ended(entries: Sequence[journal.Entry], subject: str) -> bool:
    begun = [number for number, entry in enumerate(entries) if entry.subject == subject and entry.event == "applying"]
    later = (entry.event for entry in entries[begun[-1] + 1 :] if entry.subject == subject)
    return any(event != "applied" for event in later)


def _compare(entries: Sequence[journal.Entry], before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Every object was written as often as the journal says, give or take what it says it does not know."""
    resource = {entry.subject: str(entry.data["resource"]) for entry in entries if entry.event == "applying"}
    surely, perhaps = Counter[str](), Counter[str]()
    for entry in entries:
        if entry.event in ("applied", "undone"):
            (perhaps if _found(entry) else surely)[resource[entry.subject]] += 1
        elif entry.subject in resource and entry.data.get("status") in ("unclear", "undo_failed"):
            perhaps[resource[entry.subject]] += 1
    for name, generation in after.items():
        written = generation - before[name]
        assert surely[name] <= written <= surely[name] + perhaps[name], (
            f"{name} was written {written} times, and the journal says {surely[name]} (perhaps: {perhaps[name]} more)"
        )


def _found(entry: journal.Entry) -> bool:
    """After a crash the object is as it was wanted; somebody else may have wanted, and written, just the same."""
    return any(note.get("code") == "found_applied" for note in entry.data.get("notes", ()))


async def _nobody_works(settings: Settings) -> None:
    """No A2A task is left open once every request has its answer."""
    query = select(tasks.c.service, func.count()).where(tasks.c.state.in_(sorted(OPEN))).group_by(tasks.c.service)
    database = Database(settings.store.url, Path(), "")
    ends = time.monotonic() + IDLE_SECONDS
    while found := await database.read(lambda connection: connection.execute(query).all()):
        assert time.monotonic() < ends, f"these services' tasks never end: {found}"
        await asyncio.sleep(0.2)
    await database.close()
