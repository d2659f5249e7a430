"""After a change: watches the rollout, diagnoses again, and takes the change back when things got worse."""

from __future__ import annotations

from typing import Any

from agents.cluster.errors import ClusterError, NotFound
from agents.executor.action import ActionError, Note, Object
from agents.executor.calls.carry_out import can_be_verified
from agents.executor.carry_out import carry_out, keep, look
from agents.executor.cluster_api import ClusterApi
from agents.executor.health import Rollout, Verdict, judge, new_causes, rollout_of
from agents.executor.ledger import Execution, Intent, note_data
from agents.executor.prepare import prepare
from agents.executor.rendering import title
from agents.executor.state import changes_between
from agents.executor.workshop import Workshop

_PAUSE = 2.0
_LONGEST_PAUSE = 10.0


async def verify_and_finish(shop: Workshop, cluster: ClusterApi, execution: Execution) -> dict[str, Any]:
    """Judges an Action that is in effect, undoes it when it made things worse, and closes the execution.

    Gives the outcome as it stands in the ledger. Raises Superseded.
    """
    verdict, notes = await watch(shop, cluster, execution)
    outcome: dict[str, Any] = {"status": "applied", "verdict": verdict, "notes": note_data(notes)}
    if verdict == "worse":
        outcome["undo"] = await undo(shop, cluster, execution)
    await shop.ledger.advance(execution, "done", "verified", outcome, shop.now())
    return outcome


async def watch(shop: Workshop, cluster: ClusterApi, execution: Execution) -> tuple[Verdict, list[Note]]:
    """Looks until the change shows its effect, or time is up. Raises Superseded."""
    intent, deadline = execution.intent, shop.now() + shop.rollout_time
    if intent.action.kind == "call_tool" and not await can_be_verified(cluster, intent):
        return "unverified", [Note(code="call_not_verified")]
    before = intent.causes
    pause, rollout, causes = _PAUSE, Rollout(complete=False), before
    while True:
        await keep(shop, execution)
        seen = await _rollout(cluster, intent)
        if seen is not None:
            rollout = seen
            late = shop.now() >= deadline
            if rollout.complete or late:
                now = await shop.picture(intent.action.cluster, intent.action.target.namespace)
                causes = sorted(now.causes) if now else None
                remains = any(cause.split(" ")[0] == intent.action.resource for cause in causes or [])
                if rollout.complete and not remains and not new_causes(intent.action, before, causes, intent.troubled):
                    break
        if shop.now() >= deadline:
            break
        await shop.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return judge(intent.action, intent.available, before, rollout, causes, intent.troubled)


async def undo(shop: Workshop, cluster: ClusterApi, execution: Execution) -> dict[str, Any]:
    """Runs the inverse Action, once, and only while the object is still as we left it. Raises Superseded."""
    intent = execution.intent
    inverse = intent.action.inverse
    if inverse is None:
        return _undo_failed(Note(code="undo_impossible"))
    earlier = await shop.ledger.execution(f"{execution.id}:undo")
    if earlier is not None:
        return earlier.outcome or _undo_failed(Note(code="undo_begun_before"))
    try:
        if await look(cluster, intent) != "yes":
            return _undo_failed(Note(code="undo_changed_since", facts={"inverse": title(inverse)}))
        prepared = await prepare(cluster, inverse, shop.now())
    except (ActionError, ClusterError) as error:
        return _undo_failed(Note(code="undo_failed", facts={"inverse": title(inverse), "why": str(error)}))
    back = Intent(
        proposal=intent.proposal,
        action=prepared.action,
        changes=changes_between(prepared.before.object, prepared.after),
        approver=intent.approver,
        undoes=execution.id,
    )
    second = await shop.ledger.begin_undo(back, shop.owner, shop.lease, shop.now())
    if second is None:
        return _undo_failed(Note(code="undo_begun_before"))
    done = await carry_out(shop, cluster, second, prepared)
    if done.state == "yes":
        outcome: dict[str, Any] = {"status": "undone", "inverse": title(inverse), "notes": []}
    else:
        why = done.note.facts.get("why", done.note.code) if done.note else ""
        outcome = _undo_failed(Note(code="undo_failed", facts={"inverse": title(inverse), "why": why}))
    await shop.ledger.advance(second, "done", outcome["status"], outcome, shop.now())
    return outcome


def _undo_failed(note: Note) -> dict[str, Any]:
    return {"status": "undo_failed", "notes": note_data([note])}


async def _rollout(cluster: ClusterApi, intent: Intent) -> Rollout | None:
    """The workload's state; None when it cannot be read just now."""
    obj: Object | None = None
    try:
        obj = await cluster.get(intent.action.target)
    except NotFound:
        return Rollout()
    except ClusterError:
        return None
    return rollout_of(obj)
