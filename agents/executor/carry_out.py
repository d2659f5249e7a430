"""Makes the requests of one Action, once, and finds out whether they took place when the answer is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents.cluster.errors import ClusterError, Conflict, NotFound, Throttled, TimedOut, Unavailable
from agents.executor.action import ActionError, Note, Object, PreparedAction
from agents.executor.changes.nodes import pod_id
from agents.executor.cluster_api import ClusterApi, Write
from agents.executor.ledger import Execution, Intent
from agents.executor.prepare import Preparation, prepare
from agents.executor.state import progress
from agents.executor.workshop import Workshop
from agents.runtime.findings import Action

State = Literal["yes", "no", "unclear"]
CONFLICTS = 3
"""How often status alone may change between our look and our request before we give up."""
_LOOKS = (1.0, 3.0, 10.0)
"""Seconds between looks after a lost answer: the request may still be on its way."""
_EVICTION_PAUSE = 5.0


class Superseded(Exception):
    """Another executor has taken the execution over; this one must not touch it any more."""


@dataclass(frozen=True)
class Done:
    """Whether the change took place, and why not."""

    state: State
    note: Note | None = None
    diff: str = ""
    """What the Action would do now, when the object changed."""


async def carry_out(shop: Workshop, cluster: ClusterApi, execution: Execution, prepared: Preparation) -> Done:
    """Applies what was prepared. The intent is in the ledger already. Raises Superseded."""
    for _ in range(CONFLICTS):
        await keep(shop, execution)
        first, *evictions = prepared.change.writes
        try:
            await cluster.write(first, dry_run=False)
        except Conflict as error:
            again = await _prepare_again(shop, cluster, execution.intent, str(error))
            if isinstance(again, Done):
                return again
            prepared = again
            continue
        except (Unavailable, TimedOut) as error:
            return await _look_patiently(shop, cluster, execution, str(error))
        except ClusterError as error:
            return Done("no", Note(code="refused_by_server", facts={"why": str(error)}))
        return await _evict_all(shop, cluster, execution, evictions) if evictions else Done("yes")
    return Done("no", Note(code="keeps_changing"))


async def look(cluster: ClusterApi, intent: Intent) -> State:
    """Whether the change took place, by the object itself. Raises ClusterError when it cannot be read."""
    action = intent.action
    if action.kind == "call_tool":  # what another server's tool leaves behind, nobody here knows
        return "unclear"
    try:
        live = await cluster.get(action.target)
    except NotFound:
        live = None
    if action.kind == "drain_node":
        return await _look_at_drain(cluster, intent, live)
    uid = (live or {}).get("metadata", {}).get("uid")
    if action.kind == "delete_resource":
        gone = live is None or uid != action.precondition.uid or live["metadata"].get("deletionTimestamp")
        return "yes" if gone else "no"
    if action.precondition.uid is not None and uid != action.precondition.uid:
        return "unclear"
    return progress(intent.changes, live)


def same_change(approved: PreparedAction, fresh: PreparedAction) -> bool:
    """Whether preparing again gives exactly what was approved: the same object, state before, and state after.

    The resourceVersion may have moved on with the status alone; the request itself carries the fresh one.
    """
    return (
        fresh.precondition.uid == approved.precondition.uid
        and fresh.precondition.state == approved.precondition.state
        and fresh.outcome == approved.outcome
        and fresh.arguments == approved.arguments
        and fresh.kind == approved.kind
        and fresh.resource == approved.resource
        and fresh.cluster == approved.cluster
    )


def as_approved(action: PreparedAction) -> Action:
    """The Action with its complete arguments, to prepare it again."""
    return Action(kind=action.kind, resource=action.resource, arguments=action.arguments)


async def keep(shop: Workshop, execution: Execution) -> None:
    """Shows a sign of life. Raises Superseded."""
    if not await shop.ledger.renew(execution, shop.lease, shop.now()):
        raise Superseded(f"another executor has taken over {execution.id}")


async def _prepare_again(shop: Workshop, cluster: ClusterApi, intent: Intent, why: str) -> Preparation | Done:
    try:
        fresh = await prepare(cluster, as_approved(intent.action), shop.now())
    except (ActionError, ClusterError) as error:
        return Done("no", Note(code="changed_object", facts={"why": str(error)}))
    if not same_change(intent.action, fresh.action):
        return Done("no", Note(code="changed_object", facts={"why": why}), fresh.action.diff)
    return fresh


async def _look_patiently(shop: Workshop, cluster: ClusterApi, execution: Execution, why: str) -> Done:
    state: State = "unclear"
    for pause in _LOOKS:
        await keep(shop, execution)
        await shop.sleep(pause)
        try:
            state = await look(cluster, execution.intent)
        except ClusterError:
            continue
        if state == "yes":
            return Done("yes", Note(code="answer_was_lost", facts={"why": why}))
    code = "answer_lost_and_not_seen" if state == "no" else "answer_lost_and_unclear"
    return Done(state, Note(code=code, facts={"why": why}))


async def _evict_all(shop: Workshop, cluster: ClusterApi, execution: Execution, evictions: list[Write]) -> Done:
    """Evicts the pods that were approved, waiting for disruption budgets until the deadline."""
    deadline = shop.now() + shop.rollout_time
    waiting, why = list(evictions), ""
    while waiting:
        await keep(shop, execution)
        still: list[Write] = []
        for eviction in waiting:
            try:
                await cluster.write(eviction, dry_run=False)
            except (NotFound, Conflict):  # gone already, or another pod of the same name
                continue
            except (Throttled, Unavailable, TimedOut) as error:  # safe to repeat: bound to the pod's uid
                why = str(error)
                still.append(eviction)
            except ClusterError as error:
                return Done("unclear", _partly([*still, eviction], str(error)))
        waiting = still
        if waiting and shop.now() >= deadline:
            return Done("unclear", _partly(waiting, why))
        if waiting:
            await shop.sleep(_EVICTION_PAUSE)
    return Done("yes")


def _partly(waiting: list[Write], why: str) -> Note:
    pods = ", ".join(f"{write.target.namespace}/{write.target.name}" for write in waiting)
    return Note(code="drained_partly", facts={"pods": pods, "why": why})


async def _look_at_drain(cluster: ClusterApi, intent: Intent, node: Object | None) -> State:
    if node is None or node["metadata"].get("uid") != intent.action.precondition.uid:
        return "unclear"
    if not (node.get("spec") or {}).get("unschedulable"):
        return "no"
    pods = await cluster.list("Pod", fields=f"spec.nodeName={intent.action.target.name}")
    staying = {pod_id(pod) for pod in pods if not pod["metadata"].get("deletionTimestamp")}
    return "unclear" if staying & set(intent.action.arguments.get("pods", [])) else "yes"
