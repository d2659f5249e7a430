"""After a crash: finds out by the object whether an Action took place. Never applies anything a second time."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from agents.cluster.errors import ClusterError
from agents.executor.action import Note
from agents.executor.carry_out import State, Superseded, look
from agents.executor.cluster_api import ClusterApi
from agents.executor.ledger import Execution, note_data
from agents.executor.verify import verify_and_finish
from agents.executor.workshop import Workshop

logger = logging.getLogger(__name__)


async def recover(shop: Workshop) -> list[str]:
    """Takes over every execution whose process is gone, and ends it. Gives their ids.

    What cannot be looked at now, because its cluster does not answer, or cannot be told yet, because the dead process's
    request may still take effect, is left for the next time.
    """
    orphans = await shop.ledger.orphans(shop.now())
    # What is being taken back goes first: it decides what the change that it belongs to came to.
    back = [await _take_up(shop, orphan) for orphan in orphans if orphan.intent.undoes is not None]
    rest = await asyncio.gather(*(_take_up(shop, orphan) for orphan in orphans if orphan.intent.undoes is None))
    return [ended for ended in (*back, *rest) if ended is not None]


async def _take_up(shop: Workshop, orphan: Execution) -> str | None:
    """Ends one execution, when that can be done now and nobody else does."""
    try:
        cluster = await shop.open_cluster(orphan.intent.action.cluster)
        state = await look(cluster, orphan.intent)
    except ClusterError as error:
        logger.warning("cannot look at %s yet: %s", orphan.id, error)
        return None
    if orphan.phase == "applying" and state != "yes" and shop.now() < _certain_at(shop, orphan):
        return None
    mine = await shop.ledger.take_over(orphan, shop.owner, shop.lease, shop.now())
    if mine is None:
        return None
    try:
        await _end(shop, cluster, mine, state)
    except Superseded as error:
        logger.warning("%s", error)
        return None
    return mine.id


def _certain_at(shop: Workshop, orphan: Execution) -> datetime:
    """From when on what has not taken effect will not."""
    return datetime.fromtimestamp(orphan.lease_until, UTC) - shop.lease + shop.on_the_way


async def _end(shop: Workshop, cluster: ClusterApi, execution: Execution, state: State) -> None:
    if execution.phase == "verifying":
        await verify_and_finish(shop, cluster, execution)
        return
    if state == "yes" and execution.intent.undoes is None:
        found = {"status": "applied", "notes": note_data([Note(code="found_applied")])}
        if await shop.ledger.advance(execution, "verifying", "applied", found, shop.now()):
            await verify_and_finish(shop, cluster, execution)
        return
    await shop.ledger.advance(execution, "done", "interrupted", _outcome(execution, state), shop.now())


def _outcome(execution: Execution, state: State) -> dict[str, Any]:
    if execution.intent.undoes is not None:
        status = "undone" if state == "yes" else "undo_failed"
        code = "found_undone" if state == "yes" else "undo_interrupted"
    else:
        status = "failed" if state == "no" else "unclear"
        code = "found_not_applied" if state == "no" else "found_unclear"
        if execution.intent.action.kind == "call_tool":
            code = "call_interrupted"
    return {"status": status, "notes": note_data([Note(code=code)])}
