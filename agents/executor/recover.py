"""After a crash: finds out by the object whether an Action took place. Never applies anything a second time."""

from __future__ import annotations

import logging
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

    What cannot be looked at now, because its cluster does not answer, is left for the next time.
    """
    ended: list[str] = []
    orphans = await shop.ledger.orphans(shop.now())
    for orphan in sorted(orphans, key=lambda each: each.intent.undoes is None):  # what is being taken back, first
        try:
            cluster = await shop.open_cluster(orphan.intent.action.cluster)
            state = await look(cluster, orphan.intent)
        except ClusterError as error:
            logger.warning("cannot look at %s yet: %s", orphan.id, error)
            continue
        mine = await shop.ledger.take_over(orphan, shop.owner, shop.lease, shop.now())
        if mine is None:
            continue
        try:
            await _end(shop, cluster, mine, state)
            ended.append(mine.id)
        except Superseded as error:
            logger.warning("%s", error)
    return ended


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
